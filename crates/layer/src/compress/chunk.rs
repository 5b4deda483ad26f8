//! Buffers that travel through the pipeline and come back.

use std::sync::{Arc, Mutex, PoisonError};

/// Buffers that nobody uses, so that a layer of any size allocates only as many as are in flight.
#[derive(Default)]
pub(crate) struct Pool {
    free: Mutex<Vec<Vec<u8>>>,
}

impl Pool {
    /// A buffer of at least this size.
    fn take(&self, size: usize) -> Vec<u8> {
        let buffer = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        // Zeroed pages come from the system for free; growing a buffer would write them.
        if buffer.len() < size { vec![0; size] } else { buffer }
    }

    /// Gives a buffer back.
    fn give(&self, buffer: Vec<u8>) {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(buffer);
    }
}

/// A piece of a stream: of the tar, where the hasher and a compressor read it at the same time, or of the blob. The last
/// of its users returns its buffer to the pool.
pub(crate) struct Chunk {
    bytes: Vec<u8>,
    length: usize,
    room: usize,
    /// Where members start that are looked up later, in ascending order.
    marks: Vec<usize>,
    pool: Arc<Pool>,
}

impl Chunk {
    /// An empty chunk that takes `room` bytes.
    pub(crate) fn new(pool: Arc<Pool>, room: usize) -> Self {
        let bytes = pool.take(room);
        Self { bytes, length: 0, room, marks: Vec::new(), pool }
    }

    /// A chunk with this content.
    pub(crate) fn full(bytes: Vec<u8>) -> Self {
        let length = bytes.len();
        Self { bytes, length, room: length, marks: Vec::new(), pool: Arc::new(Pool::default()) }
    }

    /// What was put in.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// Where more can be put.
    pub(crate) fn free(&mut self) -> &mut [u8] {
        &mut self.bytes[self.length..self.room]
    }

    /// Says that the first `count` bytes of the free space are now part of the content.
    pub(crate) fn advance(&mut self, count: usize) {
        self.length += count;
        debug_assert!(self.length <= self.room, "more than there was room for");
    }

    /// Bytes that can still be put in.
    pub(crate) fn left(&self) -> usize {
        self.room - self.length
    }

    /// Whether nothing was put in.
    pub(crate) fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Starts a member with what comes next.
    pub(crate) fn mark(&mut self) {
        self.marks.push(self.length);
    }

    /// Where the marked members start.
    pub(crate) fn marks(&self) -> &[usize] {
        &self.marks
    }

    /// The members that the content is cut into, and whether each is marked.
    pub(crate) fn members(&self) -> impl Iterator<Item = (bool, &[u8])> {
        let starts_marked = self.marks.first() == Some(&0);
        let unmarked = (!starts_marked).then_some((false, 0));
        let starts = unmarked.into_iter().chain(self.marks.iter().map(|at| (true, *at)));
        let ends = self.marks.iter().skip(usize::from(starts_marked)).copied().chain([self.length]);
        starts.zip(ends).map(|((is_marked, start), end)| (is_marked, &self.bytes[start..end]))
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        self.pool.give(std::mem::take(&mut self.bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_cut_at_the_marks() {
        let chunk = |marks: &[usize]| {
            let mut chunk = Chunk::new(Arc::new(Pool::default()), 4);
            for at in 0..4 {
                if marks.contains(&at) {
                    chunk.mark();
                }
                chunk.free()[0] = b'a' + u8::try_from(at).unwrap();
                chunk.advance(1);
            }
            let members = chunk.members();
            members.map(|(is_marked, bytes)| (is_marked, bytes.to_vec())).collect::<Vec<_>>()
        };
        assert_eq!(chunk(&[]), [(false, b"abcd".to_vec())]);
        assert_eq!(chunk(&[0]), [(true, b"abcd".to_vec())]);
        assert_eq!(chunk(&[2]), [(false, b"ab".to_vec()), (true, b"cd".to_vec())]);
        assert_eq!(chunk(&[0, 1]), [(true, b"a".to_vec()), (true, b"bcd".to_vec())]);
    }
}
