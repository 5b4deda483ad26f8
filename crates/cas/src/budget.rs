//! One budget of attempts for a whole operation, however many calls it takes.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

use crate::{Cause, Client, Error, Operation, Retry};

/// Spread of the delays, so that clients that failed together do not come back together.
const JITTER: f64 = 0.2;

/// What is left of an operation's attempts.
pub(crate) struct Budget {
    client: Client,
    operation: Operation,
    attempts: u32,
}

impl Budget {
    pub(crate) fn new(client: &Client, operation: Operation) -> Self {
        Self { client: client.clone(), operation, attempts: 1 }
    }

    /// After a failed attempt: waits until the next one is due, or gives up.
    pub(crate) async fn spend(&mut self, cause: Cause) -> Result<(), Error> {
        let may = match cause.retry() {
            // A token may have ended meanwhile; it is renewed once for each time that it is refused.
            Retry::Never => cause.is_unauthenticated() && self.client.forget_headers(),
            Retry::IfAnsweredBefore => self.client.has_answered(),
            Retry::Yes => true,
        };
        if !may || self.attempts >= self.client.config().retry.max_attempts {
            return Err(self.error(cause));
        }
        let delay = self.delay(cause.retry_after());
        tracing::debug!("attempt {} to {}: {cause}", self.attempts, self.operation);
        self.attempts += 1;
        tokio::time::sleep(delay).await;
        Ok(())
    }

    pub(crate) fn error(&self, cause: Cause) -> Error {
        Error::new(self.operation, &self.client.config().endpoint, self.attempts, cause)
    }

    fn delay(&self, retry_after: Option<Duration>) -> Duration {
        let policy = self.client.config().retry;
        let doubled =
            policy.base_delay.saturating_mul(1 << (self.attempts - 1).min(16)).min(policy.max_delay);
        let spread = 1.0 + JITTER * (2.0 * chance() - 1.0);
        doubled.mul_f64(spread).max(retry_after.unwrap_or_default()).min(policy.max_delay)
    }
}

/// From 0 up to but not including 1. Every `RandomState` hashes differently: enough randomness to spread retries.
fn chance() -> f64 {
    let bits = u32::try_from(RandomState::new().build_hasher().finish() >> 32).unwrap_or_default();
    f64::from(bits) / (f64::from(u32::MAX) + 1.0)
}
