//! What images consist of, and where their bytes come from: runfiles, Bazel's caches, registries. For all that is done with
//! images, whatever that is.

mod cached;
mod documents;
mod places;
mod remote_documents;
mod source;
mod wanted;

use std::io;

use plan::{Original, Strategy};
use registry::Cause;
use tool::Failure;

pub use cached::NotCached;
pub(crate) use cached::{described, rebuild};
pub use documents::{Document, Image, load, read_config, read_config_bytes};
pub use source::Sources;
pub(crate) use source::{find, nowhere};
pub use wanted::Wanted;

/// The operation that content is read for.
#[derive(Clone, Copy, Debug)]
pub struct Purpose<'a> {
    /// The target that asked for it, for messages.
    pub label: &'a str,
    /// Where layers are.
    pub strategy: Strategy,
    /// Where the base image was pulled from, if there is one.
    pub original: Option<&'a Original>,
}

impl<'a> From<&'a plan::Push> for Purpose<'a> {
    fn from(push: &'a plan::Push) -> Self {
        Self { label: &push.label, strategy: push.strategy, original: push.original.as_ref() }
    }
}

impl<'a> From<&'a plan::Load> for Purpose<'a> {
    fn from(load: &'a plan::Load) -> Self {
        Self { label: &load.label, strategy: load.strategy, original: load.original.as_ref() }
    }
}

/// A registry's error with its hints, or those of the registry or cache that an upload was to be read from.
pub(crate) fn failure(error: registry::Error) -> Failure {
    let read = match error.cause() {
        Cause::Content(read) => known_hints(read),
        _ => None,
    };
    let hints = read.unwrap_or_else(|| error.hints());
    Failure::new(error).hints(hints)
}

/// The hints of the registry or cache that something was read from.
pub(crate) fn hints_of(read: &io::Error) -> Vec<String> {
    known_hints(read).unwrap_or_default()
}

fn known_hints(read: &io::Error) -> Option<Vec<String>> {
    let inner = read.get_ref()?;
    let from_cache = inner.downcast_ref::<cas::Error>().map(cas::Error::hints);
    from_cache.or_else(|| Some(inner.downcast_ref::<registry::Error>()?.hints()))
}
