//! `builder blob`: a file is a layer as it is.

use ::blob::AtomicFile;
use ::layer::{Archive, LayerMetadata};
use anyhow::anyhow;
use oci::config::History;
use oci::{Annotations, DiffId, Digest, media_type};
use serde::Deserialize;
use tool::{Failure, Outcome};

use crate::cli::BlobArgs;
use crate::values;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Values {
    label: String,
    annotations: Annotations,
    base_name_annotations: Vec<String>,
    base_name: String,
    diff_id_annotations: Vec<String>,
    media_type: String,
    history: String,
}

pub(crate) fn run(args: &BlobArgs) -> Outcome {
    let values: Values = values::parse(&args.values)?;
    let label = values.label.clone();
    build(args, values).map_err(|failure| values::named(&label, failure))
}

/// What there is to know about the file.
struct Described {
    digest: Digest,
    size: u64,
    diff_id: Option<DiffId>,
}

fn build(args: &BlobArgs, values: Values) -> Outcome {
    if let Some(name) = values.diff_id_annotations.iter().find(|name| name.contains(':')) {
        let error = anyhow!(
            "`diff_id_annotations`: `{name}` is not the name of an annotation; expected one without `:`"
        );
        return Err(Failure::usage(error));
    }
    // An annotation with the diff id asks for it as much as the attribute does.
    let described = describe(args, args.diff_id || !values.diff_id_annotations.is_empty())?;

    let mut annotations = Annotations::new();
    for name in values.base_name_annotations {
        annotations.insert(name, values.base_name.clone());
    }
    if let Some(diff_id) = described.diff_id {
        for name in values.diff_id_annotations {
            annotations.insert(name, diff_id.to_string());
        }
    }
    annotations.extend(values.annotations);
    let media_type = if values.media_type.is_empty() { media_type::OCI_LAYER } else { &values.media_type };
    let metadata = LayerMetadata {
        diff_id: described.diff_id.filter(|_| args.diff_id),
        media_type: media_type.to_owned(),
        digest: described.digest,
        size: described.size,
        annotations,
        history: if values.history.is_empty() {
            Vec::new()
        } else {
            vec![History::created_by(values.history)]
        },
    };
    AtomicFile::write(&args.metadata, metadata.to_json().as_bytes())?;
    Ok(())
}

fn describe(args: &BlobArgs, as_tar: bool) -> Result<Described, Failure> {
    if !as_tar {
        let (digest, size) = blob::hash_file(&args.input)?;
        return Ok(Described { digest, size, diff_id: None });
    }
    let detected = Archive::detect(&args.input).map_err(super::layer_failure)?;
    let archive = Archive { any_ratio: args.allow_any_ratio, ..detected };
    let written = ::layer::import::inspect(archive).map_err(super::layer_failure)?;
    let ::layer::Compressed { digest, size, diff_id, .. } = written.blob;
    Ok(Described { digest, size, diff_id: Some(diff_id) })
}
