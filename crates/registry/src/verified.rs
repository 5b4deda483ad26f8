//! Content that is checked while it is uploaded, also in parts and over interruptions: what is wrong fails before the last
//! byte is handed out, so that no registry ever sees all of it.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use blob::{Mismatch, Verifier};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use oci::Digest;

use crate::content::{ByteStream, Content};

/// How many bytes are at most read again, only to be checked, when an upload goes on in the middle. A checkpoint is some
/// hundred bytes large.
const CHECKPOINT_DISTANCE: u64 = 4 << 20;

/// What is uploaded, and how much of it was checked. Cheap to clone; the clones share their checkpoints.
#[derive(Clone)]
pub(crate) struct Verified {
    content: Arc<dyn Content>,
    size: u64,
    checkpoints: Arc<Mutex<Checkpoints>>,
}

/// The state of the check at some offsets, ascending, the first one at 0.
struct Checkpoints(Vec<Verifier>);

impl Verified {
    pub(crate) fn new(content: Arc<dyn Content>, digest: Digest, size: u64) -> Self {
        let checkpoints = Checkpoints(vec![Verifier::new(digest, Some(size))]);
        Self { content, size, checkpoints: Arc::new(Mutex::new(checkpoints)) }
    }

    /// So many bytes from an offset. The check goes on where an earlier part ended; where that was elsewhere, it begins a
    /// little before the offset.
    pub(crate) async fn open(&self, offset: u64, length: u64) -> io::Result<ByteStream> {
        let verifier = lock(&self.checkpoints).rewind(offset);
        let begin = verifier.seen();
        let part = Part {
            stream: self.content.open(begin).await?,
            verifier,
            skip: offset - begin,
            left: length,
            size: self.size,
            checkpoints: Arc::clone(&self.checkpoints),
        };
        let chunks = stream::try_unfold(part, |mut part| async move {
            let chunk = part.next().await?;
            Ok::<_, io::Error>(chunk.map(|chunk| (chunk, part)))
        });
        Ok(chunks.boxed())
    }

    /// See [`Content::fail_over`].
    pub(crate) fn fail_over(&self, error: &io::Error) -> bool {
        self.content.fail_over(error)
    }
}

impl Checkpoints {
    /// The last state before an offset; what comes after it is forgotten, because it is to be read again.
    fn rewind(&mut self, offset: u64) -> Verifier {
        let keep = self.0.iter().filter(|state| state.seen() <= offset).count().max(1);
        self.0.truncate(keep);
        self.0[keep - 1].clone()
    }

    /// Keeps a state where a part ends, or far enough from the one before.
    fn note(&mut self, state: &Verifier, is_end: bool) {
        let last = self.0.last().map_or(0, Verifier::seen);
        if is_end || state.seen() >= last + CHECKPOINT_DISTANCE {
            self.0.push(state.clone());
        }
    }
}

/// A part while it is read.
struct Part {
    stream: ByteStream,
    verifier: Verifier,
    skip: u64,
    left: u64,
    size: u64,
    checkpoints: Arc<Mutex<Checkpoints>>,
}

impl Part {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        while self.left > 0 {
            let Some(mut chunk) = self.stream.next().await.transpose()? else { return self.ended() };
            let skipped = chunk.split_to(usize::try_from(self.skip).unwrap_or(usize::MAX).min(chunk.len()));
            self.verifier.update(&skipped).map_err(invalid)?;
            self.skip -= skipped.len() as u64;
            if !chunk.is_empty() {
                return self.check(chunk).map(Some);
            }
        }
        Ok(None)
    }

    fn check(&mut self, mut chunk: Bytes) -> io::Result<Bytes> {
        let is_last = self.verifier.seen() + self.left == self.size;
        // What is too much belongs to the next part; after the last one it is wrong.
        if !is_last {
            chunk.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
        }
        self.verifier.update(&chunk).map_err(invalid)?;
        self.left -= chunk.len() as u64;
        if self.left > 0 || !is_last {
            let mut checkpoints = lock(&self.checkpoints);
            checkpoints.note(&self.verifier, self.left == 0);
        } else {
            self.verifier.clone().finish().map_err(invalid)?;
        }
        Ok(chunk)
    }

    /// The content ended before the part did.
    fn ended(&self) -> io::Result<Option<Bytes>> {
        self.verifier.clone().finish().map_err(invalid)?;
        Ok(None)
    }
}

fn invalid(mismatch: Mismatch) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, mismatch)
}

fn lock(checkpoints: &Mutex<Checkpoints>) -> MutexGuard<'_, Checkpoints> {
    checkpoints.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryContent;

    const SIZE: usize = 9 << 20;

    fn bytes() -> Vec<u8> {
        let mut bytes = b"layer".repeat(SIZE / 5 + 1);
        bytes.truncate(SIZE);
        bytes
    }

    /// Content in chunks of a MiB, with one wrong byte or none.
    fn verified(wrong: Option<usize>) -> Verified {
        let right = bytes();
        let digest = blob::digest_of(&right);
        let mut bytes = right;
        if let Some(at) = wrong {
            bytes[at] ^= 1;
        }
        Verified::new(Arc::new(MemoryContent(bytes.into())), digest, SIZE as u64)
    }

    async fn read(verified: &Verified, offset: u64, length: u64) -> io::Result<Vec<u8>> {
        let mut stream = verified.open(offset, length).await?;
        let mut all = Vec::new();
        while let Some(chunk) = stream.next().await {
            all.extend_from_slice(&chunk?);
        }
        Ok(all)
    }

    #[tokio::test]
    async fn parts_in_any_order_are_checked_to_the_end() {
        let size = SIZE as u64;
        for offsets in [vec![0], vec![0, 7, size / 2], vec![0, size / 2, 3, size - 1], vec![0, 5, 5, 5]] {
            for (wrong, is_right) in [(None, true), (Some(2), false), (Some(SIZE - 1), false)] {
                let verified = verified(wrong);
                let mut right = true;
                for (position, offset) in offsets.iter().enumerate() {
                    let end = offsets.get(position + 1).copied().unwrap_or(size).max(*offset);
                    let part = read(&verified, *offset, end - offset).await;
                    right &= part.is_ok();
                    if let (Ok(part), None) = (part, wrong) {
                        let from = usize::try_from(*offset).unwrap();
                        assert!(part == bytes()[from..from + part.len()], "{offsets:?}");
                    }
                }
                assert_eq!(right, is_right, "{offsets:?} {wrong:?}");
            }
        }
    }

    #[tokio::test]
    async fn checkpoints_are_few() {
        let verified = verified(None);
        read(&verified, 0, SIZE as u64).await.unwrap();
        assert!(lock(&verified.checkpoints).0.len() <= 1 + SIZE / (4 << 20));
    }
}
