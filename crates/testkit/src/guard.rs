//! Who may use a fake registry.

use base64::Engine as _;
use hyper::header::WWW_AUTHENTICATE;

use crate::answer::Answer;

/// Who may use a fake registry.
#[derive(Clone, Debug, Default)]
pub enum Guard {
    /// Everybody.
    #[default]
    Open,
    /// Whoever sends this user and password.
    Basic(String, String),
    /// Whoever has a token.
    Bearer {
        /// Where tokens are handed out; empty for `/token` of the same server.
        realm: String,
        /// Who gets one; `None` for everybody.
        user: Option<(String, String)>,
        /// Whether strangers get one that only reads.
        anonymous_pull: bool,
        /// Requests that a token is good for.
        uses: usize,
    },
}

/// What a token server does when it is asked for rights in several repositories at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenPolicy {
    /// It grants them.
    #[default]
    AsAsked,
    /// It answers with this status.
    OneScope(u16),
    /// Its token opens the first repository only; in others the registry answers with this status.
    FirstScope(u16),
}

impl Guard {
    /// Tokens from the same server for one user, who may use them for ever.
    pub fn bearer(user: &str, password: &str) -> Self {
        let user = Some((user.to_owned(), password.to_owned()));
        Self::Bearer { realm: String::new(), user, anonymous_pull: false, uses: usize::MAX }
    }

    /// Tokens for everybody.
    pub fn anonymous() -> Self {
        Self::Bearer { realm: String::new(), user: None, anonymous_pull: true, uses: usize::MAX }
    }

    /// The refusal of a request without the right credentials.
    pub(crate) fn challenge(&self, own_url: &str, scope: &str) -> Answer {
        let value = match self {
            Self::Open => return Answer::error(401, "UNAUTHORIZED"),
            Self::Basic(..) => "Basic realm=\"fake\"".to_owned(),
            Self::Bearer { realm, .. } => {
                let own = format!("{own_url}/token");
                let realm = if realm.is_empty() { &own } else { realm };
                format!("Bearer realm=\"{realm}\",service=\"fake\",scope=\"{scope}\"")
            }
        };
        Answer::error(401, "UNAUTHORIZED").with(WWW_AUTHENTICATE, value)
    }

    /// The answer of the token server. A token says what it is good for, and how often.
    pub(crate) fn token(&self, authorization: Option<&str>, refresh: Option<&str>, serial: usize) -> Answer {
        let Self::Bearer { user, anonymous_pull, .. } = self else { return Answer::error(404, "NOT_FOUND") };
        let known = user.as_ref().is_none_or(|(user, password)| {
            authorization == Some(&basic(user, password)) || refresh == Some(password)
        });
        if !known && (authorization.is_some() || refresh.is_some() || !anonymous_pull) {
            let body = serde_json::json!({"details": "incorrect username or password"});
            return Answer::new(401).body("application/json", body.to_string());
        }
        let rights = if known { "push" } else { "pull" };
        let body = serde_json::json!({"token": format!("{rights}-{serial}"), "expires_in": 300});
        Answer::new(200).body("application/json", body.to_string())
    }

    /// Whether a request may pass; `times` says how often its token was seen before.
    pub(crate) fn admits(&self, authorization: Option<&str>, writes: bool, times: usize) -> bool {
        match self {
            Self::Open => true,
            Self::Basic(user, password) => authorization == Some(&basic(user, password)),
            Self::Bearer { uses, .. } => {
                let token = authorization.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
                let right = token.starts_with("push-") || (token.starts_with("pull-") && !writes);
                right && times < *uses
            }
        }
    }
}

fn basic(user: &str, password: &str) -> String {
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    format!("Basic {pair}")
}
