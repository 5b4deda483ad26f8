//! Where the bytes of a blob come from: a runfile, else a registry that has it. Verified on the way.

use std::io;
use std::sync::Arc;

use blob::Verifier;
use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, stream};
use oci::{Descriptor, Digest};
use registry::{ByteStream, Content, FileContent, Remote, RemoteContent};
use tool::Failure;

use crate::progress::Transfer;
use crate::push::Context;

/// The sources of a blob, asked in order; the bytes are checked and shown as they pass.
struct Checked {
    digest: Digest,
    size: u64,
    sources: Vec<Arc<dyn Content>>,
    transfer: Arc<Transfer>,
}

/// Finds the sources of a blob. A runfile that has another size than the blob was changed after the build.
pub(crate) fn find(
    context: &Context,
    operation: &plan::Push,
    blob: &Descriptor,
) -> Result<Arc<dyn Content>, Failure> {
    let known = context.plan.blobs.get(&blob.digest);
    let mut sources: Vec<Arc<dyn Content>> = Vec::new();
    if let Some(file) =
        known.and_then(|known| known.runfile.as_deref()).and_then(|path| context.runfiles.resolve(path))
    {
        let found = fs_err::metadata(&file)?.len();
        if found != blob.size {
            let text = format!(
                "`{}` was changed after the build: expected {} bytes, found {found}",
                file.display(),
                blob.size
            );
            return Err(Failure::new(anyhow::anyhow!(text))
                .hint(format!("build it again: bazel build {}", operation.label)));
        }
        sources.push(Arc::new(FileContent(file)));
    }
    for source in known.into_iter().flat_map(|known| &known.sources) {
        let from = Remote::new(source.registry.parse()?, source.repository.parse()?);
        sources.push(Arc::new(RemoteContent {
            client: context.client.clone(),
            from,
            digest: blob.digest,
            size: blob.size,
        }));
    }
    if sources.is_empty() {
        return Err(nowhere(operation, blob, known));
    }
    let transfer = Arc::new(context.progress.transfer(blob.digest, blob.size));
    Ok(Arc::new(Checked { digest: blob.digest, size: blob.size, sources, transfer }))
}

fn nowhere(operation: &plan::Push, blob: &Descriptor, known: Option<&plan::Blob>) -> Failure {
    let runfile = known.and_then(|known| known.runfile.as_deref());
    let looked = runfile.map_or("the plan names neither a file nor a registry for it".to_owned(), |path| {
        format!("its runfile `{path}` is not there, and no registry is known to have it")
    });
    Failure::new(anyhow::anyhow!("no source for the blob `{}` ({} bytes): {looked}", blob.digest, blob.size))
        .hint(format!("start the target with `bazel run {}`", operation.label))
}

impl Content for Checked {
    fn open(&self, offset: u64) -> BoxFuture<'_, io::Result<ByteStream>> {
        Box::pin(async move {
            let mut failed = None;
            for source in &self.sources {
                match first_chunk(source.as_ref(), offset).await {
                    Ok(bytes) => return Ok(self.check(bytes, offset)),
                    Err(error) if failed.is_none() => failed = Some(error),
                    Err(error) => tracing::warn!("another source of `{}` failed: {error}", self.digest),
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

impl Checked {
    /// Counts the bytes; from the first byte on, also verifies them. A resumed upload is verified by the registry alone.
    fn check(&self, bytes: ByteStream, offset: u64) -> ByteStream {
        let transfer = Arc::clone(&self.transfer);
        transfer.restart(offset);
        let counted = bytes.inspect(move |chunk| {
            if let Ok(chunk) = chunk {
                transfer.advance(chunk.len() as u64);
            }
        });
        if offset > 0 {
            return counted.boxed();
        }
        let verifier = Verifier::new(self.digest, Some(self.size));
        stream::unfold((counted.boxed(), Some(verifier)), |(mut bytes, verifier)| async move {
            let mut verifier = verifier?;
            let invalid = |mismatch| io::Error::new(io::ErrorKind::InvalidData, mismatch);
            match bytes.next().await {
                Some(Ok(chunk)) => match verifier.update(&chunk) {
                    Ok(()) => Some((Ok(chunk), (bytes, Some(verifier)))),
                    Err(mismatch) => Some((Err(invalid(mismatch)), (bytes, None))),
                },
                Some(Err(error)) => Some((Err(error), (bytes, None))),
                None => verifier.finish().err().map(|mismatch| (Err(invalid(mismatch)), (bytes, None))),
            }
        })
        .boxed()
    }
}
