//! Where a producer puts its stream, which is cut into chunks here.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender};

use super::chunk::{Chunk, Pool};
use super::codec::CHUNK_SIZE;
use super::pipeline::{Numbered, Piece};
use crate::error::LayerError;

/// Who gets a chunk besides the hasher.
pub(super) enum Next {
    /// The compressors.
    Work(Sender<Numbered<Arc<Chunk>>>),
    /// The writer, where nothing is compressed.
    Writer(Sender<Numbered<Piece>>),
}

/// Where the producer puts its stream.
pub struct Sink {
    pool: Arc<Pool>,
    raw: SyncSender<Arc<Chunk>>,
    next: Next,
    tickets: Receiver<()>,
    chunk: Option<Chunk>,
    number: usize,
}

/// Told to a producer whose output nobody takes any more; the thread that failed tells the reason.
fn stopped() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the output was closed")
}

impl Sink {
    pub(super) fn new(raw: SyncSender<Arc<Chunk>>, next: Next, tickets: Receiver<()>) -> Self {
        Self { pool: Arc::new(Pool::default()), raw, next, tickets, chunk: None, number: 0 }
    }

    /// Copies exactly `size` bytes from a reader, without a buffer in between. Returns how many there were, if fewer;
    /// `seen` gets every piece.
    pub fn copy_from(
        &mut self,
        reader: &mut impl Read,
        size: u64,
        mut seen: impl FnMut(&[u8]),
    ) -> Result<u64, LayerError> {
        let mut left = size;
        while left > 0 {
            let chunk = self.chunk().map_err(LayerError::Write)?;
            let free = chunk.free();
            let most = usize::try_from(left).map_or(free.len(), |left| left.min(free.len()));
            match reader.read(&mut free[..most]) {
                Ok(0) => break,
                Ok(count) => {
                    seen(&free[..count]);
                    chunk.advance(count);
                    left -= count as u64;
                    self.send_if_full().map_err(LayerError::Write)?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(LayerError::Read(error)),
            }
        }
        Ok(size - left)
    }

    fn chunk(&mut self) -> io::Result<&mut Chunk> {
        if self.chunk.is_none() {
            self.tickets.recv().map_err(|_| stopped())?;
        }
        let pool = &self.pool;
        Ok(self.chunk.get_or_insert_with(|| Chunk::new(Arc::clone(pool), CHUNK_SIZE)))
    }

    fn send_if_full(&mut self) -> io::Result<()> {
        if self.chunk.as_ref().is_some_and(Chunk::is_full) { self.send() } else { Ok(()) }
    }

    fn send(&mut self) -> io::Result<()> {
        let Some(chunk) = self.chunk.take().map(Arc::new) else { return Ok(()) };
        self.raw.send(Arc::clone(&chunk)).map_err(|_| stopped())?;
        let number = self.number;
        self.number += 1;
        match &self.next {
            Next::Work(work) => work.send((number, chunk)).map_err(|_| stopped()),
            Next::Writer(writer) => writer.send((number, Piece::Raw(chunk))).map_err(|_| stopped()),
        }
    }

    /// Sends what is left; a stream without bytes still is one (empty) member or frame.
    pub(super) fn finish(&mut self) -> Result<(), LayerError> {
        if self.number == 0 {
            self.chunk().map_err(LayerError::Write)?;
        }
        if self.chunk.as_ref().is_some_and(|chunk| !chunk.is_empty()) || self.number == 0 {
            self.send().map_err(LayerError::Write)?;
        }
        Ok(())
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let chunk = self.chunk()?;
        let free = chunk.free();
        let count = bytes.len().min(free.len());
        free[..count].copy_from_slice(&bytes[..count]);
        chunk.advance(count);
        self.send_if_full()?;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
