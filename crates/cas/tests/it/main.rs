//! The client against a cache that misbehaves.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

mod asking;
mod client;
mod connecting;
mod credentials;
mod interruptions;
mod reading;
