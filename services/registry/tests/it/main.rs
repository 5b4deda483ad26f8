//! The server as its clients see it: a process, HTTP, and signals.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail as tests do")]

mod access;
mod blobs;
mod cached;
mod client;
mod command;
mod commits;
mod concurrency;
mod environment;
mod keepalive;
mod kill;
mod lists;
mod manifests;
mod memory;
mod referrers;
mod server;
mod tls;
mod uploads;
