//! Plans, out of the remote cache.

use plan::{Operation, Plan, Push, Strategy};
use tool::{Failure, FailureContext as _};

use crate::build::Found;
use crate::plan_file::Place;

/// What to do about a file.
pub(crate) enum Fetched {
    /// These pushes are ours.
    Plan(Plan),
    /// It is a plan, but others push what it says.
    Others,
    /// It is something else, and nobody said that it was a plan.
    NoPlan,
}

/// The plan has not come to the cache, or never will.
#[derive(Debug)]
pub(crate) struct Missing(String);

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Missing {}

/// Reads a plan. Of a file that is perhaps none, only what is one matters.
pub(crate) async fn fetch(cache: &cas::Client, found: &Found) -> Result<Fetched, Failure> {
    let name = || format!("failed to read the plan `{}`", found.file.name);
    let bytes = match &found.file.place {
        Place::Inline(bytes) => bytes.clone().into(),
        Place::Cached(digest, size) => {
            read(cache, cas::Blob { digest: *digest, size: *size }).await.about(name())?
        }
        Place::Unknown(uri) => return Err(Failure::new(Missing(format!("it is at `{uri}`"))).context(name())),
    };
    match Plan::from_json(&bytes) {
        Ok(plan) if plan.operations.iter().any(|operation| ours(operation).is_some()) => {
            Ok(Fetched::Plan(plan))
        }
        Ok(_) => Ok(Fetched::Others),
        Err(_) if !found.certain => Ok(Fetched::NoPlan),
        Err(error) => Err(error)
            .about(name())
            .or_hint("the server and the rules have to be of the same version of rules_img"),
    }
}

async fn read(cache: &cas::Client, blob: cas::Blob) -> Result<prost::bytes::Bytes, Failure> {
    let mut blobs = cache.read_blobs(&[blob]).await.map_err(|error| {
        let hints = error.hints();
        Failure::new(error).hints(hints)
    })?;
    blobs.remove(&blob.digest).ok_or_else(|| {
        let endpoint = &cache.config().endpoint;
        let missing = Missing(format!("`{}` ({} bytes) is not in the remote cache `{endpoint}`", blob.digest, blob.size));
        Failure::new(missing).hint(format!(
            "the build has to write into the same cache: --remote_cache={endpoint}, without --noremote_upload_local_results"
        ))
    })
}

/// The push, if this server is to do it.
pub(crate) fn ours(operation: &Operation) -> Option<&Push> {
    match operation {
        Operation::Push(push) if push.strategy == Strategy::Bes => Some(push),
        Operation::Push(_) | Operation::Load(_) => None,
    }
}
