//! Credential helpers that behave and that do not.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

mod bazel_helpers;
mod docker_helpers;
mod script;
