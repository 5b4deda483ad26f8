//! `builder listing`: the listings of layers become the listing of an image.

use blob::AtomicFile;
use layout::listing;
use tool::{FailureContext as _, Outcome};

use crate::cli::ImageListingArgs;
use crate::documents;

pub(crate) fn run(args: &ImageListingArgs) -> Outcome {
    let layers = args
        .listing
        .iter()
        .map(|path| {
            let text = documents::read_listing(path)?;
            listing::parse(&path.display().to_string(), &text).or_usage()
        })
        .collect::<Result<Vec<_>, _>>()?;
    AtomicFile::write(&args.output, listing::merge(&layers, args.arrangement).as_bytes())?;
    Ok(())
}
