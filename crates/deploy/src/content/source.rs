//! Where the bytes of a blob come from: a runfile, one of Bazel's caches, else a registry that has it. The registry client
//! verifies them.

use std::io;
use std::path::Path;
use std::sync::Arc;

use blob::Mismatch;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use oci::Descriptor;
use plan::{Kind, Strategy};
use registry::{ByteStream, Cause, Content, Remote, RemoteContent};
use tool::Failure;

use crate::content::cached::{CachedContent, bring_back, in_no_cache, is_evicted, rebuild};
use crate::content::places::{Place, Places};
use crate::content::wanted::Found;
use crate::content::{Purpose, failure, hints_of};
use crate::context::Context;
use crate::progress::Transfer;

/// The sources of a blob, asked in order; shows the bytes as they pass.
pub struct Sources {
    blob: Descriptor,
    label: String,
    bring_back: Vec<String>,
    places: Arc<Places>,
    transfer: Arc<dyn Transfer>,
}

/// Finds the sources of a blob; none if nobody is known to have it, see [`nowhere`]. A runfile that has another size than the
/// blob was changed after the build.
pub(crate) fn find(
    context: &Context,
    purpose: Purpose<'_>,
    blob: &Descriptor,
    caches: Found,
) -> Result<Option<Arc<Sources>>, Failure> {
    let known = context.plan.blobs.get(&blob.digest);
    let mut places = Vec::new();
    if let Some(file) =
        known.and_then(|known| known.runfile.as_deref()).and_then(|path| context.runfiles.resolve(path))
    {
        let found = fs_err::metadata(&file)?.len();
        if found != blob.size {
            let difference = anyhow::anyhow!("expected {} bytes, found {found}", blob.size);
            return Err(changed(&file, difference, purpose.label));
        }
        places.push(Place::File(file));
    }
    places.extend(caches.file.map(Place::DiskCache));
    places.extend(
        caches
            .remote
            .map(|(client, cached)| Place::RemoteCache(CachedContent::new(client, cached, &blob.media_type))),
    );
    for from in origins(purpose, known)? {
        let (client, digest, size) = (context.client.clone(), blob.digest, blob.size);
        places.push(Place::Registry(RemoteContent { client, from, digest, size }));
    }
    if places.is_empty() {
        return Ok(None);
    }
    Ok(Some(Arc::new(Sources {
        blob: blob.clone(),
        label: purpose.label.to_owned(),
        bring_back: bring_back(purpose),
        places: Places::new(blob.digest, blob.size, places),
        transfer: context.progress.transfer(blob.digest, blob.size).into(),
    })))
}

/// Registries that have the blob: those that its layer was pulled from. The config of an image that is pushed as it was
/// pulled is a file of this machine alone, which a server does not have.
fn origins(purpose: Purpose<'_>, known: Option<&plan::Blob>) -> Result<Vec<Remote>, Failure> {
    let Some(known) = known else { return Ok(Vec::new()) };
    let mut origins = Vec::new();
    for source in &known.sources {
        origins.push(Remote::new(source.registry.parse()?, source.repository.parse()?));
    }
    if purpose.strategy == Strategy::Bes && known.kind == Kind::Config {
        origins.extend(pulled_from(purpose)?);
    }
    Ok(origins)
}

/// Where the base of the image comes from.
pub(super) fn pulled_from(purpose: Purpose<'_>) -> Result<Vec<Remote>, Failure> {
    let Some(original) = &purpose.original else { return Ok(Vec::new()) };
    let remote = |registry: &String| Ok(Remote::new(registry.parse()?, original.repository.parse()?));
    original.registries.iter().map(remote).collect()
}

/// A file of the build that is no longer what it was.
pub(crate) fn changed(file: &Path, difference: impl Into<anyhow::Error>, label: &str) -> Failure {
    Failure::new(difference)
        .context(format!("`{}` was changed after the build", file.display()))
        .hint(format!("build it again: bazel build {label}"))
}

/// Why a blob cannot be read: no source of it is known.
pub(crate) fn nowhere(context: &Context, purpose: Purpose<'_>, blob: &Descriptor) -> Failure {
    let known = context.plan.blobs.get(&blob.digest);
    if matches!(purpose.strategy, Strategy::Lazy | Strategy::Bes) {
        return in_no_cache(context, purpose, blob, known);
    }
    let runfile = known.and_then(|known| known.runfile.as_deref());
    let looked = runfile.map_or("the plan names neither a file nor a registry for it".to_owned(), |path| {
        format!("its runfile `{path}` is not there, and no registry is known to have it")
    });
    Failure::new(anyhow::anyhow!("no source for the blob `{}` ({} bytes): {looked}", blob.digest, blob.size))
        .hint(format!("start the target with `bazel run {}`", purpose.label))
}

impl Sources {
    /// Why an upload failed: what is wrong with a source is said of the source and not of the registry that was to
    /// get it.
    pub(crate) fn explain(&self, error: registry::Error) -> Failure {
        let Cause::Content(read) = error.cause() else { return failure(error) };
        let evicted = is_evicted(read);
        self.explained(read).unwrap_or_else(|| self.with_way_back(failure(error), evicted))
    }

    /// Why reading failed, where nobody else says more about it.
    pub fn explain_read(&self, error: io::Error) -> Failure {
        let evicted = is_evicted(&error);
        self.explained(&error).unwrap_or_else(|| {
            let hints = hints_of(&error);
            let failure = Failure::new(error).context(format!("failed to read blob `{}`", self.blob.digest));
            self.with_way_back(failure.hints(hints), evicted)
        })
    }

    fn with_way_back(&self, failure: Failure, evicted: bool) -> Failure {
        if evicted { failure.hints(self.bring_back.clone()).gone() } else { failure }
    }

    /// The same, where more can be said than the error says by itself.
    fn explained(&self, error: &io::Error) -> Option<Failure> {
        if let Some(failed) = self.places.all_failed() {
            let Descriptor { digest, size, .. } = &self.blob;
            let reasons = failed.reasons.join("; ");
            let text =
                format!("failed to read blob `{digest}` ({size} bytes) from any of its sources: {reasons}");
            let failure = Failure::new(anyhow::anyhow!(text)).hints(failed.hints);
            return Some(if failed.in_caches {
                failure.hints(self.bring_back.clone()).gone()
            } else {
                failure
            });
        }
        let mismatch = error.get_ref().and_then(|inner| inner.downcast_ref::<Mismatch>()).cloned();
        Some(match (self.places.last(), mismatch) {
            (Place::File(file), Some(mismatch)) => changed(file, mismatch, &self.label),
            (Place::DiskCache(file), Some(mismatch)) => Failure::new(mismatch)
                .context(format!("`{}` in the disk cache is broken", file.display()))
                .hint(format!("delete it; {}", rebuild(&self.label))),
            (Place::RemoteCache(cached), Some(mismatch)) => cached.spoiled(mismatch),
            (Place::Registry(source), Some(mismatch)) => Failure::new(mismatch)
                .context(format!("failed to fetch blob `{}` from `{}`", self.blob.digest, source.from))
                .hint(format!("`{}`, or a proxy before it, serves wrong content", source.from.registry)),
            _ => return None,
        })
    }

    fn show(&self, bytes: ByteStream, offset: u64) -> ByteStream {
        let transfer = Arc::clone(&self.transfer);
        transfer.restart(offset);
        let shown = bytes.inspect(move |chunk| {
            if let Ok(chunk) = chunk {
                transfer.advance(chunk.len() as u64);
            }
        });
        shown.boxed()
    }
}

impl Content for Sources {
    fn open(&self, offset: u64) -> BoxFuture<'_, io::Result<ByteStream>> {
        Box::pin(async move { Ok(self.show(Arc::clone(&self.places).open(offset).await?, offset)) })
    }

    fn fail_over(&self, error: &io::Error) -> bool {
        self.places.fail_over(error)
    }
}
