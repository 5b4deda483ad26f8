//! Operations that failed, and what they did before.

use tool::Failure;

use crate::summary::{Counts, Report};

/// What became of an operation.
pub type Pushed = Result<Report, FailedOperation>;

/// An operation that failed.
#[derive(Debug)]
pub struct FailedOperation {
    /// The target that asked for it.
    pub label: String,
    /// Why, without the label.
    pub failure: Failure,
    /// What went wrong with it, before the label in a message.
    pub what: &'static str,
    /// What it did before: blobs may be there for other operations, and are for the next run.
    pub counts: Box<Counts>,
}

impl FailedOperation {
    /// An operation that failed to push.
    pub fn new(label: &str, failure: Failure) -> Self {
        Self { label: label.to_owned(), failure, what: "failed to push", counts: Box::default() }
    }
}

impl From<FailedOperation> for Failure {
    fn from(failed: FailedOperation) -> Self {
        failed.failure.context(format!("{} `{}`", failed.what, failed.label))
    }
}
