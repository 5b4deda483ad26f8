//! A gateway: a server that all requests to registries go to instead. It forwards them, with credentials of its own, if its
//! rules allow it; so it is told which registry is meant, and sees no credentials.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use reqwest::Url;
use reqwest::header::HeaderName;

/// Names the registry that a request is meant for.
pub(crate) const ORIGINAL_HOST: HeaderName = HeaderName::from_static("x-rules_img-original-host");

/// Where a gateway is: `http://HOST[:PORT]`, `https://HOST[:PORT]` or `unix:/PATH`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gateway {
    base: Url,
    socket: Option<PathBuf>,
}

/// Not the address of a gateway.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not the address of a gateway: expected `http://HOST[:PORT]`, `https://HOST[:PORT]` or `unix:/PATH`"
)]
pub struct NotAGateway(String);

/// The gateways of a client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gateways {
    /// For everything about repositories that are pushed to.
    pub push: Option<Gateway>,
    /// For everything else.
    pub pull: Option<Gateway>,
}

impl Gateway {
    /// The address that paths are joined to; that of a socket has a host that means nothing.
    pub(crate) fn base(&self) -> &Url {
        &self.base
    }

    /// The socket, if it is one.
    pub(crate) fn socket(&self) -> Option<&PathBuf> {
        self.socket.as_ref()
    }
}

impl FromStr for Gateway {
    type Err = NotAGateway;

    fn from_str(text: &str) -> Result<Self, NotAGateway> {
        // A password is in no message.
        let shown = text.rsplit_once('@').map_or(text, |(_, host)| host);
        let refused = || NotAGateway(shown.to_owned());
        if let Some(path) = text.strip_prefix("unix:") {
            // One prefix, and not an address of a host: `unix://` is refused, so that nobody wonders what became of it.
            let socket = PathBuf::from(path);
            if cfg!(not(unix)) || !socket.is_absolute() || path.starts_with("//") {
                return Err(refused());
            }
            let base = Url::parse("http://localhost/").map_err(|_| refused())?;
            return Ok(Self { base, socket: Some(socket) });
        }
        let base = Url::parse(text).map_err(|_| refused())?;
        let is_plain = base.path() == "/" && base.query().is_none() && base.fragment().is_none();
        let has_user = !base.username().is_empty() || base.password().is_some();
        if !matches!(base.scheme(), "http" | "https") || !is_plain || has_user {
            return Err(refused());
        }
        Ok(Self { base, socket: None })
    }
}

impl fmt::Display for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.socket {
            Some(socket) => write!(f, "unix:{}", socket.display()),
            None => f.write_str(self.base.as_str().trim_end_matches('/')),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for text in
            ["http://gateway", "https://gateway:8443", "http://127.0.0.1:80/", "unix:/run/gateway.sock"]
        {
            let gateway: Gateway = text.parse().unwrap();
            assert_eq!(gateway.to_string().trim_end_matches(":80"), text.trim_end_matches(":80/"));
        }
        for text in [
            "",
            "gateway",
            "gateway:80",
            "ftp://gateway",
            "http://",
            "http://gateway/v2",
            "http://gateway/?x",
            "unix:",
            "unix:relative",
            "unix:///run/gateway.sock",
            "unix://host/run",
        ] {
            let refused = text.parse::<Gateway>().unwrap_err();
            assert!(
                refused.to_string().starts_with(&format!("`{text}` is not the address of a gateway")),
                "{text}"
            );
        }
        let refused = "http://me:secret@gateway".parse::<Gateway>().unwrap_err().to_string();
        assert!(refused.starts_with("`gateway` is not") && !refused.contains("secret"), "{refused}");
    }
}
