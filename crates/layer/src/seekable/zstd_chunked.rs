//! The end of a zstd:chunked layer: table of contents, headers of the tar, and a footer that says where both are, each in
//! a frame that decompressors skip (RFC 8878, 3.1.2).

use std::io;

use oci::Annotations;
use zstd::stream::write::Encoder;

use super::annotation::{CHUNKED_CHECKSUM, CHUNKED_POSITION, CHUNKED_TAR_SPLIT};
use super::index::Layout;
use super::tar_split::TarSplit;
use super::toc::{Toc, TocEntry};
use crate::compress::{Codec, Positions, Sink};
use crate::error::LayerError;

/// The only type of table there is.
const TABLE_TYPE: u64 = 1;

/// What a footer ends with.
const FOOTER_MAGIC: [u8; 8] = *b"GNUlInUx";

/// Magic and size of a skippable frame.
const FRAME_HEADER: u64 = 8;

/// Binary logarithm of the bytes that a compressor of documents looks back.
const WINDOW_LOG: u32 = 18;

/// Where a frame's content is, and how large it is when it is decompressed.
struct Place {
    offset: u64,
    size: u64,
    uncompressed_size: u64,
}

/// Writes the table and what points to it.
pub(super) fn finish(
    sink: &mut Sink,
    codec: Codec,
    entries: &[TocEntry],
    positions: &Positions,
    tar_split: TarSplit,
) -> Result<Annotations, LayerError> {
    let tar_split = tar_split.finish()?;
    let split_digest = blob::digest_of(&tar_split.bytes);
    let toc = Toc::new(entries, positions, Layout::ZstdChunked, Some(split_digest));
    let (_, uncompressed_size) = toc.identify();
    let table = compress(&toc, uncompressed_size, codec).map_err(LayerError::Compress)?;
    let checksum = blob::digest_of(&table);
    let table_place =
        Place { offset: positions.end + FRAME_HEADER, size: table.len() as u64, uncompressed_size };
    let split_place = Place {
        offset: table_place.offset + table_place.size + FRAME_HEADER,
        size: tar_split.bytes.len() as u64,
        uncompressed_size: tar_split.uncompressed_size,
    };
    append(sink, table)?;
    append(sink, tar_split.bytes)?;
    append(sink, footer(&table_place, &split_place))?;
    let place = |place: &Place| format!("{}:{}:{}", place.offset, place.size, place.uncompressed_size);
    Ok(Annotations::from([
        (CHUNKED_CHECKSUM.to_owned(), checksum.to_string()),
        (CHUNKED_POSITION.to_owned(), format!("{}:{TABLE_TYPE}", place(&table_place))),
        (CHUNKED_TAR_SPLIT.to_owned(), place(&split_place)),
    ]))
}

fn footer(table: &Place, tar_split: &Place) -> Vec<u8> {
    let numbers = [
        table.offset,
        table.size,
        table.uncompressed_size,
        TABLE_TYPE,
        tar_split.offset,
        tar_split.size,
        tar_split.uncompressed_size,
    ];
    numbers.iter().flat_map(|number| number.to_le_bytes()).chain(FOOTER_MAGIC).collect()
}

fn compress(toc: &Toc<'_>, size: u64, codec: Codec) -> io::Result<Vec<u8>> {
    let mut encoder = encoder(codec)?;
    // Its frame says how large it is, as that of any other compressor in one go.
    encoder.set_pledged_src_size(Some(size))?;
    toc.write_to(&mut encoder)?;
    encoder.finish()
}

/// A compressor of documents. Lines resemble the lines before: to look back further finds little, and costs memory.
pub(super) fn encoder(codec: Codec) -> io::Result<Encoder<'static, Vec<u8>>> {
    let mut encoder = Encoder::new(Vec::new(), codec.level())?;
    encoder.window_log(WINDOW_LOG)?;
    Ok(encoder)
}

/// Appends a frame that decompressors skip.
fn append(sink: &mut Sink, content: Vec<u8>) -> Result<(), LayerError> {
    let size =
        u32::try_from(content.len()).map_err(|_| LayerError::TableSize { size: content.len() as u64 })?;
    let mut header = vec![0x50, 0x2a, 0x4d, 0x18];
    header.extend_from_slice(&size.to_le_bytes());
    sink.append(header)?;
    sink.append(content)
}
