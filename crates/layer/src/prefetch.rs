//! Reads small files ahead of the tar writer, on several threads, and hands them out in order. Opening a file costs more
//! than reading it when most are a few kilobytes, and digests for deduplication are computed on the way.
//!
//! Files travel in batches: threads that wake each other for every file would spend as much time on that as on reading.

use std::io::Read;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::Scope;

use fs_err::File;
use oci::Digest;

use crate::compress::{Chunk, Pool};
use crate::error::LayerError;

/// Larger files are streamed by the writer itself, so that what waits here stays small.
pub(crate) const LIMIT: u64 = 128 << 10;

/// Bytes of a batch. A file takes one more than it has: so its end is seen without another call, and so is a file that
/// grew.
const BATCH_SIZE: usize = 256 << 10;

/// Batches that may wait for the writer, per thread.
const WAITING: usize = 2;

/// A file to read.
#[derive(Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) source: &'a Path,
    /// At most [`LIMIT`].
    pub(crate) size: u64,
    /// Whether its digest is wanted.
    pub(crate) hash: bool,
}

impl Request<'_> {
    fn room(&self) -> usize {
        usize::try_from(self.size).expect("files of this kind are small") + 1
    }
}

/// What was in a file.
pub(crate) struct Content {
    batch: Arc<Chunk>,
    range: Range<usize>,
    pub(crate) digest: Option<Digest>,
}

impl Content {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.batch.bytes()[self.range.clone()]
    }
}

/// Files that were read together.
type Batch = Vec<Content>;

/// The files that were asked for, in that order.
pub(crate) struct Prefetched {
    /// The first batch comes from the first thread, the second from the second, and so on in turn.
    threads: Vec<Receiver<Result<Batch, LayerError>>>,
    turn: usize,
    batch: std::vec::IntoIter<Content>,
}

impl Prefetched {
    /// Starts reading. The threads end when all is read, or when this value is dropped.
    pub(crate) fn start<'scope, 'env>(
        scope: &'scope Scope<'scope, 'env>,
        requests: &'env [Request<'env>],
        threads: usize,
    ) -> Self {
        let pool = Arc::new(Pool::default());
        let spawn = |first| {
            let (sender, receiver) = mpsc::sync_channel(WAITING);
            let pool = Arc::clone(&pool);
            scope.spawn(move || read_all(batches(requests).skip(first).step_by(threads), &pool, &sender));
            receiver
        };
        let threads = (0..threads).map(spawn).collect();
        Self { threads, turn: 0, batch: Vec::new().into_iter() }
    }

    /// The next file.
    pub(crate) fn next(&mut self) -> Result<Content, LayerError> {
        loop {
            if let Some(content) = self.batch.next() {
                return Ok(content);
            }
            let thread = &self.threads[self.turn];
            self.turn = (self.turn + 1) % self.threads.len();
            self.batch = thread.recv().expect("one answer for each request")?.into_iter();
        }
    }
}

/// Cuts the requests so that each part fits a batch.
fn batches<'a>(mut requests: &'a [Request<'a>]) -> impl Iterator<Item = &'a [Request<'a>]> {
    std::iter::from_fn(move || {
        let mut room = BATCH_SIZE;
        let mut count = 0;
        while let Some(left) = requests.get(count).and_then(|request| room.checked_sub(request.room())) {
            room = left;
            count += 1;
        }
        let (batch, rest) = requests.split_at(count);
        requests = rest;
        (!batch.is_empty()).then_some(batch)
    })
}

fn read_all<'a>(
    batches: impl Iterator<Item = &'a [Request<'a>]>,
    pool: &Arc<Pool>,
    sender: &SyncSender<Result<Batch, LayerError>>,
) {
    for requests in batches {
        if sender.send(read(requests, pool)).is_err() {
            // The writer stopped at an error.
            return;
        }
    }
}

fn read(requests: &[Request<'_>], pool: &Arc<Pool>) -> Result<Batch, LayerError> {
    let mut chunk = Chunk::new(Arc::clone(pool), BATCH_SIZE);
    let mut files = Vec::with_capacity(requests.len());
    for request in requests {
        let start = chunk.bytes().len();
        let count = read_file(request, &mut chunk.free()[..request.room()])?;
        chunk.advance(count);
        let digest = request.hash.then(|| blob::digest_of(&chunk.bytes()[start..]));
        files.push((start..start + count, digest));
    }
    let batch = Arc::new(chunk);
    let content = |(range, digest)| Content { batch: Arc::clone(&batch), range, digest };
    Ok(files.into_iter().map(content).collect())
}

/// Reads a file into a buffer that has room for one byte more.
fn read_file(request: &Request<'_>, buffer: &mut [u8]) -> Result<usize, LayerError> {
    let mut file = File::open(request.source).map_err(LayerError::Read)?;
    let mut count = 0;
    // Whoever gets less than there was room for has seen the end.
    while count < buffer.len() && count as u64 != request.size {
        match file.read(&mut buffer[count..]) {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(LayerError::Read(error)),
        }
    }
    let found = count as u64;
    if found == request.size {
        return Ok(count);
    }
    Err(LayerError::Changed { path: request.source.to_owned(), expected: request.size, found })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_hold_every_request_once() {
        let sizes = [LIMIT, LIMIT - 2, 0, 1, LIMIT, 5, 5, LIMIT - 15];
        let requests = sizes.map(|size| Request { source: Path::new("x"), size, hash: false });
        let cut: Vec<Vec<u64>> =
            batches(&requests).map(|batch| batch.iter().map(|request| request.size).collect()).collect();
        assert_eq!(cut, [&sizes[..2], &sizes[2..7], &sizes[7..]]);
    }
}
