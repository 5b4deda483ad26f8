//! Where the entries of a tar go: headers, contents, the end. With an index, every content starts a member of its own and
//! is noted in it.

use std::io::{Read, Write as _};

use blob::Hasher;
use crc::{CRC_64_GO_ISO, Crc, Table};
use oci::{Annotations, Digest};

use crate::compress::{CHUNK_SIZE, Mark, Sink};
use crate::error::LayerError;
use crate::seekable::{FileChunk, Index, TocEntry};
use crate::tar_header::{END_OF_ARCHIVE, padding};

/// The checksum of tar-split.
static CHECKSUM: Crc<u64, Table<16>> = Crc::<u64, Table<16>>::new(&CRC_64_GO_ISO);

/// Takes one entry after the other.
pub(crate) struct TarSink<'a> {
    sink: &'a mut Sink,
    index: Option<Index>,
}

impl<'a> TarSink<'a> {
    pub(crate) fn new(sink: &'a mut Sink, index: Option<Index>) -> Self {
        Self { sink, index }
    }

    /// Whether entries are noted in an index.
    pub(crate) fn is_indexed(&self) -> bool {
        self.index.is_some()
    }

    /// Writes the header of an entry; `entry` describes it for the index, if there is one.
    pub(crate) fn header(&mut self, header: &[u8], entry: Option<TocEntry>) -> Result<(), LayerError> {
        self.sink.write_all(header).map_err(LayerError::Write)?;
        match self.index.as_mut().zip(entry) {
            Some((index, entry)) => index.entry(header, entry),
            None => Ok(()),
        }
    }

    /// Starts the content of the entry before, which has `size` bytes.
    pub(crate) fn content(&mut self, size: u64) -> Content<'_, 'a> {
        // A content of one part has the digest of that part.
        let whole = (self.index.is_some() && size > CHUNK_SIZE as u64).then(Hasher::new);
        let checksum = self.index.as_ref().filter(|index| index.wants_checksum()).map(|_| CHECKSUM.digest());
        Content { tar: self, size, taken: 0, whole, part: None, chunks: Vec::new(), checksum }
    }

    /// Ends the tar. Returns the annotations that the layer needs to be found seekable.
    pub(crate) fn finish(self) -> Result<Annotations, LayerError> {
        if let Some(index) = self.index {
            return index.finish(self.sink);
        }
        self.sink.write_all(&END_OF_ARCHIVE).map_err(LayerError::Write)?;
        Ok(Annotations::new())
    }
}

/// The content of a file on its way into the tar.
pub(crate) struct Content<'t, 'a> {
    tar: &'t mut TarSink<'a>,
    size: u64,
    taken: u64,
    whole: Option<Hasher>,
    part: Option<Part>,
    chunks: Vec<FileChunk>,
    checksum: Option<crc::Digest<'static, u64, Table<16>>>,
}

/// What goes into one member.
struct Part {
    mark: Mark,
    offset: u64,
    size: u64,
    hasher: Hasher,
}

impl Content<'_, '_> {
    /// Whether its digest is computed for the index.
    pub(crate) fn is_hashed(&self) -> bool {
        self.tar.index.is_some()
    }

    /// Takes more bytes of it.
    pub(crate) fn write(&mut self, mut bytes: &[u8]) -> Result<(), LayerError> {
        while !bytes.is_empty() {
            let count = self.start_part()?.min(bytes.len() as u64);
            let (now, later) = bytes.split_at(usize::try_from(count).expect("no more than there is"));
            self.tar.sink.write_all(now).map_err(LayerError::Write)?;
            self.seen(now);
            self.end_part();
            bytes = later;
        }
        Ok(())
    }

    /// Takes all of it, of which `digest` is known.
    pub(crate) fn write_all(mut self, bytes: &[u8], digest: Option<Digest>) -> Result<(), LayerError> {
        let Some(digest) = digest.filter(|_| bytes.len() <= CHUNK_SIZE) else {
            self.write(bytes)?;
            return self.finish().map(|_| ());
        };
        if self.tar.index.is_some() {
            let mark = self.tar.sink.start_member(self.size)?;
            self.chunks.push(FileChunk { mark, offset: 0, size: self.size, digest });
        }
        self.tar.sink.write_all(bytes).map_err(LayerError::Write)?;
        if let Some(checksum) = &mut self.checksum {
            checksum.update(bytes);
        }
        self.taken = self.size;
        self.finish().map(|_| ())
    }

    /// Reads all of it; `seen` gets every piece. Returns the number of bytes, which is smaller if the reader ends early.
    pub(crate) fn copy_from(
        &mut self,
        reader: &mut impl Read,
        mut seen: impl FnMut(&[u8]),
    ) -> Result<u64, LayerError> {
        while self.taken < self.size {
            let count = self.start_part()?;
            let Self { tar, whole, part, checksum, .. } = self;
            let found = tar.sink.copy_from(reader, count, |bytes| {
                seen(bytes);
                note(bytes, whole.as_mut(), part.as_mut(), checksum.as_mut());
            })?;
            self.taken += found;
            self.end_part();
            if found < count {
                break;
            }
        }
        Ok(self.taken)
    }

    /// Fills up the last block. Returns the digest, if the index wanted it.
    pub(crate) fn finish(self) -> Result<Option<Digest>, LayerError> {
        debug_assert_eq!(self.taken, self.size, "all of a content is written");
        let zeros = &END_OF_ARCHIVE[..padding(self.size)];
        let tar = self.tar;
        let Some(index) = tar.index.as_mut().filter(|_| self.size > 0) else {
            tar.sink.write_all(zeros).map_err(LayerError::Write)?;
            return Ok(None);
        };
        let digest = match self.whole {
            Some(hasher) => hasher.finish().0,
            None => self.chunks[0].digest,
        };
        let checksum = match self.checksum {
            Some(checksum) => checksum.finalize(),
            None => 0,
        };
        index.content(&self.chunks, digest, checksum)?;
        index.padding(zeros);
        tar.sink.write_all(zeros).map_err(LayerError::Write)?;
        Ok(Some(digest))
    }

    /// The bytes that the current part still takes, all if there is no index.
    fn start_part(&mut self) -> Result<u64, LayerError> {
        let left = self.size - self.taken;
        if self.tar.index.is_none() {
            return Ok(left);
        }
        if self.part.is_none() {
            let size = left.min(CHUNK_SIZE as u64);
            let mark = self.tar.sink.start_member(size)?;
            self.part = Some(Part { mark, offset: self.taken, size, hasher: Hasher::new() });
        }
        Ok(self.part.as_ref().map_or(left, |part| part.size - (self.taken - part.offset)))
    }

    fn seen(&mut self, bytes: &[u8]) {
        self.taken += bytes.len() as u64;
        note(bytes, self.whole.as_mut(), self.part.as_mut(), self.checksum.as_mut());
    }

    fn end_part(&mut self) {
        if let Some(part) = self.part.take_if(|part| part.offset + part.size == self.taken) {
            let digest = part.hasher.finish().0;
            self.chunks.push(FileChunk { mark: part.mark, offset: part.offset, size: part.size, digest });
        }
    }
}

fn note(
    bytes: &[u8],
    whole: Option<&mut Hasher>,
    part: Option<&mut Part>,
    checksum: Option<&mut crc::Digest<'static, u64, Table<16>>>,
) {
    if let Some(whole) = whole {
        whole.update(bytes);
    }
    if let Some(part) = part {
        part.hasher.update(bytes);
    }
    if let Some(checksum) = checksum {
        checksum.update(bytes);
    }
}
