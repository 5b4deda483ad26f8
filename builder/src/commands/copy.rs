//! `builder copy`: a layer and its metadata under other names, for a cache that takes only what actions write.

use std::io::{self, BufWriter};

use ::blob::{AtomicFile, VerifyingReader};
use tool::{FailureContext as _, Outcome};

use crate::cli::CopyArgs;
use crate::documents;

/// Bytes moved at a time.
const BUFFER_SIZE: usize = 1 << 20;

pub(crate) fn run(args: &CopyArgs) -> Outcome {
    let metadata = documents::read_layer(&args.metadata)?;
    let input = fs_err::File::open(&args.input)?;
    let mut input = VerifyingReader::new(input, metadata.digest, Some(metadata.size));
    let mut output = BufWriter::with_capacity(BUFFER_SIZE, AtomicFile::create(&args.output)?);
    io::copy(&mut input, &mut output).about(format!("failed to copy `{}`", args.input.display()))?;
    let output = output.into_inner().map_err(io::IntoInnerError::into_error)?;
    output.persist()?;
    AtomicFile::write(&args.output_metadata, &fs_err::read(&args.metadata)?)?;
    Ok(())
}
