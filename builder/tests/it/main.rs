//! Every verb as the rules call it: exit code, standard error, and what was written.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

mod blob;
mod command_line;
mod import;
mod index;
mod layer;
mod manifest;
mod plan_push;
mod support;
