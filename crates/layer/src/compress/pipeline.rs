//! The threads of [`compress`] and the channels between them.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, ScopedJoinHandle};

use blob::Hasher;
use oci::{DiffId, Digest};

use super::chunk::{Chunk, Pool};
use super::codec::{CHUNK_SIZE, Codec, Compressor};
use super::sink::Sink;
use crate::error::LayerError;

/// What became of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compressed {
    /// SHA-256 of the stream as it was produced.
    pub diff_id: DiffId,
    /// Its size.
    pub uncompressed_size: u64,
    /// SHA-256 of the blob.
    pub digest: Digest,
    /// Its size.
    pub size: u64,
}

/// A piece of the output, on its way to the writer.
pub(super) enum Piece {
    Raw(Arc<Chunk>),
    Compressed(Chunk),
    /// Bytes of the blob that are no part of the stream.
    Appended(Vec<u8>),
    /// Somebody wants to know where everything before this piece was put.
    Settle(Sender<Positions>),
    /// The compressor failed; the writer stops everything.
    Failed(io::Error),
}

/// Where in the blob what was written so far is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Positions {
    /// Starts of the members that were marked, in their order.
    pub(crate) marks: Vec<u64>,
    /// The end of the blob so far.
    pub(crate) end: u64,
}

/// With its place in the stream.
pub(super) type Numbered<T> = (usize, T);

/// Runs `produce`, whose output goes through `codec` into `output`. The bytes do not depend on `jobs`, the number of
/// compressing threads.
pub fn compress<T>(
    codec: Codec,
    jobs: NonZeroUsize,
    output: &mut (dyn Write + Send),
    produce: impl FnOnce(&mut Sink) -> Result<T, LayerError>,
) -> Result<(T, Compressed), LayerError> {
    let compresses = codec.compressor().map_err(LayerError::Compress)?.is_some();
    let in_flight = 2 * jobs.get() + 2;
    thread::scope(|scope| {
        let (raw, raw_chunks) = mpsc::sync_channel(in_flight);
        let (work, work_chunks) = mpsc::channel();
        let (done, pieces) = mpsc::channel();
        let (ticket, tickets) = mpsc::channel();
        for _ in 0..in_flight {
            // The receiver lives until the end of this function.
            let _ = ticket.send(());
        }

        let hasher = scope.spawn(move || hash(&raw_chunks));
        let work_chunks = Arc::new(Mutex::new(work_chunks));
        let outputs = Arc::new(Pool::default());
        for _ in 0..if compresses { jobs.get() } else { 0 } {
            let (work_chunks, done, outputs) = (Arc::clone(&work_chunks), done.clone(), Arc::clone(&outputs));
            scope.spawn(move || compress_chunks(codec, &work_chunks, &done, &outputs));
        }
        drop(work_chunks);
        let writer = scope.spawn(move || write_pieces(&pieces, &ticket, output));

        let mut sink = Sink::new(raw, compresses.then_some(work), done, tickets);
        let produced = produce(&mut sink).and_then(|value| sink.finish().map(|()| value));
        // The channels close, and the threads end.
        drop(sink);
        let (digest, size) = join(writer)?;
        let value = produced?;
        let (diff_id, uncompressed_size) = join(hasher);
        // Without compression the blob is the stream, and is hashed once.
        let (digest, size) = if compresses { (digest, size) } else { (diff_id, uncompressed_size) };
        Ok((value, Compressed { diff_id: DiffId(diff_id), uncompressed_size, digest, size }))
    })
}

fn join<T>(handle: ScopedJoinHandle<'_, T>) -> T {
    handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn hash(chunks: &Receiver<Arc<Chunk>>) -> (Digest, u64) {
    let mut hasher = Hasher::new();
    while let Ok(chunk) = chunks.recv() {
        hasher.update(chunk.bytes());
    }
    hasher.finish()
}

fn compress_chunks(
    codec: Codec,
    chunks: &Mutex<Receiver<Numbered<Arc<Chunk>>>>,
    done: &Sender<Numbered<Piece>>,
    outputs: &Arc<Pool>,
) {
    let mut compressor = codec.compressor();
    loop {
        let next = chunks.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((number, chunk)) = next else { return };
        let piece = match &mut compressor {
            Ok(Some(compressor)) => compress_chunk(compressor, &chunk, outputs).unwrap_or_else(Piece::Failed),
            Ok(None) => Piece::Raw(chunk),
            Err(error) => Piece::Failed(io::Error::new(error.kind(), error.to_string())),
        };
        if done.send((number, piece)).is_err() {
            // The writer failed and says why.
            return;
        }
    }
}

fn compress_chunk(compressor: &mut Compressor, chunk: &Chunk, outputs: &Arc<Pool>) -> io::Result<Piece> {
    let bound: usize = chunk.members().map(|(_, bytes)| compressor.bound(bytes.len())).sum();
    // As large as most are, so that buffers can be used again.
    let mut output = Chunk::new(Arc::clone(outputs), bound.max(compressor.bound(CHUNK_SIZE)));
    for (is_marked, bytes) in chunk.members() {
        if is_marked {
            output.mark();
        }
        let length = compressor.compress(bytes, output.free())?;
        output.advance(length);
    }
    Ok(Piece::Compressed(output))
}

fn write_pieces(
    pieces: &Receiver<Numbered<Piece>>,
    ticket: &Sender<()>,
    output: &mut (dyn Write + Send),
) -> Result<(Digest, u64), LayerError> {
    let mut writer = PieceWriter { output, hasher: Hasher::new(), positions: Positions::default() };
    let mut early = BTreeMap::new();
    let mut next = 0;
    while let Ok((number, piece)) = pieces.recv() {
        early.insert(number, piece);
        while let Some(piece) = early.remove(&next) {
            if writer.write(piece)? {
                // The producer may have ended already.
                let _ = ticket.send(());
            }
            next += 1;
        }
    }
    writer.output.flush().map_err(LayerError::Write)?;
    Ok(writer.hasher.finish())
}

/// Takes the pieces in their order.
struct PieceWriter<'a> {
    output: &'a mut (dyn Write + Send),
    hasher: Hasher,
    positions: Positions,
}

impl PieceWriter<'_> {
    /// Returns whether a ticket is free again.
    fn write(&mut self, piece: Piece) -> Result<bool, LayerError> {
        match piece {
            Piece::Raw(chunk) => self.output.write_all(chunk.bytes()).map_err(LayerError::Write)?,
            Piece::Compressed(chunk) => {
                let start = self.positions.end;
                self.positions.marks.extend(chunk.marks().iter().map(|at| start + *at as u64));
                self.put(chunk.bytes())?;
            }
            Piece::Appended(bytes) => {
                self.put(&bytes)?;
                return Ok(false);
            }
            Piece::Settle(reply) => {
                // Who asked may have ended at an error.
                let _ = reply.send(self.positions.clone());
                return Ok(false);
            }
            Piece::Failed(error) => return Err(LayerError::Compress(error)),
        }
        Ok(true)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), LayerError> {
        self.positions.end += bytes.len() as u64;
        self.hasher.update(bytes);
        self.output.write_all(bytes).map_err(LayerError::Write)
    }
}
