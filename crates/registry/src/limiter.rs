//! How many requests are in flight to one registry: many, and fewer while it says that there are too many.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Successful answers after which one more request is allowed again.
const SUCCESSES_PER_STEP: usize = 16;

struct State {
    limit: usize,
    in_flight: usize,
    successes: usize,
}

/// Additive increase, multiplicative decrease.
pub(crate) struct Limiter {
    max: usize,
    state: Mutex<State>,
    freed: Notify,
}

/// The right to have one request in flight.
pub(crate) struct Permit(Arc<Limiter>);

impl Limiter {
    pub(crate) fn new(max: usize) -> Arc<Self> {
        let max = max.max(1);
        let state = Mutex::new(State { limit: max, in_flight: 0, successes: 0 });
        Arc::new(Self { max, state, freed: Notify::new() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) async fn acquire(self: &Arc<Self>) -> Permit {
        loop {
            let freed = self.freed.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            {
                let mut state = self.state();
                if state.in_flight < state.limit {
                    state.in_flight += 1;
                    return Permit(Arc::clone(self));
                }
            }
            freed.await;
        }
    }

    /// The registry said 429: half as many from now on.
    pub(crate) fn too_many(&self) {
        let mut state = self.state();
        // Requests that were sent before the last reduction say nothing about the new limit.
        if state.in_flight <= state.limit {
            state.limit = (state.limit.min(state.in_flight) / 2).max(1);
        }
        state.successes = 0;
    }

    pub(crate) fn success(&self) {
        let mut state = self.state();
        state.successes += 1;
        if state.successes >= SUCCESSES_PER_STEP && state.limit < self.max {
            state.successes = 0;
            state.limit += 1;
            self.freed.notify_one();
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.state().in_flight -= 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn goes_down_by_halves_and_up_by_ones() {
        let limiter = Limiter::new(8);
        let mut permits = Vec::new();
        for _ in 0..8 {
            permits.push(limiter.acquire().await);
        }
        limiter.too_many();
        assert_eq!(limiter.state().limit, 4);
        limiter.too_many();
        assert_eq!(limiter.state().limit, 4, "eight are still in flight from before");
        permits.truncate(4);
        limiter.too_many();
        assert_eq!(limiter.state().limit, 2);
        for _ in 0..SUCCESSES_PER_STEP {
            limiter.success();
        }
        assert_eq!(limiter.state().limit, 3);
        drop(permits);
        assert_eq!(limiter.state().in_flight, 0);
    }
}
