//! What is noted while a seekable layer is written, and how it ends.

use std::io::Write as _;

use oci::{Annotations, Digest};

use super::tar_split::TarSplit;
use super::toc::{FileChunk, TocContent, TocEntry, TocKind};
use super::{estargz, zstd_chunked};
use crate::compress::{Codec, Format, Sink};
use crate::error::LayerError;
use crate::tar_header::END_OF_ARCHIVE;

/// Which of the two formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    Estargz,
    ZstdChunked,
}

impl Layout {
    /// The format that goes with a compression.
    pub(crate) fn of(codec: Codec) -> Result<Self, LayerError> {
        match codec.format() {
            Format::Gzip => Ok(Self::Estargz),
            Format::Zstd => Ok(Self::ZstdChunked),
            Format::None => Err(LayerError::SeekableUncompressed),
        }
    }
}

/// The table of contents in the making.
pub(crate) struct Index {
    codec: Codec,
    layout: Layout,
    entries: Vec<TocEntry>,
    tar_split: Option<TarSplit>,
}

impl Index {
    /// An index of nothing.
    pub(crate) fn new(codec: Codec) -> Result<Self, LayerError> {
        let layout = Layout::of(codec)?;
        let tar_split = match layout {
            Layout::Estargz => None,
            Layout::ZstdChunked => Some(TarSplit::new(codec)?),
        };
        Ok(Self { codec, layout, entries: Vec::new(), tar_split })
    }

    /// Makes room for so many entries.
    pub(crate) fn reserve(&mut self, entries: usize) {
        self.entries.reserve_exact(entries);
    }

    /// Notes an entry whose header is these bytes of the tar.
    pub(crate) fn entry(&mut self, header: &[u8], entry: TocEntry) -> Result<(), LayerError> {
        if let Some(tar_split) = &mut self.tar_split {
            tar_split.bytes(header);
            if !matches!(entry.kind, TocKind::File { size: 1.. }) {
                tar_split.empty(&entry.name)?;
            }
        }
        self.entries.push(entry);
        Ok(())
    }

    /// Whether [`Index::content`] wants the checksum that tar-split uses.
    pub(crate) fn wants_checksum(&self) -> bool {
        self.tar_split.is_some()
    }

    /// Notes the content of the entry before, which is not empty.
    pub(crate) fn content(
        &mut self,
        chunks: &[FileChunk],
        digest: Digest,
        checksum: u64,
    ) -> Result<(), LayerError> {
        let entry = self.entries.last_mut().expect("content follows an entry");
        if let Some(tar_split) = &mut self.tar_split {
            let size = chunks.iter().map(|chunk| chunk.size).sum();
            tar_split.file(&entry.name, size, checksum)?;
        }
        entry.content = match chunks {
            [chunk] => TocContent::Whole { mark: chunk.mark, digest },
            chunks => TocContent::Parts { digest, chunks: chunks.into() },
        };
        Ok(())
    }

    /// Notes zero bytes after a content.
    pub(crate) fn padding(&mut self, zeros: &[u8]) {
        if let Some(tar_split) = &mut self.tar_split {
            tar_split.bytes(zeros);
        }
    }

    /// Ends the tar, and writes the table. Returns the layer's annotations.
    pub(crate) fn finish(mut self, sink: &mut Sink) -> Result<Annotations, LayerError> {
        let Some(mut tar_split) = self.tar_split.take() else {
            let positions = sink.settle()?;
            return estargz::finish(sink, self.codec, &self.entries, &positions);
        };
        sink.write_all(&END_OF_ARCHIVE).map_err(LayerError::Write)?;
        tar_split.bytes(&END_OF_ARCHIVE);
        let positions = sink.settle()?;
        zstd_chunked::finish(sink, self.codec, &self.entries, &positions, tar_split)
    }

    /// The format.
    pub(crate) fn layout(&self) -> Layout {
        self.layout
    }
}
