//! The end of an eStargz layer: the table of contents is the last entry of the tar, in one gzip member, and a member
//! without content says where that one starts.

use oci::Annotations;

use super::annotation::TOC_DIGEST;
use super::index::Layout;
use super::toc::{Toc, TocEntry};
use crate::attributes::Attributes;
use crate::compress::{Codec, Positions, Sink};
use crate::error::LayerError;
use crate::tar_header::{BLOCK, END_OF_ARCHIVE, HeaderKind, encode, padding};

/// Name of the table's entry.
pub(crate) const TOC_NAME: &str = "stargz.index.json";

const TOC_MODE: u32 = 0o444;

/// Writes the table and what points to it.
pub(super) fn finish(
    sink: &mut Sink,
    codec: Codec,
    entries: &[TocEntry],
    positions: &Positions,
) -> Result<Annotations, LayerError> {
    let toc = Toc::new(entries, positions, Layout::Estargz, None);
    let (digest, size) = toc.identify();
    let mut header = Vec::with_capacity(BLOCK);
    encode(TOC_NAME, HeaderKind::File { size }, &Attributes::with_mode(TOC_MODE), &mut header);
    sink.write_gzip_member(codec.level(), |member| {
        member.write_all(&header)?;
        toc.write_to(&mut *member)?;
        member.write_all(&END_OF_ARCHIVE[..padding(size)])?;
        member.write_all(&END_OF_ARCHIVE)
    })?;
    sink.append(footer(positions.end).to_vec())?;
    Ok(Annotations::from([(TOC_DIGEST.to_owned(), digest.to_string())]))
}

/// An empty gzip member whose header holds the offset of the table's member (eStargz, "Footer").
fn footer(toc_offset: u64) -> [u8; 51] {
    let mut footer = [0; 51];
    // RFC 1952, 2.3: magic, method, flags (an extra field follows), no time, no extra flags, unknown system.
    footer[..10].copy_from_slice(&[0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff]);
    // Sizes of the extra field and of the only subfield in it, which is called `SG`.
    footer[10..16].copy_from_slice(&[26, 0, b'S', b'G', 22, 0]);
    footer[16..38].copy_from_slice(format!("{toc_offset:016x}STARGZ").as_bytes());
    // RFC 1951, 3.2.4: one stored block, the last, with no bytes in it. Checksum and size of nothing are zero.
    footer[38..43].copy_from_slice(&[1, 0, 0, 0xff, 0xff]);
    footer
}
