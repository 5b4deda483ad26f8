//! `builder import`: an archive becomes a layer, as it is or rewritten.

use ::blob::AtomicFile;
use ::layer::import::{inspect, optimize, recompress};
use ::layer::{Archive, Codec, LayerError, WriteOptions, Written};
use oci::Annotations;
use serde::Deserialize;
use tool::{FailureContext as _, Outcome};

use crate::cli::ImportArgs;
use crate::layer_outputs::LayerOutputs;
use crate::values;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Values {
    label: String,
    annotations: Annotations,
    media_type: String,
    history: String,
}

pub(crate) fn run(args: &ImportArgs) -> Outcome {
    let values: Values = values::parse(&args.values)?;
    let label = values.label.clone();
    build(args, values).map_err(|failure| values::named(&label, failure))
}

fn build(args: &ImportArgs, values: Values) -> Outcome {
    let archive =
        Archive { any_ratio: args.allow_any_ratio, ..Archive::new(&args.input, args.source_format) };
    let format = args.compression.format.unwrap_or(args.source_format);
    let codec = Codec::new(format, args.compression.level).or_usage()?;
    let options =
        WriteOptions { codec, jobs: super::jobs(args.compression.jobs), seekable: args.compression.estargz };

    let mut output = args.output.as_deref().map(AtomicFile::create).transpose()?;
    let is_unchanged = format == args.source_format
        && args.compression.level.is_none()
        && !args.optimize
        && !args.compression.estargz;
    let written = match &mut output {
        None => inspect(archive),
        Some(output) if is_unchanged => copy(archive, output),
        Some(output) if args.optimize => optimize(archive, options, output),
        Some(output) => recompress(archive, options, output),
    }
    .map_err(super::layer_failure)?;

    if let Some(output) = output {
        output.persist()?;
    }
    let outputs = LayerOutputs {
        metadata: &args.metadata,
        media_type: super::media_type(&values.media_type, format),
        annotations: values.annotations,
        history: &values.history,
    };
    outputs.write(&written)
}

/// Nothing is to change: the same bytes under another name.
fn copy(archive: Archive<'_>, output: &mut AtomicFile) -> Result<Written, LayerError> {
    let written = inspect(archive)?;
    let mut input = fs_err::File::open(archive.path).map_err(LayerError::Read)?;
    std::io::copy(&mut input, output).map_err(LayerError::Write)?;
    Ok(written)
}
