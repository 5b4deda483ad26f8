//! The contents of blobs, wherever they lie.

use std::io::{self, Read as _, Seek as _};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use fs_err as fs;
use futures_util::future::{self, BoxFuture};
use futures_util::stream::{self, BoxStream, StreamExt as _};
use oci::Digest;

use super::layout::Layout;
use super::{blocking, files};
use crate::error::Error;

/// Bytes read at a time. Below 64 KiB the hand-over between threads shows; above 256 KiB nothing is gained.
const CHUNK: u64 = 256 << 10;

/// The bytes of a blob or of a part of it.
pub(crate) type Chunks = BoxStream<'static, io::Result<Bytes>>;

/// Somewhere that blobs can be read from: the disk, or a remote cache. It knows nothing of repositories; what may be
/// read where is decided before it is asked.
pub(crate) trait BlobSource: Send + Sync {
    /// The size of a blob, or nothing when it is not here.
    fn size(&self, digest: Digest) -> BoxFuture<'_, Result<Option<u64>, Error>>;

    /// The bytes in a range that lies within the blob's size, or nothing when the blob is not here.
    fn read(&self, digest: Digest, range: Range<u64>) -> BoxFuture<'_, Result<Option<Chunks>, Error>>;

    /// Looks for several blobs whose sizes will be asked for next; worth it where a question has to travel.
    fn look<'a>(&'a self, _digests: &'a [Digest]) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(future::ready(Ok(())))
    }
}

/// A source, and another that is asked where it has nothing.
pub(super) struct InTurn<A, B>(pub(super) A, pub(super) B);

impl<A: BlobSource, B: BlobSource> BlobSource for InTurn<A, Arc<B>> {
    fn size(&self, digest: Digest) -> BoxFuture<'_, Result<Option<u64>, Error>> {
        Box::pin(async move {
            match self.0.size(digest).await? {
                None => self.1.size(digest).await,
                size => Ok(size),
            }
        })
    }

    fn read(&self, digest: Digest, range: Range<u64>) -> BoxFuture<'_, Result<Option<Chunks>, Error>> {
        Box::pin(async move {
            match self.0.read(digest, range.clone()).await? {
                None => self.1.read(digest, range).await,
                chunks => Ok(chunks),
            }
        })
    }

    fn look<'a>(&'a self, digests: &'a [Digest]) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let mut elsewhere = Vec::new();
            for digest in digests {
                if self.0.size(*digest).await?.is_none() {
                    elsewhere.push(*digest);
                }
            }
            self.1.look(&elsewhere).await
        })
    }
}

/// Blobs in files named by their digests.
pub(super) struct DiskBlobs(pub(super) Layout);

impl BlobSource for DiskBlobs {
    fn size(&self, digest: Digest) -> BoxFuture<'_, Result<Option<u64>, Error>> {
        let path = self.0.blob(digest);
        Box::pin(blocking(move || Ok(files::size(&path)?)))
    }

    fn read(&self, digest: Digest, range: Range<u64>) -> BoxFuture<'_, Result<Option<Chunks>, Error>> {
        let path = self.0.blob(digest);
        Box::pin(blocking(move || {
            let mut file = match fs::File::open(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                file => file?,
            };
            if range.start > 0 {
                file.seek(io::SeekFrom::Start(range.start))?;
            }
            Ok(Some(chunks(file, range.end - range.start)))
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
