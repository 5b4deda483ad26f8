//! `builder index`: descriptors of images become an index.

use oci::{Annotations, Index};
use serde::Deserialize;
use tool::{Failure, Outcome};

use crate::base_image::BaseImage;
use crate::cli::IndexArgs;
use crate::documents::{self, Root};
use crate::expansion::{BuildSettings, Expansion};
use crate::values;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Values {
    label: String,
    annotations: Annotations,
    build_settings: BuildSettings,
}

pub(crate) fn run(args: &IndexArgs) -> Outcome {
    let values: Values = values::parse(&args.values)?;
    let label = values.label.clone();
    build(args, values).map_err(|failure| values::named(&label, failure))
}

fn build(args: &IndexArgs, values: Values) -> Outcome {
    let base = BaseImage::of(&args.templates)?;
    let expansion = Expansion::new(base.as_ref(), &args.templates.stamp, &values.build_settings)?;
    let annotations = documents::annotations(values.annotations, args.annotations_file.as_deref())?;
    let manifests = args.manifest.iter().map(|path| documents::read_descriptor(path));
    let index = Index {
        subject: documents::read_subject(args.subject_descriptor.as_deref())?,
        annotations: expansion.map("annotations", annotations)?,
        ..Index::of(manifests.collect::<Result<_, Failure>>()?)
    };
    let bytes = documents::to_json(&index)?;
    let root = Root { bytes: &bytes, descriptor: documents::describe(oci::media_type::OCI_INDEX, &bytes) };
    root.write_index(&args.outputs)
}
