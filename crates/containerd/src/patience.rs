//! How long to wait, and how often to try.

use std::time::Duration;

/// How long to wait, and how often to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For a socket to prove that a containerd is behind it; 1 second, as there may be many.
    pub probe: Duration,
    /// For a socket that took the connection but did not answer in that time, if no other one does; 10 seconds.
    pub dial: Duration,
    /// For the answer to a call, and for the next part of a blob to be taken; 1 minute.
    pub call: Duration,
    /// For a blob that was sent to be on disk; 10 minutes.
    pub commit: Duration,
    /// For another program that writes the same blob to get on with it; 1 minute without progress.
    pub lock: Duration,
    /// Attempts of a call, or of a write that does not get on; 6.
    pub attempts: u32,
    /// Before the second attempt; doubles each time, up to a second; 100 ms.
    pub delay: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            probe: Duration::from_secs(1),
            dial: Duration::from_secs(10),
            call: Duration::from_mins(1),
            commit: Duration::from_mins(10),
            lock: Duration::from_mins(1),
            attempts: 6,
            delay: Duration::from_millis(100),
        }
    }
}

impl Patience {
    /// How long to wait after so many attempts, the first one included.
    pub(crate) fn delay(&self, attempts: u32) -> Duration {
        self.delay.saturating_mul(1 << attempts.saturating_sub(1).min(16)).min(Duration::from_secs(1))
    }
}
