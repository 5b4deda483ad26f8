//! Why a call failed, and whether trying again may help.

use std::time::Duration;

use tonic::{Code, Status};

/// Longest part of a message of containerd that is shown.
const MAX_MESSAGE: usize = 300;

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Answer {
    /// containerd, or the connection to it, failed.
    #[error("it answered {code:?}{}", detail(message))]
    Status {
        /// The gRPC code.
        code: Code,
        /// What containerd says about it.
        message: String,
    },
    /// Nothing came.
    #[error("it did not answer for {} seconds", .0.as_secs_f64())]
    Idle(Duration),
    /// What came makes no sense.
    #[error("it broke the protocol: {0}")]
    Protocol(&'static str),
}

impl Answer {
    /// Whether trying again may help. A new code has to be decided on here.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Status { code, .. } => match code {
                Code::Unavailable
                | Code::Internal
                | Code::Aborted
                | Code::Unknown
                | Code::Cancelled
                // Another writer was faster: the offset that was true when it was asked for is no more.
                | Code::OutOfRange => true,
                Code::Ok
                | Code::InvalidArgument
                | Code::NotFound
                | Code::AlreadyExists
                | Code::PermissionDenied
                | Code::FailedPrecondition
                | Code::DeadlineExceeded
                | Code::ResourceExhausted
                | Code::Unimplemented
                | Code::DataLoss
                | Code::Unauthenticated => false,
            },
            Self::Idle(_) | Self::Protocol(_) => false,
        }
    }

    pub(crate) fn is(&self, wanted: Code) -> bool {
        matches!(self, Self::Status { code, .. } if *code == wanted)
    }

    /// Whether somebody else writes the same ingest. containerd has no other code for it than for all that passes.
    pub(crate) fn is_locked(&self) -> bool {
        matches!(self, Self::Status { code: Code::Unavailable, message } if message.contains("locked"))
    }

    /// Whether there is no room left. containerd passes on what the system said.
    pub(crate) fn is_full(&self) -> bool {
        matches!(self, Self::Status { message, .. } if message.contains("no space left on device"))
    }
}

impl From<Status> for Answer {
    fn from(status: Status) -> Self {
        let message = status.message().chars().filter(|c| !c.is_control()).take(MAX_MESSAGE).collect();
        Self::Status { code: status.code(), message }
    }
}

fn detail(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(": {message}") }
}
