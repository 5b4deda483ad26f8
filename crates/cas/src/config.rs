//! How a client behaves, as values; programs fill them from the environment and their command lines.

use std::sync::Arc;
use std::time::Duration;

use auth::{BazelHelper, Secret};

use crate::{Endpoint, Tls};

/// How often and how patiently a failed call is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How often an operation is tried, the first time included. All its calls share this one budget.
    pub max_attempts: u32,
    /// Delay before the second attempt; it doubles with each further one.
    pub base_delay: Duration,
    /// Longest delay, also for what a server asks for with `RetryInfo`.
    pub max_delay: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { max_attempts: 6, base_delay: Duration::from_millis(250), max_delay: Duration::from_secs(5) }
    }
}

/// How a client behaves.
#[derive(Clone)]
pub struct Config {
    /// Where the cache is.
    pub endpoint: Endpoint,
    /// Which of the server's instances; mostly empty.
    pub instance: String,
    /// Further headers of every call, as Bazel's `--remote_header` gives them.
    pub headers: Vec<(String, Secret)>,
    /// A program that is asked for headers.
    pub credential_helper: Option<Arc<BazelHelper>>,
    /// Retries.
    pub retry: RetryPolicy,
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// What encrypted connections trust and show.
    pub tls: Tls,
    /// How long a call may take that is not a stream.
    pub call_timeout: Duration,
    /// How long nothing may move on a stream.
    pub idle_timeout: Duration,
    /// Connections that calls are spread over; one carries many calls.
    pub connections: usize,
}

impl Config {
    /// The defaults for a server.
    pub fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            instance: String::new(),
            headers: Vec::new(),
            credential_helper: None,
            retry: RetryPolicy::default(),
            connect_timeout: Duration::from_secs(10),
            tls: Tls::default(),
            call_timeout: Duration::from_mins(1),
            idle_timeout: Duration::from_mins(1),
            connections: 4,
        }
    }
}
