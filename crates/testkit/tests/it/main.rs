//! The shape of the workspace, and the servers of this crate.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

mod arrows;
mod command;
