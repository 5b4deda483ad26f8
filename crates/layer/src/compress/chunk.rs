//! Buffers that travel through the pipeline and come back.

use std::sync::{Arc, Mutex, PoisonError};

/// Buffers that nobody uses, so that a layer of any size allocates only as many as are in flight.
#[derive(Default)]
pub(crate) struct Pool {
    free: Mutex<Vec<Vec<u8>>>,
}

impl Pool {
    /// A buffer as it was given back, or an empty one.
    pub(crate) fn take(&self) -> Vec<u8> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    /// Gives a buffer back.
    pub(crate) fn give(&self, buffer: Vec<u8>) {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(buffer);
    }
}

/// A piece of the tar. It is read by the hasher and by a compressor at the same time; the last of them returns its
/// buffer to the pool.
pub(crate) struct Chunk {
    bytes: Vec<u8>,
    length: usize,
    pool: Arc<Pool>,
}

impl Chunk {
    /// An empty chunk that takes `size` bytes.
    pub(crate) fn new(pool: Arc<Pool>, size: usize) -> Self {
        let mut bytes = pool.take();
        if bytes.len() != size {
            // Zeroed pages come from the system for free; growing a buffer would write them.
            bytes = vec![0; size];
        }
        Self { bytes, length: 0, pool }
    }

    /// What was put in.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// Where more can be put.
    pub(crate) fn free(&mut self) -> &mut [u8] {
        &mut self.bytes[self.length..]
    }

    /// Says that the first `count` bytes of the free space are now part of the content.
    pub(crate) fn advance(&mut self, count: usize) {
        self.length += count;
        debug_assert!(self.length <= self.bytes.len(), "more than there was room for");
    }

    /// Whether nothing more can be put in.
    pub(crate) fn is_full(&self) -> bool {
        self.length == self.bytes.len()
    }

    /// Whether nothing was put in.
    pub(crate) fn is_empty(&self) -> bool {
        self.length == 0
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        self.pool.give(std::mem::take(&mut self.bytes));
    }
}
