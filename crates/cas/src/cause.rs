//! Why an operation failed, and whether trying again may help.

use std::time::Duration;

use tonic::Code;

/// A cause further down, of whatever type.
pub(crate) type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// No connection.
    #[error("failed to connect")]
    Connect(#[source] Source),
    /// No trusted encrypted connection.
    #[error("no secure connection")]
    Tls {
        /// Whether the other side does not speak TLS at all.
        plain: bool,
        /// What TLS says.
        #[source]
        source: Source,
    },
    /// A header that is to be sent is none.
    #[error("a header for it has a name or value that HTTP does not allow")]
    Header,
    /// The server, or the connection to it, failed.
    #[error("the cache answered {}{}", name(*code), detail(message))]
    Status {
        /// The gRPC code.
        code: Code,
        /// What the server says about it.
        message: String,
        /// How long the server wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// The blob is not there.
    #[error("the cache does not have it")]
    Missing,
    /// The server stores no blobs.
    #[error("the server says that it is no cache")]
    NotACache,
    /// The server names blobs otherwise.
    #[error("the cache knows blobs by {offered}, and images need SHA256")]
    DigestFunction {
        /// What it offers.
        offered: String,
    },
    /// Nothing moved any more.
    #[error("nothing came for {} seconds", .0.as_secs_f64())]
    Idle(Duration),
    /// The content is not what was asked for.
    #[error(transparent)]
    Mismatch(#[from] blob::Mismatch),
    /// What came is not compressed as it should be.
    #[error("what came is not zstd")]
    Compression(#[source] std::io::Error),
    /// The server broke the protocol.
    #[error("the cache broke the protocol: {0}")]
    Protocol(&'static str),
}

/// Whether the same call may succeed later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It will fail again.
    Never,
    /// Only if the server has answered before in this run: a name that never resolved is a typing error.
    IfAnsweredBefore,
    /// It may succeed.
    Yes,
}

impl Cause {
    /// Whether trying again may help. A new variant has to be decided on here.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Connect(_) => Retry::IfAnsweredBefore,
            Self::Status { code, .. } => retry_code(*code),
            Self::Idle(_) | Self::Mismatch(blob::Mismatch::Short { .. }) => Retry::Yes,
            Self::Tls { .. }
            | Self::Header
            | Self::Missing
            | Self::NotACache
            | Self::DigestFunction { .. }
            | Self::Mismatch(blob::Mismatch::Digest { .. } | blob::Mismatch::Long { .. })
            | Self::Compression(_)
            | Self::Protocol(_) => Retry::Never,
        }
    }

    /// How long the server wants to be left alone.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether other credentials may help.
    pub(crate) fn is_unauthenticated(&self) -> bool {
        matches!(self, Self::Status { code: Code::Unauthenticated, .. })
    }
}

fn retry_code(code: Code) -> Retry {
    match code {
        Code::Unavailable
        | Code::Internal
        | Code::Aborted
        | Code::Unknown
        | Code::DeadlineExceeded
        | Code::ResourceExhausted
        | Code::Cancelled => Retry::Yes,
        Code::Ok
        | Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::DataLoss
        | Code::Unauthenticated => Retry::Never,
    }
}

/// The name in the gRPC specification.
fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

fn detail(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(": {message}") }
}
