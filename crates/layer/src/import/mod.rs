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
mod seekable_entry;
mod tar_reader;

use std::io::{self, Write};
use std::num::NonZeroUsize;

use oci::{Annotations, Digest};

use crate::compress::{Codec, Compressed, Format, compress};
use crate::error::LayerError;
use crate::listing::Listing;
use crate::seekable::{self, Index};
use crate::write::{WriteOptions, Written};

use scan::Scanned;

pub use decompress::{Archive, Bomb, Damaged};
pub(crate) use fields::pax_time;
pub use problem::Problem;

/// Checks an archive that is a layer as it is.
pub fn inspect(archive: Archive<'_>) -> Result<Written, LayerError> {
    check(archive, false).map(|(written, _)| written)
}

/// Checks an archive, and says what is in it.
pub fn list(archive: Archive<'_>) -> Result<(Written, Listing), LayerError> {
    check(archive, true).map(|(written, scanned)| (written, scanned.listing()))
}

fn check(archive: Archive<'_>, remember: bool) -> Result<(Written, Scanned), LayerError> {
    let unchanged = Codec::new(Format::None, None)?;
    let (scanned, tar) = compress(unchanged, NonZeroUsize::MIN, &mut io::sink(), |sink| {
        scan::scan(archive, remember, Some(sink))
    })?;
    let (digest, size) = scanned.file;
    let blob = Compressed { digest, size, ..tar };
    Ok((Written { blob, annotations: Annotations::new() }, scanned))
}

/// Checks an archive and writes it with another compression. A seekable layer is written entry by entry, so that it
/// becomes seekable; entries stay as they are and where they are.
pub fn recompress(
    archive: Archive<'_>,
    options: WriteOptions,
    output: &mut (dyn Write + Send),
) -> Result<Written, LayerError> {
    if options.seekable {
        return rewrite(archive, options, false, output);
    }
    let jobs = options.jobs.for_input(archive.size()?);
    let (_, blob) = compress(options.codec, jobs, output, |sink| scan::scan(archive, false, Some(sink)))?;
    Ok(Written { blob, annotations: Annotations::new() })
}

/// Checks an archive and writes it so that files with equal content and metadata are hardlinks of each other. Everything
/// else stays as it is and where it is.
pub fn optimize(
    archive: Archive<'_>,
    options: WriteOptions,
    output: &mut (dyn Write + Send),
) -> Result<Written, LayerError> {
    rewrite(archive, options, true, output)
}

fn rewrite(
    archive: Archive<'_>,
    options: WriteOptions,
    deduplicate: bool,
    output: &mut (dyn Write + Send),
) -> Result<Written, LayerError> {
    let index = options.seekable.then(|| Index::new(options.codec)).transpose()?;
    let scanned = scan::scan(archive, true, None)?;
    let mut digests: Vec<Option<Digest>> = scanned.digests();
    if !deduplicate {
        digests.fill(None);
    }
    let jobs = options.jobs.for_input(archive.size()?);
    let (annotations, blob) =
        compress(options.codec, jobs, output, |sink| optimize::rewrite(archive, &digests, index, sink))?;
    let annotations = seekable::annotations(annotations, &blob);
    Ok(Written { blob, annotations })
}
