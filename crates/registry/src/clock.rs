//! Time and chance, so that tests need to wait for neither.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::{Duration, Instant, SystemTime};

use futures_util::future::BoxFuture;

/// Time and chance. Nothing that is written depends on them: they decide when a request is tried again and when a
/// token is renewed.
pub trait Clock: Send + Sync {
    /// Time that only goes forward.
    fn now(&self) -> Instant;
    /// Time of day, for `Retry-After` dates.
    fn time_of_day(&self) -> SystemTime;
    /// Waits.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
    /// A number from 0 up to but not including 1.
    fn chance(&self) -> f64;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    #[expect(clippy::disallowed_methods, reason = "only decides how long to wait")]
    fn time_of_day(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }

    fn chance(&self) -> f64 {
        // Every `RandomState` hashes differently: enough randomness to spread retries, without a dependency.
        let bits = u32::try_from(RandomState::new().build_hasher().finish() >> 32).unwrap_or_default();
        f64::from(bits) / (f64::from(u32::MAX) + 1.0)
    }
}
