//! Where a producer puts its stream, which is cut into chunks here.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};

use flate2::write::GzEncoder;

use super::chunk::{Chunk, Pool};
use super::codec::CHUNK_SIZE;
use super::pipeline::{Numbered, Piece, Positions};
use crate::error::LayerError;

/// Where the producer puts its stream.
pub struct Sink {
    pool: Arc<Pool>,
    raw: SyncSender<Arc<Chunk>>,
    /// To the compressors, if there are any.
    work: Option<Sender<Numbered<Arc<Chunk>>>>,
    writer: Sender<Numbered<Piece>>,
    tickets: Receiver<()>,
    chunk: Option<Chunk>,
    number: usize,
    marks: usize,
}

/// The start of a member, to be looked up in [`Positions`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark(pub(crate) usize);

/// Told to a producer whose output nobody takes any more; the thread that failed tells the reason.
fn stopped() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the output was closed")
}

impl Sink {
    pub(super) fn new(
        raw: SyncSender<Arc<Chunk>>,
        work: Option<Sender<Numbered<Arc<Chunk>>>>,
        writer: Sender<Numbered<Piece>>,
        tickets: Receiver<()>,
    ) -> Self {
        Self { pool: Arc::new(Pool::default()), raw, work, writer, tickets, chunk: None, number: 0, marks: 0 }
    }

    /// Starts a member of its own with the bytes that come next. The first `size` of them, or as many as a member can
    /// hold, will be in that member.
    pub(crate) fn start_member(&mut self, size: u64) -> Result<Mark, LayerError> {
        let size = usize::try_from(size).unwrap_or(CHUNK_SIZE).min(CHUNK_SIZE);
        if self.chunk.as_ref().is_some_and(|chunk| chunk.left() < size) {
            self.send().map_err(LayerError::Write)?;
        }
        self.chunk().map_err(LayerError::Write)?.mark();
        self.marks += 1;
        Ok(Mark(self.marks - 1))
    }

    /// Writes one gzip member that holds all that `fill` writes, however much that is. It is compressed as it comes, on this
    /// thread.
    pub(crate) fn write_gzip_member(
        &mut self,
        level: i32,
        fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), LayerError> {
        self.send().map_err(LayerError::Write)?;
        let level = flate2::Compression::new(level.unsigned_abs());
        // Neither name nor time, and an unknown system, as in all other members.
        let encoder = flate2::GzBuilder::new().operating_system(255).write(Vec::new(), level);
        let mut member = GzipMember { sink: self, encoder };
        fill(&mut member).map_err(LayerError::Write)?;
        let GzipMember { sink, encoder } = member;
        let rest = encoder.finish().map_err(LayerError::Compress)?;
        sink.send_piece(Piece::Appended(rest)).map_err(LayerError::Write)
    }

    /// Adds bytes to the blob that are no part of the stream: they must mean nothing to a decompressor.
    pub(crate) fn append(&mut self, bytes: Vec<u8>) -> Result<(), LayerError> {
        debug_assert!(self.work.is_some(), "an uncompressed blob is the stream");
        self.send().and_then(|()| self.send_piece(Piece::Appended(bytes))).map_err(LayerError::Write)
    }

    /// Waits until everything is in the output, and says where.
    pub(crate) fn settle(&mut self) -> Result<Positions, LayerError> {
        let (reply, positions) = mpsc::channel();
        self.send().and_then(|()| self.send_piece(Piece::Settle(reply))).map_err(LayerError::Write)?;
        positions.recv().map_err(|_| LayerError::Write(stopped()))
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
        if self.chunk.as_ref().is_some_and(|chunk| chunk.left() == 0) { self.send() } else { Ok(()) }
    }

    /// Sends what is there; an empty chunk stays, with its ticket.
    fn send(&mut self) -> io::Result<()> {
        match self.chunk.take() {
            Some(chunk) if chunk.is_empty() && self.number > 0 => self.chunk = Some(chunk),
            Some(chunk) => self.send_chunk(Arc::new(chunk))?,
            None => {}
        }
        Ok(())
    }

    fn send_chunk(&mut self, chunk: Arc<Chunk>) -> io::Result<()> {
        self.raw.send(Arc::clone(&chunk)).map_err(|_| stopped())?;
        match &self.work {
            None => return self.send_piece(Piece::Raw(chunk)),
            Some(work) => work.send((self.number, chunk)).map_err(|_| stopped())?,
        }
        self.number += 1;
        Ok(())
    }

    fn send_piece(&mut self, piece: Piece) -> io::Result<()> {
        let number = self.number;
        self.number += 1;
        self.writer.send((number, piece)).map_err(|_| stopped())
    }

    /// Sends what is left; a stream without bytes still is one (empty) member or frame.
    pub(super) fn finish(&mut self) -> Result<(), LayerError> {
        if self.number == 0 {
            self.chunk().map_err(LayerError::Write)?;
        }
        self.send().map_err(LayerError::Write)
    }
}

/// A member in the making.
struct GzipMember<'a> {
    sink: &'a mut Sink,
    encoder: GzEncoder<Vec<u8>>,
}

impl Write for GzipMember<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.sink.raw.send(Arc::new(Chunk::full(bytes.to_vec()))).map_err(|_| stopped())?;
        self.encoder.write_all(bytes)?;
        let compressed = std::mem::take(self.encoder.get_mut());
        if !compressed.is_empty() {
            self.sink.send_piece(Piece::Appended(compressed))?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
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
