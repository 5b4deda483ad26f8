//! Layers from archives that exist already: checked, hashed, listed, and where asked for compressed anew or rewritten
//! with equal files stored once.
//!
//! An archive that is taken as it is keeps every byte, also of entries that are not understood completely. Memory does not
//! depend on its size; with a listing or `optimize` it grows with the number of entries, up to a limit.

mod decompress;
mod fields;
mod listed;
mod member;
mod optimize;
mod problem;
mod scan;
mod tar_reader;

use std::io::{self, Write};
use std::num::NonZeroUsize;

use oci::Digest;

use crate::compress::{Codec, Compressed, Format, compress};
use crate::error::LayerError;
use crate::write::{WriteOptions, Written};

pub use decompress::{Archive, Damaged};
pub use problem::Problem;

/// Checks an archive that is a layer as it is.
pub fn inspect(archive: Archive<'_>, listing: bool) -> Result<Written, LayerError> {
    let unchanged = Codec::new(Format::None, None)?;
    let (scanned, tar) = compress(unchanged, NonZeroUsize::MIN, &mut io::sink(), |sink| {
        scan::scan(archive, listing, Some(sink))
    })?;
    let (digest, size) = scanned.file;
    Ok(Written { blob: Compressed { digest, size, ..tar }, listing: scanned.listing() })
}

/// Checks an archive and writes it with another compression.
pub fn recompress(
    archive: Archive<'_>,
    options: WriteOptions,
    output: &mut (dyn Write + Send),
) -> Result<Written, LayerError> {
    let (scanned, blob) = compress(options.codec, options.jobs, output, |sink| {
        scan::scan(archive, options.listing, Some(sink))
    })?;
    Ok(Written { blob, listing: scanned.listing() })
}

/// Checks an archive and writes it so that files with equal content and metadata are hardlinks of each other. Everything
/// else stays as it is and where it is.
pub fn optimize(
    archive: Archive<'_>,
    options: WriteOptions,
    output: &mut (dyn Write + Send),
) -> Result<Written, LayerError> {
    let scanned = scan::scan(archive, true, None)?;
    let digests: Vec<Option<Digest>> = scanned.digests();
    let (links, blob) =
        compress(options.codec, options.jobs, output, |sink| optimize::rewrite(archive, &digests, sink))?;
    let listing = options.listing.then(|| scanned.listing_with(links)).flatten();
    Ok(Written { blob, listing })
}
