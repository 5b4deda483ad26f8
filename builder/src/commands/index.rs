//! `builder index`: descriptors of images become an index.

use oci::{Annotations, Index};
use serde::Deserialize;
use tool::{Failure, Outcome};

use crate::cli::IndexArgs;
use crate::documents::{self, Root};
use crate::values;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Values {
    label: String,
    annotations: Annotations,
}

pub(crate) fn run(args: &IndexArgs) -> Outcome {
    let values: Values = values::parse(&args.values)?;
    let label = values.label.clone();
    build(args, values).map_err(|failure| values::named(&label, failure))
}

fn build(args: &IndexArgs, values: Values) -> Outcome {
    let index = Index {
        schema_version: 2,
        media_type: Some(oci::media_type::OCI_INDEX.to_owned()),
        artifact_type: None,
        manifests: args
            .manifest
            .iter()
            .map(|path| documents::read_descriptor(path))
            .collect::<Result<_, Failure>>()?,
        subject: None,
        annotations: documents::annotations(values.annotations, args.annotations_file.as_deref())?,
    };
    let bytes = documents::to_json(&index)?;
    let root = Root { bytes: &bytes, descriptor: documents::describe(oci::media_type::OCI_INDEX, &bytes) };
    root.write(&args.index, &args.descriptor, &args.digest)
}
