//! The program with a remote cache and a registry that misbehave as they are told, and with a client that does, too.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail as tests do")]

mod client;
mod ending;
#[path = "../../src/events.rs"]
mod events;
mod failing;
mod pushing;
mod server;
mod streams;
