//! Does what the plan of a deploy target says: pushes images to registries, out of the files of a build, Bazel's caches
//! and other registries. Whoever does something else with images finds in [`content`] what they consist of.
//!
//! `pusher` does it under `bazel run`; a build event service does it for builds that it hears of. They differ in where
//! files come from and in how progress is shown, and say so in the [`Context`].

mod caches;
pub mod content;
mod context;
mod failed;
mod progress;
mod push;
mod runfile;
pub mod summary;

pub use caches::{CacheNames, Caches};
pub use content::NotCached;
pub use context::Context;
pub use failed::{FailedOperation, Pushed};
pub use progress::{Progress, Silent, Transfer};
pub use push::{DeduplicateOverrides, Overrides, push, push_all, push_blobs, wait};
pub use summary::{Counts, Outcome, Report, Tally};
