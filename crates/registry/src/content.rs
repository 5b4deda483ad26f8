//! What is uploaded: something that can be opened again, from any offset, because an upload may have to be repeated
//! or resumed.

use std::io::{self, SeekFrom};
use std::path::PathBuf;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt as _};
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

    /// Is told why what was read is of no use; says whether other bytes are to be had, so that it is worth beginning anew.
    /// Must say no after some time.
    fn fail_over(&self, _error: &io::Error) -> bool {
        false
    }
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
