//! Layers as a whole: what they hold, that their bytes depend on nothing else, and that others can read them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail as tests do")]

mod contents;
mod determinism;
mod golden;
mod import;
mod optimize;
mod pipeline;
mod readers;
mod seekable;
mod support;
