//! The client against a registry that misbehaves. Nothing waits: the clock is a fake one.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

mod credentials;
mod faults;
mod gateway;
mod network;
mod pushing;
mod reading;
mod referrers;
mod setup;
