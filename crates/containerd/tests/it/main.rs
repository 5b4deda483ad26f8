//! The client against a containerd that misbehaves.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

mod connecting;
mod holding;
mod interruptions;
mod naming;
mod setup;
mod writing;
