//! Values that must never be printed.

use std::fmt;

/// A password or a token. It has no `Display`, and `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a value into custody.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value, to be put into a request and nowhere else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

/// What proves to a registry who we are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// User name and password, for Basic authentication or to be exchanged for a token.
    Basic {
        /// The user.
        username: String,
        /// The password.
        password: Secret,
    },
    /// A token that is sent to the registry as it is.
    Bearer(Secret),
    /// A refresh token (OAuth 2), to be exchanged for a registry's token.
    IdentityToken(Secret),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        let credential = Credential::Basic { username: "me".to_owned(), password: Secret::new("hunter2") };
        assert_eq!(format!("{credential:?}"), r#"Basic { username: "me", password: <secret> }"#);
    }
}
