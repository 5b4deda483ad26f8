//! The program: what it writes, asks, says and returns.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

mod bases;
mod command;
mod credentials;
mod failures;
mod mirrors;
mod requests;
mod tls;
mod usage;
