//! `builder layer-listing`: what is in a layer that was made. Apart from making it, because few builds ask: every file of the
//! layer has to be hashed for it.

use ::blob::AtomicFile;
use ::layer::Archive;
use ::layer::import::list;
use tool::Outcome;

use crate::cli::LayerListingArgs;

pub(crate) fn run(args: &LayerListingArgs) -> Outcome {
    // The blob is ours, or was checked when it became a layer.
    let archive = Archive { any_ratio: true, ..Archive::new(&args.input, args.source_format) };
    let (_, listing) = list(archive).map_err(super::layer_failure)?;
    AtomicFile::write(&args.output, listing.render(&args.style()).as_bytes())?;
    Ok(())
}
