//! Why an operation failed, and whether trying again may help.

use std::fmt;
use std::io;
use std::time::Duration;

use reqwest::StatusCode;

/// One entry of a registry's own error message (distribution specification, "Error Codes"), shortened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryError {
    /// Such as `MANIFEST_UNKNOWN`.
    pub code: String,
    /// Free text; may be empty.
    pub message: String,
}

impl fmt::Display for RegistryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.code)?;
        if self.message.is_empty() { Ok(()) } else { write!(f, ": {}", self.message) }
    }
}

/// A cause further down, of whatever type.
pub(crate) type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// An answer with an unexpected status.
    #[error("the registry answered {status}{}", list(errors))]
    Status {
        /// The status.
        status: StatusCode,
        /// What the registry says about it.
        errors: Vec<RegistryError>,
        /// How long the registry wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// The token server did not hand out a token.
    #[error("no token from `{realm}`")]
    Token {
        /// Host of the token server.
        realm: String,
        /// Why.
        #[source]
        cause: Box<Cause>,
    },
    /// The registry names a token server that is not to be asked.
    #[error("the registry names the token server `{realm}`, which is not asked: {reason}")]
    TokenServer {
        /// Host of the token server.
        realm: String,
        /// Why not.
        reason: &'static str,
    },
    /// The name of a host is unknown.
    #[error("host `{host}` is unknown")]
    UnknownHost {
        /// The name.
        host: String,
        /// What the resolver says.
        #[source]
        source: Source,
    },
    /// Nobody listens there.
    #[error("`{host}` refused the connection")]
    Refused {
        /// Host and port.
        host: String,
        /// What the system says.
        #[source]
        source: Source,
    },
    /// No connection for another reason.
    #[error("failed to connect to `{host}`")]
    Connect {
        /// Host and port.
        host: String,
        /// What the system says.
        #[source]
        source: Source,
    },
    /// No trusted encrypted connection.
    #[error("no secure connection to `{host}`")]
    Tls {
        /// Host and port.
        host: String,
        /// Whether the other side does not speak TLS at all.
        plain: bool,
        /// What TLS says.
        #[source]
        source: Source,
    },
    /// The connection broke.
    #[error("the connection was interrupted")]
    Interrupted(#[source] Source),
    /// Nothing moved any more.
    #[error("nothing happened on the connection for {} seconds", .0.as_secs_f64())]
    Idle(Duration),
    /// Something answered that is not a registry.
    #[error("answered with `{content_type}` instead of {expected}")]
    NotARegistry {
        /// What came.
        content_type: String,
        /// What was expected.
        expected: &'static str,
    },
    /// The content is not what was asked for.
    #[error(transparent)]
    Mismatch(#[from] blob::Mismatch),
    /// The document is larger than any of its kind.
    #[error("the document is larger than the {0} bytes that are read of one of its kind")]
    TooLarge(u64),
    /// The document cannot be understood.
    #[error("the document is not what its name promises: {0}")]
    Document(String),
    /// A redirect, or the place given for an upload, is not to be followed.
    #[error("the registry points to `{to}`, which is not followed: {reason}")]
    Redirect {
        /// Scheme and host of the target.
        to: String,
        /// Why not.
        reason: &'static str,
    },
    /// The registry broke the protocol.
    #[error("the registry broke the protocol: {0}")]
    Protocol(&'static str),
    /// An upload's session is gone.
    #[error("the registry lost the upload{}", list(.0))]
    LostUpload(Vec<RegistryError>),
    /// What was to be uploaded could not be read.
    #[error("failed to read what is to be uploaded")]
    Content(#[source] io::Error),
}

/// Whether the same request may succeed later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It will fail again.
    Never,
    /// Only if the registry has answered before in this run: a name that never resolved is a typing error, one that
    /// did is a network that hiccups.
    IfAnsweredBefore,
    /// It may succeed.
    Yes,
}

impl Cause {
    /// Whether trying again may help. A new variant has to be decided on here.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Status { status, .. } => match status.as_u16() {
                408 | 429 | 500 | 502 | 503 | 504 => Retry::Yes,
                _ => Retry::Never,
            },
            // The registry answered before, or it would not have named the token server; that one did not.
            Self::Token { cause, .. } if matches!(**cause, Self::UnknownHost { .. }) => Retry::Never,
            Self::Token { cause, .. } => cause.retry(),
            Self::UnknownHost { .. } | Self::Refused { .. } | Self::Connect { .. } => Retry::IfAnsweredBefore,
            Self::Interrupted(_)
            | Self::Idle(_)
            | Self::LostUpload(_)
            | Self::Mismatch(blob::Mismatch::Short { .. }) => Retry::Yes,
            Self::TokenServer { .. }
            | Self::Tls { .. }
            | Self::NotARegistry { .. }
            | Self::Mismatch(_)
            | Self::TooLarge(_)
            | Self::Document(_)
            | Self::Redirect { .. }
            | Self::Protocol(_)
            | Self::Content(_) => Retry::Never,
        }
    }

    /// How long the registry wants to be left alone.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            Self::Token { cause, .. } => cause.retry_after(),
            _ => None,
        }
    }

    /// The status of the answer, where one was the problem.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }
}

fn list(errors: &[RegistryError]) -> String {
    errors.iter().fold(String::new(), |text, error| format!("{text}: {error}"))
}
