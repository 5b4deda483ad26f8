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

use crate::progress::Transfer;
use crate::push::adopt::not_adopted;
use crate::push::cached::{CachedContent, bring_back, in_no_cache, is_evicted, rebuild};
use crate::push::places::{Place, Places};
use crate::push::wanted::Found;
use crate::push::{Context, failure};

/// The sources of a blob, asked in order; shows the bytes as they pass.
pub(crate) struct Sources {
    blob: Descriptor,
    label: String,
    bring_back: Vec<String>,
    places: Arc<Places>,
    transfer: Arc<dyn Transfer>,
}

/// Finds the sources of a blob. A runfile that has another size than the blob was changed after the build.
pub(crate) fn find(
    context: &Context,
    operation: &plan::Push,
    blob: &Descriptor,
    caches: Found,
) -> Result<Arc<Sources>, Failure> {
    let known = context.plan.blobs.get(&blob.digest);
    let mut places = Vec::new();
    if let Some(file) =
        known.and_then(|known| known.runfile.as_deref()).and_then(|path| context.runfiles.resolve(path))
    {
        let found = fs_err::metadata(&file)?.len();
        if found != blob.size {
            let difference = anyhow::anyhow!("expected {} bytes, found {found}", blob.size);
            return Err(changed(&file, difference, &operation.label));
        }
        places.push(Place::File(file));
    }
    places.extend(caches.file.map(Place::DiskCache));
    places.extend(
        caches
            .remote
            .map(|(client, cached)| Place::RemoteCache(CachedContent::new(client, cached, &blob.media_type))),
    );
    for from in origins(operation, known)? {
        let (client, digest, size) = (context.client.clone(), blob.digest, blob.size);
        places.push(Place::Registry(RemoteContent { client, from, digest, size }));
    }
    if places.is_empty() {
        if operation.strategy == Strategy::CasRegistry {
            return Err(not_adopted(context, operation, blob, caches.adopted));
        }
        return Err(nowhere(context, operation, blob, known));
    }
    Ok(Arc::new(Sources {
        blob: blob.clone(),
        label: operation.label.clone(),
        bring_back: bring_back(operation),
        places: Places::new(blob.digest, blob.size, places),
        transfer: context.progress.transfer(blob.digest, blob.size).into(),
    }))
}

/// Registries that have the blob: those that its layer was pulled from. The config of an image that is pushed as it was
/// pulled is a file of this machine alone, which a server does not have.
fn origins(operation: &plan::Push, known: Option<&plan::Blob>) -> Result<Vec<Remote>, Failure> {
    let Some(known) = known else { return Ok(Vec::new()) };
    let mut origins = Vec::new();
    for source in &known.sources {
        origins.push(Remote::new(source.registry.parse()?, source.repository.parse()?));
    }
    if operation.strategy == Strategy::Bes && known.kind == Kind::Config {
        origins.extend(pulled_from(operation)?);
    }
    Ok(origins)
}

/// Where the base of the image comes from.
pub(super) fn pulled_from(operation: &plan::Push) -> Result<Vec<Remote>, Failure> {
    let Some(original) = &operation.original else { return Ok(Vec::new()) };
    let remote = |registry: &String| Ok(Remote::new(registry.parse()?, original.repository.parse()?));
    original.registries.iter().map(remote).collect()
}

/// A file of the build that is no longer what it was.
pub(crate) fn changed(file: &Path, difference: impl Into<anyhow::Error>, label: &str) -> Failure {
    Failure::new(difference)
        .context(format!("`{}` was changed after the build", file.display()))
        .hint(format!("build it again: bazel build {label}"))
}

fn nowhere(
    context: &Context,
    operation: &plan::Push,
    blob: &Descriptor,
    known: Option<&plan::Blob>,
) -> Failure {
    if matches!(operation.strategy, Strategy::Lazy | Strategy::Bes) {
        return in_no_cache(context, operation, blob, known);
    }
    let runfile = known.and_then(|known| known.runfile.as_deref());
    let looked = runfile.map_or("the plan names neither a file nor a registry for it".to_owned(), |path| {
        format!("its runfile `{path}` is not there, and no registry is known to have it")
    });
    Failure::new(anyhow::anyhow!("no source for the blob `{}` ({} bytes): {looked}", blob.digest, blob.size))
        .hint(format!("start the target with `bazel run {}`", operation.label))
}

impl Sources {
    /// Why an upload failed: what is wrong with a source is said of the source and not of the registry that was to
    /// get it.
    pub(crate) fn explain(&self, error: registry::Error) -> Failure {
        if let (Cause::Content(_), Some(failed)) = (error.cause(), self.places.all_failed()) {
            let Descriptor { digest, size, .. } = &self.blob;
            let reasons = failed.reasons.join("; ");
            let text =
                format!("failed to read blob `{digest}` ({size} bytes) from any of its sources: {reasons}");
            let failure = Failure::new(anyhow::anyhow!(text)).hints(failed.hints);
            return if failed.in_caches { failure.hints(self.bring_back.clone()).gone() } else { failure };
        }
        let mismatch = mismatch(error.cause()).cloned();
        match (self.places.last(), mismatch) {
            (Place::File(file), Some(mismatch)) => changed(file, mismatch, &self.label),
            (Place::DiskCache(file), Some(mismatch)) => Failure::new(mismatch)
                .context(format!("`{}` in the disk cache is broken", file.display()))
                .hint(format!("delete it; {}", rebuild(&self.label))),
            (Place::RemoteCache(cached), Some(mismatch)) => cached.spoiled(mismatch),
            (Place::RemoteCache(_), _) if is_evicted(error.cause()) => {
                failure(error).hints(self.bring_back.clone()).gone()
            }
            (Place::Registry(source), Some(mismatch)) => Failure::new(mismatch)
                .context(format!("failed to fetch blob `{}` from `{}`", self.blob.digest, source.from))
                .hint(format!("`{}`, or a proxy before it, serves wrong content", source.from.registry)),
            _ => failure(error),
        }
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

/// What the client found when it compared the bytes with their digest.
fn mismatch(cause: &Cause) -> Option<&Mismatch> {
    match cause {
        Cause::Content(error) => error.get_ref()?.downcast_ref(),
        _ => None,
    }
}
