//! Reads small files ahead of the tar writer, on several threads, and hands them out in order. Opening a file costs more
//! than reading it when most are a few kilobytes, and digests for deduplication are computed on the way.

use std::io::Read;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::Scope;

use fs_err::File;
use oci::Digest;

use crate::error::LayerError;

/// Larger files are streamed by the writer itself, so that what waits here stays small.
pub(crate) const LIMIT: u64 = 128 << 10;

/// Files that may wait for the writer, per thread.
const WAITING: usize = 16;

/// A file to read.
#[derive(Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) source: &'a Path,
    pub(crate) size: u64,
    /// Whether its digest is wanted.
    pub(crate) hash: bool,
}

/// What was in it.
pub(crate) struct Content {
    pub(crate) bytes: Vec<u8>,
    pub(crate) digest: Option<Digest>,
}

/// The files that were asked for, in that order.
pub(crate) struct Prefetched {
    /// The first request is answered by the first thread, the second by the second, and so on in turn.
    threads: Vec<Receiver<Result<Content, LayerError>>>,
    next: usize,
}

impl Prefetched {
    /// Starts reading. The threads end when all is read, or when this value is dropped.
    pub(crate) fn start<'scope, 'env>(
        scope: &'scope Scope<'scope, 'env>,
        requests: &'env [Request<'env>],
        threads: usize,
    ) -> Self {
        let spawn = |first| {
            let (sender, receiver) = mpsc::sync_channel(WAITING);
            scope.spawn(move || read_all(requests.iter().skip(first).step_by(threads), &sender));
            receiver
        };
        Self { threads: (0..threads).map(spawn).collect(), next: 0 }
    }

    /// The next file.
    pub(crate) fn next(&mut self) -> Result<Content, LayerError> {
        let thread = &self.threads[self.next];
        self.next = (self.next + 1) % self.threads.len();
        thread.recv().expect("one answer for each request")
    }
}

fn read_all<'a>(
    requests: impl Iterator<Item = &'a Request<'a>>,
    sender: &SyncSender<Result<Content, LayerError>>,
) {
    for request in requests {
        let content = read(*request);
        if sender.send(content).is_err() {
            // The writer stopped at an error.
            return;
        }
    }
}

fn read(request: Request<'_>) -> Result<Content, LayerError> {
    let Request { source, size, hash } = request;
    let capacity = usize::try_from(size).expect("files of this kind are small");
    // One byte more than expected: the end is seen without another call, and so is a file that grew.
    let mut bytes = Vec::with_capacity(capacity + 1);
    let file = File::open(source).map_err(LayerError::Read)?;
    file.take(size + 1).read_to_end(&mut bytes).map_err(LayerError::Read)?;
    let found = bytes.len() as u64;
    if found != size {
        return Err(LayerError::Changed { path: source.to_owned(), expected: size, found });
    }
    let digest = hash.then(|| blob::digest_of(&bytes));
    Ok(Content { bytes, digest })
}
