//! One budget of attempts for a whole operation, however many requests it takes.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::call::Call;
use crate::cause::Retry;
use crate::error::Context;
use crate::{Cause, Client, Error};

/// Spread of the delays, so that clients that failed together do not come back together.
const JITTER: f64 = 0.2;

/// What is left of an operation's attempts.
pub(crate) struct Budget {
    client: Client,
    attempts: u32,
}

impl Budget {
    pub(crate) fn new(client: &Client) -> Self {
        Self { client: client.clone(), attempts: 1 }
    }

    /// Whether an attempt has failed already.
    pub(crate) fn is_retry(&self) -> bool {
        self.attempts > 1
    }

    /// After a failed attempt: waits until the next one is due, or gives up.
    pub(crate) async fn spend(&mut self, call: &Call, cause: Cause) -> Result<(), Error> {
        let config = self.client.config();
        let may = match cause.retry() {
            Retry::Never => false,
            Retry::IfAnsweredBefore => call.host.has_answered(),
            Retry::Yes => true,
        };
        if !may || self.attempts >= self.client.retry_policy().max_attempts {
            return Err(self.error(call, cause));
        }
        let delay = self.delay(cause.retry_after());
        tracing::debug!("attempt {} to {} `{}`: {cause}", self.attempts, call.operation, call.remote);
        self.attempts += 1;
        self.client.counters().retries.fetch_add(1, Ordering::Relaxed);
        config.clock.sleep(delay).await;
        Ok(())
    }

    pub(crate) fn error(&self, call: &Call, cause: Cause) -> Error {
        let context = Context {
            operation: call.operation.clone(),
            remote: call.remote.clone(),
            credential: call.credential(),
            attempts: self.attempts,
        };
        Error::new(context, cause)
    }

    fn delay(&self, retry_after: Option<Duration>) -> Duration {
        let config = self.client.config();
        let policy = self.client.retry_policy();
        let doubled =
            policy.base_delay.saturating_mul(1 << (self.attempts - 1).min(16)).min(policy.max_delay);
        let spread = 1.0 + JITTER * (2.0 * config.clock.chance() - 1.0);
        let delay = doubled.mul_f64(spread);
        delay.max(retry_after.unwrap_or_default()).min(policy.max_delay)
    }
}
