//! The strategy `cas_registry`: the registry reads Bazel's remote cache itself. It is told which blobs to take over, all
//! at once and before anything is pushed; what it then has need not be uploaded.

use std::collections::{BTreeMap, BTreeSet};

use oci::{Descriptor, Digest};
use plan::Strategy;
use registry::Remote;
use tool::Failure;

use super::prepare::Prepared;
use crate::content::{Document, described, rebuild};
use crate::context::Context;

/// How the address of a registry's blob cache is given.
const HOW: &str = "give the address of the registry's `--grpc-port`: --@rules_img//img/settings:blob_cache=grpc://HOST:PORT \
                   or IMG_BLOB_CACHE_ENDPOINT, or `bazel run TARGET -- --blob-cache ADDRESS`";

/// What registries took over, by repository; in a dry run, what they would take over.
#[derive(Debug, Default)]
pub(crate) struct Adopted(BTreeMap<String, BTreeSet<Digest>>);

impl Adopted {
    /// Whether a repository has a blob without a push of it.
    pub(crate) fn has(&self, to: &Remote, digest: Digest) -> bool {
        self.0.get(to.repository.as_str()).is_some_and(|blobs| blobs.contains(&digest))
    }

    /// Whether any has it.
    pub(crate) fn anywhere(&self, digest: Digest) -> bool {
        self.0.values().any(|blobs| blobs.contains(&digest))
    }
}

/// Asks the registry to take over the blobs of all pushes with the strategy `cas_registry`, from the remote cache that it
/// reads. Without such a push nothing is asked. What it does not take is pushed like lazily; when it cannot be asked, those
/// pushes have failed.
pub(crate) async fn adopt(
    context: &Context,
    prepared: &mut [(usize, Result<Prepared<'_>, Failure>)],
) -> Adopted {
    let is_meant = |prepared: &&Prepared<'_>| prepared.operation.strategy == Strategy::CasRegistry;
    let mut wanted = cas::Wanted::new();
    for prepared in prepared.iter().filter_map(|(_, outcome)| outcome.as_ref().ok()).filter(is_meant) {
        let repository = wanted.entry(prepared.to.remote.repository.to_string()).or_default();
        for manifest in prepared.images.iter().flat_map(|image| &image.manifests) {
            let blobs = manifest.layers().chain(Document::config(manifest));
            repository.extend(blobs.map(|blob| cas::Blob { digest: blob.digest, size: blob.size }));
        }
    }
    if wanted.is_empty() {
        return Adopted::default();
    }
    match commit(context, wanted).await {
        Ok(adopted) => adopted,
        Err(failure) => {
            let shared = failure.share();
            for (_, outcome) in prepared {
                if outcome.as_ref().is_ok_and(|prepared| is_meant(&prepared)) {
                    *outcome = Err(shared.clone().into());
                }
            }
            Adopted::default()
        }
    }
}

async fn commit(context: &Context, wanted: cas::Wanted) -> Result<Adopted, Failure> {
    let Some(client) = &context.caches.blob_cache else {
        let error = anyhow::anyhow!("no blob cache is named, and the strategy `cas_registry` needs one");
        return Err(Failure::usage(error).hint(HOW));
    };
    let missing = client.commit(&wanted, context.dry_run).await.map_err(|error| {
        let hints = error.hints();
        Failure::new(error).hints(hints).hint(HOW)
    })?;
    let adopted = wanted.into_iter().map(|(repository, blobs)| {
        let missing = missing.get(&repository);
        let there = |digest: &Digest| missing.is_none_or(|missing| !missing.contains(digest));
        (repository, blobs.into_iter().map(|blob| blob.digest).filter(there).collect())
    });
    Ok(Adopted(adopted.collect()))
}

/// A layer that the registry did not take over, or says so, and no cache of this machine has.
pub(crate) fn not_adopted(
    context: &Context,
    operation: &plan::Push,
    blob: &Descriptor,
    adopted: bool,
) -> Failure {
    let layer = described(blob, context.plan.blobs.get(&blob.digest));
    let registry = context.overrides.registry.as_ref().unwrap_or(&operation.registry);
    if let (true, Some(client)) = (adopted, &context.caches.blob_cache) {
        let blob_cache = &client.config().endpoint;
        return Failure::new(anyhow::anyhow!(
            "the registry `{registry}` does not have {layer} although the blob cache `{blob_cache}` took it"
        ))
        .hint(format!("`{blob_cache}` has to be the `--grpc-port` of the server at `{registry}`"));
    }
    let read = format!("the remote cache that the registry `{registry}` reads");
    let caches: Vec<String> = std::iter::once(read).chain(context.caches.names()).collect();
    Failure::new(anyhow::anyhow!("{layer} is not in {}", caches.join(", nor in ")))
        .hint(rebuild(&operation.label))
        .hint("the registry's `--remote-cache` has to be the cache that Bazel writes to")
}
