//! How a client behaves, as values; programs fill them from the environment and their command lines.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, SystemClock};
use crate::gateway::Gateways;

/// How often and how patiently a failed request is tried again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryPolicy {
    /// How often an operation is tried, the first time included. All its requests share this one budget.
    pub max_attempts: u32,
    /// Delay before the second attempt; it doubles with each further one.
    pub base_delay: Duration,
    /// Longest delay, also for what a registry asks for with `Retry-After`.
    pub max_delay: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { max_attempts: 6, base_delay: Duration::from_secs(1), max_delay: Duration::from_mins(1) }
    }
}

/// How a client behaves.
#[derive(Clone)]
pub struct Config {
    /// Retries.
    pub retry: RetryPolicy,
    /// Most requests in flight to one registry; it goes down by itself while a registry answers 429.
    pub max_in_flight: usize,
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// How long nothing at all may move on a connection.
    pub idle_timeout: Duration,
    /// Plain HTTP and unchecked certificates for every registry, not only for those on this machine.
    pub insecure: bool,
    /// Where requests go instead of to the registries.
    pub gateways: Gateways,
    /// Hosts of token servers that may see credentials although they belong to another domain than the registry.
    pub trusted_token_servers: BTreeSet<String>,
    /// Time and chance.
    pub clock: Arc<dyn Clock>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            retry: RetryPolicy::default(),
            // Waiting costs no core. 64 asks for the blobs of a large deploy in a few round trips.
            max_in_flight: 64,
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_mins(1),
            insecure: false,
            gateways: Gateways::default(),
            trusted_token_servers: BTreeSet::new(),
            clock: Arc::new(SystemClock),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("retry", &self.retry)
            .field("max_in_flight", &self.max_in_flight)
            .field("insecure", &self.insecure)
            .field("gateways", &self.gateways)
            .finish_non_exhaustive()
    }
}
