//! From gRPC's status to what we tell.

use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::Cause;

/// Longest part of a server's message that is shown.
const MAX_MESSAGE: usize = 300;

impl From<Status> for Cause {
    fn from(status: Status) -> Self {
        if status.code() == Code::NotFound {
            return Self::Missing;
        }
        let retry_after = status.get_details_retry_info().and_then(|info| info.retry_delay);
        let message = status.message().chars().filter(|c| !c.is_control()).take(MAX_MESSAGE).collect();
        Self::Status { code: status.code(), message, retry_after }
    }
}
