//! Every verb as the rules call it: exit code, standard error, and what was written.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

mod blob;
mod command_line;
mod convert;
mod copy;
mod import;
mod index;
mod layer;
mod layout;
mod manifest;
mod optimize;
mod plan_load;
mod plan_options;
mod plan_push;
mod support;
mod templates;
