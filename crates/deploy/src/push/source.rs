//! Where the bytes of a blob come from: a runfile, one of Bazel's caches, else a registry that has it. The registry client
//! verifies them.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use blob::{Mismatch, VerifyingReader};
use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, stream};
use oci::Descriptor;
use plan::{Kind, Strategy};
use registry::{ByteStream, Cause, Content, FileContent, Remote, RemoteContent};
use tool::{Failure, FailureContext as _};

use crate::progress::Transfer;
use crate::push::cached::{CachedContent, bring_back, in_no_cache, is_evicted, rebuild};
use crate::push::wanted::Found;
use crate::push::{Context, failure};

/// A place that should have the blob.
enum Place {
    File(PathBuf),
    DiskCache(PathBuf),
    RemoteCache(CachedContent),
    Registry(RemoteContent),
}

/// The sources of a blob, asked in order; shows the bytes as they pass.
pub(crate) struct Sources {
    blob: Descriptor,
    label: String,
    bring_back: Vec<String>,
    places: Vec<Place>,
    /// Position of the source that was opened last.
    opened: AtomicUsize,
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
        return Err(nowhere(context, operation, blob, known));
    }
    Ok(Arc::new(Sources {
        blob: blob.clone(),
        label: operation.label.clone(),
        bring_back: bring_back(operation),
        places,
        opened: AtomicUsize::new(0),
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
        let mismatch = mismatch(error.cause()).cloned();
        match (&self.places[self.opened.load(Ordering::Relaxed)], mismatch) {
            (Place::File(file), Some(mismatch)) => changed(file, mismatch, &self.label),
            (Place::DiskCache(file), Some(mismatch)) => Failure::new(mismatch)
                .context(format!("`{}` in the disk cache is broken", file.display()))
                .hint(format!("delete it; {}", rebuild(&self.label))),
            (Place::RemoteCache(cached), Some(mismatch)) => cached.spoiled(mismatch),
            (Place::RemoteCache(_), _) if is_evicted(error.cause()) => {
                failure(error).hints(self.bring_back.clone())
            }
            // Parts of a blob are only checked by the registry that gets them.
            (Place::File(file), None) if error.cause().status().is_some_and(|status| status == 400) => {
                self.check(file).err().unwrap_or_else(|| failure(error))
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

    fn check(&self, file: &Path) -> Result<(), Failure> {
        let reader = fs_err::File::open(file)?;
        let mut reader = VerifyingReader::new(reader, self.blob.digest, Some(self.blob.size));
        match io::copy(&mut reader, &mut io::sink()) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                Err(changed(file, error, &self.label))
            }
            Err(error) => Err(error).about(format!("failed to read `{}`", file.display())),
        }
    }
}

impl Content for Sources {
    fn open(&self, offset: u64) -> BoxFuture<'_, io::Result<ByteStream>> {
        Box::pin(async move {
            let mut failed = None;
            for (position, source) in self.places.iter().enumerate() {
                let opened = match source {
                    Place::File(file) | Place::DiskCache(file) => {
                        first_chunk(&FileContent(file.clone()), offset).await
                    }
                    Place::RemoteCache(content) => first_chunk(content, offset).await,
                    Place::Registry(content) => first_chunk(content, offset).await,
                };
                match opened {
                    Ok(bytes) => {
                        self.opened.store(position, Ordering::Relaxed);
                        return Ok(self.show(bytes, offset));
                    }
                    Err(error) if failed.is_none() => failed = Some(error),
                    Err(error) => tracing::warn!("another source of `{}` failed: {error}", self.blob.digest),
                }
            }
            Err(failed.unwrap_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no source")))
        })
    }
}

/// Opens a source and waits for its first bytes, because a registry's refusal only shows then.
async fn first_chunk(source: &dyn Content, offset: u64) -> io::Result<ByteStream> {
    let mut bytes = source.open(offset).await?;
    match bytes.next().await {
        Some(Ok(chunk)) => Ok(stream::iter([Ok(chunk)]).chain(bytes).boxed()),
        Some(Err(error)) => Err(error),
        None => Ok(stream::empty().boxed()),
    }
}

/// What the client found when it compared the bytes with their digest.
fn mismatch(cause: &Cause) -> Option<&Mismatch> {
    match cause {
        Cause::Content(error) => error.get_ref()?.downcast_ref(),
        _ => None,
    }
}
