//! Waiting for what may be on its way: Bazel can report a target before its outputs are uploaded.

use std::time::Duration;

use deploy::NotCached;
use tokio::time::{Instant, sleep};
use tool::Failure;

use crate::fetch::Missing;

/// The longest pause between two attempts.
const LONGEST: Duration = Duration::from_secs(4);

/// How long to go on trying.
pub(crate) struct Patience {
    end: Instant,
    pause: Duration,
}

impl Patience {
    /// So long from now on.
    pub(crate) fn new(patience: Duration) -> Self {
        Self { end: Instant::now() + patience, pause: Duration::from_millis(250) }
    }

    /// Whether something is not in the cache.
    pub(crate) fn is_missing(failure: &Failure) -> bool {
        failure.is_caused_by::<NotCached>() || failure.is_caused_by::<Missing>()
    }

    /// After a failure: waits and returns true if something is missing that may still come.
    pub(crate) async fn is_worth_it(&mut self, failure: Option<&Failure>) -> bool {
        let missing = failure.is_some_and(Self::is_missing);
        if !missing || Instant::now() + self.pause > self.end {
            return false;
        }
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST);
        true
    }
}
