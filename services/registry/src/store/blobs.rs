//! The contents of blobs, wherever they lie.

use std::io::{self, Read as _, Seek as _};
use std::ops::Range;

use bytes::Bytes;
use fs_err as fs;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use oci::Digest;

use super::layout::Layout;
use super::{blocking, files};

/// Bytes read at a time. Below 64 KiB the hand-over between threads shows; above 256 KiB nothing is gained.
const CHUNK: u64 = 256 << 10;

/// The bytes of a blob or of a part of it.
pub(crate) type Chunks = BoxStream<'static, io::Result<Bytes>>;

/// Somewhere that blobs can be read from: the disk, or a remote cache. It knows nothing of repositories; what may be
/// read where is decided before it is asked.
pub(crate) trait BlobSource: Send + Sync {
    /// The size of a blob, or nothing when it is not here.
    fn size(&self, digest: Digest) -> BoxFuture<'_, io::Result<Option<u64>>>;

    /// The bytes in a range that lies within the blob's size.
    fn read(&self, digest: Digest, range: Range<u64>) -> BoxFuture<'_, io::Result<Chunks>>;
}

/// Blobs in files named by their digests.
pub(super) struct DiskBlobs(pub(super) Layout);

impl BlobSource for DiskBlobs {
    fn size(&self, digest: Digest) -> BoxFuture<'_, io::Result<Option<u64>>> {
        let path = self.0.blob(digest);
        Box::pin(blocking(move || files::size(&path)))
    }

    fn read(&self, digest: Digest, range: Range<u64>) -> BoxFuture<'_, io::Result<Chunks>> {
        let path = self.0.blob(digest);
        Box::pin(blocking(move || {
            let mut file = fs::File::open(path)?;
            if range.start > 0 {
                file.seek(io::SeekFrom::Start(range.start))?;
            }
            Ok(chunks(file, range.end - range.start))
        }))
    }
}

fn chunks(file: fs::File, remaining: u64) -> Chunks {
    let read = |(mut file, remaining): (fs::File, u64)| async move {
        if remaining == 0 {
            return Ok(None);
        }
        blocking(move || {
            let size = remaining.min(CHUNK);
            let mut buffer = vec![0; usize::try_from(size).unwrap_or(0)];
            file.read_exact(&mut buffer)?;
            Ok(Some((Bytes::from(buffer), (file, remaining - size))))
        })
        .await
    };
    stream::try_unfold((file, remaining), read).boxed()
}
