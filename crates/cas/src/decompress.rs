//! Zstandard, chunk by chunk.

use bytes::Bytes;
use zstd::stream::raw::{Decoder, InBuffer, Operation as _, OutBuffer};

use crate::Cause;

/// The decoder's own block size: what it hands out at a time.
const BLOCK_SIZE: usize = 128 << 10;

/// A decompressor in the middle of a stream. Its memory is bounded by the largest window that is accepted, 128 MiB being
/// what the format allows and a few MiB what servers use.
pub(crate) struct Decompressor {
    decoder: Decoder<'static>,
    rest: Bytes,
    consumed: usize,
    /// Whether the decoder may hold bytes back because the last block was filled to its end.
    full: bool,
}

impl Decompressor {
    pub(crate) fn new() -> Result<Self, Cause> {
        let decoder = Decoder::new().map_err(Cause::Compression)?;
        Ok(Self { decoder, rest: Bytes::new(), consumed: 0, full: false })
    }

    /// Takes the next compressed bytes; all before must have been taken out.
    pub(crate) fn push(&mut self, bytes: Bytes) {
        (self.rest, self.consumed) = (bytes, 0);
    }

    /// The next block, or nothing when more has to be pushed first.
    pub(crate) fn pull(&mut self) -> Result<Option<Bytes>, Cause> {
        while self.full || self.consumed < self.rest.len() {
            let mut block = vec![0; BLOCK_SIZE];
            let mut input = InBuffer::around(&self.rest[self.consumed..]);
            let mut output = OutBuffer::around(block.as_mut_slice());
            self.decoder.run(&mut input, &mut output).map_err(Cause::Compression)?;
            self.consumed += input.pos();
            let length = output.pos();
            self.full = length == BLOCK_SIZE;
            if length > 0 {
                block.truncate(length);
                return Ok(Some(block.into()));
            }
        }
        Ok(None)
    }
}
