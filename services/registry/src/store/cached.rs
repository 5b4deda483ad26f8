//! Blobs whose contents are left to the remote cache. This disk has their sizes; whether the cache still has the
//! contents is asked when it matters and then believed for a moment.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use cas::{Blob, Cause, Encoding};
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use oci::Digest;

use super::blobs::{BlobSource, Chunks};
use super::layout::Layout;
use super::{blocking, files};
use crate::error::Error;

/// How long an answer of the cache is believed. A push asks for a blob several times in a few seconds.
const FRESH: Duration = Duration::from_mins(1);

/// Blobs in the remote cache, known by the sizes that they were committed with.
pub(crate) struct CachedBlobs {
    layout: Layout,
    client: cas::Client,
    /// When the cache last showed that it has a blob.
    seen: Mutex<BTreeMap<Digest, Instant>>,
}

impl CachedBlobs {
    pub(super) fn new(layout: Layout, client: cas::Client) -> Self {
        Self { layout, client, seen: Mutex::default() }
    }

    /// The cache that is asked.
    pub(crate) fn endpoint(&self) -> &cas::Endpoint {
        &self.client.config().endpoint
    }

    /// Asks the cache, in one question, which of these it lacks. The cache takes it as a wish to keep the others.
    pub(crate) async fn missing(&self, blobs: &[Blob]) -> Result<BTreeSet<Digest>, Box<cas::Error>> {
        let missing = self.client.find_missing(blobs).await?;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for Blob { digest, .. } in blobs {
            if missing.contains(digest) {
                seen.remove(digest);
            } else {
                seen.insert(*digest, Instant::now());
            }
        }
        Ok(missing)
    }

    /// Whether the cache showed a blob within this time.
    pub(crate) fn seen_within(&self, digest: Digest, time: Duration) -> bool {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(&digest).is_some_and(|instant| instant.elapsed() < time)
    }

    fn note(&self, digest: Digest, there: bool) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if there {
            seen.insert(digest, Instant::now());
        } else {
            seen.remove(&digest);
        }
    }

    async fn recorded(&self, digest: Digest) -> io::Result<Option<u64>> {
        let layout = self.layout.clone();
        blocking(move || recorded(&layout, digest)).await
    }

    async fn open(&self, blob: Blob, range: Range<u64>) -> Result<Option<Chunks>, Error> {
        let length = range.end - range.start;
        let chunks = self.client.stream_blob(blob, range.start, Encoding::Identity);
        let mut chunks = if range.end == blob.size { held_back(chunks) } else { first(length, chunks) };
        // Whether there is anything to read only shows with the first bytes.
        match chunks.next().await {
            Some(Ok(chunk)) => {
                self.note(blob.digest, true);
                // The client only sees its connection break.
                let rest = chunks.inspect_err(|error| tracing::warn!("{}", reason(error)));
                Ok(Some(stream::iter([Ok(chunk)]).chain(rest).boxed()))
            }
            Some(Err(error)) => match error.downcast::<cas::Error>() {
                Ok(error) if matches!(error.cause(), Cause::Missing) => {
                    self.note(blob.digest, false);
                    Ok(None)
                }
                Ok(error) => Err(Box::new(error).into()),
                Err(error) => Err(error.into()),
            },
            None => Ok(Some(stream::empty().boxed())),
        }
    }
}

impl BlobSource for CachedBlobs {
    fn size(&self, digest: Digest) -> BoxFuture<'_, Result<Option<u64>, Error>> {
        Box::pin(async move {
            let Some(size) = self.recorded(digest).await? else { return Ok(None) };
            let there = self.seen_within(digest, FRESH)
                || !self.missing(&[Blob { digest, size }]).await?.contains(&digest);
            Ok(there.then_some(size))
        })
    }

    fn read(&self, digest: Digest, range: Range<u64>) -> BoxFuture<'_, Result<Option<Chunks>, Error>> {
        Box::pin(async move {
            match self.recorded(digest).await? {
                Some(size) => self.open(Blob { digest, size }, range).await,
                None => Ok(None),
            }
        })
    }

    fn look<'a>(&'a self, digests: &'a [Digest]) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let mut blobs = Vec::new();
            for digest in digests {
                if !self.seen_within(*digest, FRESH) {
                    let size = self.recorded(*digest).await?;
                    blobs.extend(size.map(|size| Blob { digest: *digest, size }));
                }
            }
            self.missing(&blobs).await?;
            Ok(())
        })
    }
}

/// The size that a blob was committed with.
pub(super) fn recorded(layout: &Layout, digest: Digest) -> io::Result<Option<u64>> {
    let Some(bytes) = files::read(&layout.cached(digest))? else { return Ok(None) };
    let size = std::str::from_utf8(&bytes).ok().and_then(|text| text.trim_end().parse().ok());
    let broken = || io::Error::other(format!("`{}` holds no size", layout.cached(digest).display()));
    size.map(Some).ok_or_else(broken)
}

fn reason(error: &io::Error) -> String {
    let cause = error.get_ref().and_then(|error| error.downcast_ref::<cas::Error>());
    cause.map_or_else(|| error.to_string(), |cause| tool::chain(cause))
}

type Stream = BoxStream<'static, io::Result<Bytes>>;

/// Hands each chunk on when the next one is there: a client that was promised a number of bytes must not get the last
/// of them before the end was verified.
fn held_back(chunks: Stream) -> Stream {
    let next = |(mut chunks, held): (Stream, Option<Bytes>)| async move {
        let Some(held) = held else { return Ok(None) };
        let next = chunks.next().await.transpose()?;
        Ok::<_, io::Error>(Some((held, (chunks, next))))
    };
    let start = move |(chunk, chunks): (Option<io::Result<Bytes>>, Stream)| match chunk.transpose() {
        Ok(held) => stream::try_unfold((chunks, held), next).boxed(),
        Err(error) => stream::iter([Err(error)]).boxed(),
    };
    stream::once(chunks.into_future()).flat_map(start).boxed()
}

/// The first bytes of a stream; the rest is not read.
fn first(length: u64, chunks: Stream) -> Stream {
    let next = |(mut chunks, left): (Stream, u64)| async move {
        if left == 0 {
            return Ok(None);
        }
        let Some(mut chunk) = chunks.next().await.transpose()? else { return Ok(None) };
        chunk.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        let left = left - chunk.len() as u64;
        Ok::<_, io::Error>(Some((chunk, (chunks, left))))
    };
    stream::try_unfold((chunks, length), next).boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks(texts: &[&'static str], end: Option<&'static str>) -> Stream {
        let texts: Vec<_> = texts.iter().map(|text| Ok(Bytes::from_static(text.as_bytes()))).collect();
        stream::iter(texts).chain(stream::iter(end.map(|error| Err(io::Error::other(error))))).boxed()
    }

    async fn read(mut stream: Stream) -> (String, bool) {
        let mut text = String::new();
        loop {
            match stream.try_next().await {
                Ok(Some(chunk)) => text.push_str(std::str::from_utf8(&chunk).unwrap()),
                Ok(None) => return (text, true),
                Err(_) => return (text, false),
            }
        }
    }

    #[tokio::test]
    async fn the_last_chunk_waits_for_the_end() {
        assert_eq!(read(held_back(chunks(&["a", "b"], None))).await, ("ab".into(), true));
        assert_eq!(read(held_back(chunks(&["a", "b"], Some("wrong")))).await, ("a".into(), false));
        assert_eq!(read(held_back(chunks(&["a"], Some("wrong")))).await, (String::new(), false));
        assert_eq!(read(held_back(chunks(&[], Some("missing")))).await, (String::new(), false));
        assert_eq!(read(held_back(chunks(&[], None))).await, (String::new(), true));
    }

    #[tokio::test]
    async fn a_part_ends_where_it_should() {
        for (length, expected) in [(0, ""), (1, "a"), (2, "ab"), (3, "abc"), (9, "abcd")] {
            assert_eq!(read(first(length, chunks(&["ab", "cd"], None))).await, (expected.into(), true));
        }
    }
}
