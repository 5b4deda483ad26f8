//! The verbs of `builder plan`: what `bazel run` will do.

mod content;
pub(super) mod load;
pub(super) mod merge;
pub(super) mod push;
mod templates;
