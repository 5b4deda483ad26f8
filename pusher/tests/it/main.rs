//! The program as `bazel run` starts it: what it asks, sends, says and returns.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

mod build_push;
mod cas_registry;
mod chance;
mod children;
mod command_line;
mod content;
mod credentials;
mod failing_sources;
mod interruptions;
mod lazy;
mod loading;
mod many;
mod network;
mod pushing;
mod remote_cache;
mod sharing;
mod sources;
mod target;
mod waiting;
