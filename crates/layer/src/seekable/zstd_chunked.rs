//! The end of a zstd:chunked layer: table of contents, headers of the tar, and a footer that says where both are, each in
//! a frame that decompressors skip (RFC 8878, 3.1.2).

use oci::Annotations;

use super::annotation::{CHUNKED_CHECKSUM, CHUNKED_POSITION, CHUNKED_TAR_SPLIT};
use super::index::Layout;
use super::tar_split::TarSplit;
use super::toc::{TocEntry, to_json};
use crate::compress::{Codec, Positions, Sink};
use crate::error::LayerError;

/// The only type of table there is.
const TABLE_TYPE: u64 = 1;

/// What a footer ends with.
const FOOTER_MAGIC: [u8; 8] = *b"GNUlInUx";

/// Magic and size of a skippable frame.
const FRAME_HEADER: u64 = 8;

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
    entries: Vec<TocEntry>,
    positions: &Positions,
    tar_split: TarSplit,
) -> Result<Annotations, LayerError> {
    let tar_split = tar_split.finish()?;
    let split_digest = blob::digest_of(&tar_split.bytes);
    let json = to_json(entries, positions, Layout::ZstdChunked, Some(split_digest), (0, 0));
    let table = zstd::bulk::compress(&json, codec.level()).map_err(LayerError::Compress)?;
    let checksum = blob::digest_of(&table);
    let table_place = Place {
        offset: positions.end + FRAME_HEADER,
        size: table.len() as u64,
        uncompressed_size: json.len() as u64,
    };
    let split_place = Place {
        offset: table_place.offset + table_place.size + FRAME_HEADER,
        size: tar_split.bytes.len() as u64,
        uncompressed_size: tar_split.uncompressed_size,
    };
    sink.append(skippable(&table)?)?;
    sink.append(skippable(&tar_split.bytes)?)?;
    sink.append(skippable(&footer(&table_place, &split_place))?)?;
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

fn skippable(content: &[u8]) -> Result<Vec<u8>, LayerError> {
    let size =
        u32::try_from(content.len()).map_err(|_| LayerError::TableSize { size: content.len() as u64 })?;
    let mut frame = vec![0x50, 0x2a, 0x4d, 0x18];
    frame.extend_from_slice(&size.to_le_bytes());
    frame.extend_from_slice(content);
    Ok(frame)
}
