//! What is uploaded: something that can be opened again, from any offset, because an upload may have to be repeated
//! or resumed.

use std::io::{self, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;

use blob::Verifier;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use oci::Digest;
use tokio::io::AsyncSeekExt as _;
use tokio_util::io::ReaderStream;

/// Bytes read from a file at a time.
const BUFFER_SIZE: usize = 256 << 10;

/// Chunks of a blob.
pub type ByteStream = BoxStream<'static, io::Result<Bytes>>;

/// The bytes of a blob, as often as needed.
pub trait Content: Send + Sync {
    /// Opens the bytes from `offset` to the end.
    fn open(&self, offset: u64) -> BoxFuture<'_, io::Result<ByteStream>>;
}

/// A blob in a file.
#[derive(Clone, Debug)]
pub struct FileContent(pub PathBuf);

impl Content for FileContent {
    fn open(&self, offset: u64) -> BoxFuture<'_, io::Result<ByteStream>> {
        Box::pin(async move {
            let (file, _) = fs_err::File::open(&self.0)?.into_parts();
            let mut file = tokio::fs::File::from_std(file);
            if offset > 0 {
                file.seek(SeekFrom::Start(offset)).await?;
            }
            Ok(ReaderStream::with_capacity(file, BUFFER_SIZE).boxed())
        })
    }
}

/// Content that is checked while it is read from its start: what is wrong fails before the last byte is handed out,
/// so that no registry ever sees all of it.
pub(crate) struct Verified {
    pub(crate) content: Arc<dyn Content>,
    pub(crate) digest: Digest,
    pub(crate) size: u64,
}

impl Content for Verified {
    fn open(&self, offset: u64) -> BoxFuture<'_, io::Result<ByteStream>> {
        let mut verifier = (offset == 0).then(|| Verifier::new(self.digest, Some(self.size)));
        let size = self.size;
        Box::pin(async move {
            let stream = self.content.open(offset).await?;
            let stream = stream.map(Some).chain(stream::iter([None]));
            Ok(stream.map(move |chunk| check(chunk.transpose()?, &mut verifier, size)).boxed())
        })
    }
}

/// Checks the next chunk, or at the end, that there was enough.
fn check(chunk: Option<Bytes>, verifier: &mut Option<Verifier>, size: u64) -> io::Result<Bytes> {
    let invalid = |mismatch| io::Error::new(io::ErrorKind::InvalidData, mismatch);
    let ended = chunk.is_none();
    let chunk = chunk.unwrap_or_default();
    if let Some(mut current) = verifier.take() {
        current.update(&chunk).map_err(invalid)?;
        if ended || current.seen() == size {
            current.finish().map_err(invalid)?;
        } else {
            *verifier = Some(current);
        }
    }
    Ok(chunk)
}

/// A small blob in memory.
#[derive(Clone, Debug)]
pub struct MemoryContent(pub Bytes);

impl Content for MemoryContent {
    fn open(&self, offset: u64) -> BoxFuture<'_, io::Result<ByteStream>> {
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(self.0.len());
        let rest = self.0.slice(from..);
        Box::pin(async move { Ok(stream::iter([Ok(rest)]).boxed()) })
    }
}
