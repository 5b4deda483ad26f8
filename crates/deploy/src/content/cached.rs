//! Layers in Bazel's remote cache, and what is said when they are not there.

use std::io;

use blob::Mismatch;
use futures_util::future::BoxFuture;
use oci::Descriptor;
use plan::Strategy;
use registry::{ByteStream, Content};
use tool::Failure;

use crate::content::Purpose;
use crate::context::Context;

/// A blob in the remote cache as something to upload: it passes through memory in chunks and touches no disk.
pub(super) struct CachedContent {
    client: cas::Client,
    blob: cas::Blob,
    encoding: cas::Encoding,
}

impl CachedContent {
    pub(super) fn new(client: cas::Client, blob: cas::Blob, media_type: &str) -> Self {
        Self { client, blob, encoding: encoding(media_type) }
    }

    pub(super) fn endpoint(&self) -> &cas::Endpoint {
        &self.client.config().endpoint
    }

    /// What to say when other bytes came than were promised.
    pub(super) fn spoiled(&self, mismatch: Mismatch) -> Failure {
        let endpoint = self.endpoint();
        Failure::new(mismatch)
            .context(format!(
                "failed to fetch blob `{}` from the remote cache `{endpoint}`",
                self.blob.digest
            ))
            .hint(format!("`{endpoint}` serves wrong content"))
    }
}

impl Content for CachedContent {
    fn open(&self, offset: u64) -> BoxFuture<'_, io::Result<ByteStream>> {
        // Whatever is uploaded is checked on its way, once.
        let stream = self.client.stream_blob_unchecked(self.blob, offset, self.encoding);
        Box::pin(async move { Ok(stream) })
    }
}

/// Compressing anew what is compressed costs time and saves nothing.
fn encoding(media_type: &str) -> cas::Encoding {
    let compressed = ["gzip", "zstd"].iter().any(|codec| media_type.ends_with(codec));
    if compressed { cas::Encoding::Identity } else { cas::Encoding::Zstd }
}

/// What a push needs is in none of the caches. It may be there later: Bazel can say that a target is complete while it
/// still uploads.
#[derive(Debug, thiserror::Error)]
#[error("{what} is not in {}", places.join(", nor in "))]
pub struct NotCached {
    what: String,
    places: Vec<String>,
}

impl NotCached {
    pub(super) fn new(context: &Context, what: String) -> Self {
        Self { what, places: context.caches.names() }
    }
}

/// A blob that no cache has: which one, who makes it, where was looked, and what to do.
pub(super) fn in_no_cache(
    context: &Context,
    purpose: Purpose<'_>,
    blob: &Descriptor,
    known: Option<&plan::Blob>,
) -> Failure {
    let layer = described(blob, known);
    if context.caches.names().is_empty() {
        return Failure::new(anyhow::anyhow!("no cache is named to read {layer} from")).hint(
            "give what Bazel has in `--remote_cache` or `--disk_cache`: \
             `bazel run TARGET -- --remote-cache ADDRESS` or `-- --disk-cache DIR`; or set IMG_REAPI_ENDPOINT or IMG_DISK_CACHE",
        );
    }
    let failure = Failure::new(NotCached::new(context, layer)).hints(bring_back(purpose)).gone();
    if !context.caches.may_use_blake3() {
        return failure;
    }
    failure.hint("if Bazel has `--digest_function=blake3`, give it sha256: images are known by nothing else")
}

/// How to get back what was evicted.
pub(super) fn bring_back(purpose: Purpose<'_>) -> Vec<String> {
    let label = purpose.label;
    if purpose.strategy != Strategy::Bes {
        return vec![rebuild(label)];
    }
    vec![
        "the build has to write into the same cache: --remote_cache, or --remote_executor, without --noremote_upload_local_results"
            .to_owned(),
        format!("if the cache had it and lost it, make Bazel look again: bazel clean && bazel build {label}"),
    ]
}

/// A layer or config, and who makes it.
pub(crate) fn described(blob: &Descriptor, known: Option<&plan::Blob>) -> String {
    let maker = known
        .and_then(|known| known.label.as_ref())
        .map_or_else(String::new, |label| format!(", which `{label}` makes,"));
    let noun = if known.is_some_and(|known| known.kind == plan::Kind::Config) { "config" } else { "layer" };
    format!("the {noun} `{}` ({} bytes){maker}", blob.digest, blob.size)
}

/// How to get a layer back for a lazy push.
pub(crate) fn rebuild(label: &str) -> String {
    format!("bring it back, then try again: bazel clean && bazel build --output_groups=layers {label}")
}

/// Whether the remote cache lost a blob that it had a moment ago.
pub(super) fn is_evicted(read: &io::Error) -> bool {
    let error = read.get_ref().and_then(|error| error.downcast_ref::<cas::Error>());
    error.is_some_and(|error| matches!(error.cause(), cas::Cause::Missing))
}
