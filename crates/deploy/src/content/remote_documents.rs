//! Documents for a server that has no files: out of the remote cache, else from where the base of the image was pulled.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use bytes::Bytes;
use oci::Digest;
use registry::ManifestName;
use tool::Failure;

use crate::content::cached::{NotCached, bring_back};
use crate::content::source::pulled_from;
use crate::content::{Purpose, failure};
use crate::context::Context;

/// Reads all of these documents, verified. What the plan does not know is not looked for.
pub(super) async fn read(
    context: &Context,
    purpose: Purpose<'_>,
    digests: &[Digest],
) -> Result<BTreeMap<Digest, Bytes>, Failure> {
    let known = digests.iter().filter_map(|digest| Some((*digest, context.plan.blobs.get(digest)?.size)));
    let wanted: BTreeMap<Digest, u64> = known.collect();
    if let Some((digest, size)) = wanted.iter().find(|(_, size)| **size > oci::MAX_MANIFEST_SIZE) {
        return Err(Failure::new(anyhow::anyhow!(
            "the manifest `{digest}` has {size} bytes, and more than {} are none",
            oci::MAX_MANIFEST_SIZE
        )));
    }
    let blobs: Vec<cas::Blob> =
        wanted.iter().map(|(digest, size)| cas::Blob { digest: *digest, size: *size }).collect();
    let mut found = match &context.caches.remote {
        Some(cache) => cache.read_blobs(&blobs).await.map_err(|error| {
            let hints = error.hints();
            Failure::new(error).hints(hints)
        })?,
        None => BTreeMap::new(),
    };
    for blob in blobs {
        if let Entry::Vacant(entry) = found.entry(blob.digest) {
            entry.insert(pull(context, purpose, blob).await?);
        }
    }
    Ok(found)
}

/// An image that is pushed as it was pulled consists of files that Bazel has no reason to upload.
async fn pull(context: &Context, purpose: Purpose<'_>, blob: cas::Blob) -> Result<Bytes, Failure> {
    for origin in pulled_from(purpose)? {
        match context.client.get_manifest(&origin, ManifestName::from(blob.digest)).await {
            Ok(document) => return Ok(document.bytes),
            Err(error) => {
                tracing::debug!("{}", failure(error).message().trim_end());
            }
        }
    }
    let what = format!("the manifest `{}` ({} bytes)", blob.digest, blob.size);
    Err(Failure::new(NotCached::new(context, what)).hints(bring_back(purpose)))
}
