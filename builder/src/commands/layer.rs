//! `builder layer`: files, folders and symlinks become a layer.

use std::collections::BTreeMap;

use ::blob::AtomicFile;
use ::layer::{Codec, FileMetadata, Format, ImagePath, LayerSpec, TreeArtifacts, WriteOptions};
use anyhow::Context as _;
use oci::Annotations;
use serde::Deserialize;
use serde_json::Value;
use tool::{Failure, FailureContext as _, Outcome};

use crate::cli::LayerArgs;
use crate::layer_outputs::LayerOutputs;
use crate::{entries, kv_file, values};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Values {
    label: String,
    default_metadata: Option<Value>,
    file_metadata: BTreeMap<String, Value>,
    annotations: Annotations,
    media_type: String,
    history: String,
}

pub(crate) fn run(args: &LayerArgs) -> Outcome {
    let values: Values = values::parse(&args.values)?;
    let label = values.label.clone();
    build(args, values).map_err(|failure| values::named(&label, failure))
}

fn build(args: &LayerArgs, values: Values) -> Outcome {
    let format = args.compression.format.unwrap_or(Format::Gzip);
    let codec = Codec::new(format, args.compression.level).or_usage()?;
    let options =
        WriteOptions { codec, jobs: super::jobs(args.compression.jobs), seekable: args.compression.estargz };
    let spec = spec(args, &values)?;
    // Of the two, the attribute wins; read before any work is done.
    let mut annotations = kv_file::read(args.annotations_file.as_deref())?;
    annotations.extend(values.annotations);

    let mut output = AtomicFile::create(&args.output)?;
    let written = layer::write_layer(&spec, options, &mut output).map_err(super::layer_failure)?;
    output.persist()?;
    let outputs = LayerOutputs {
        metadata: &args.metadata,
        media_type: super::media_type(&values.media_type, format),
        annotations,
        history: &values.history,
    };
    outputs.write(&written)
}

fn spec(args: &LayerArgs, values: &Values) -> Result<LayerSpec, Failure> {
    let tree_artifacts = match args.tree_artifacts.as_str() {
        "deduplicate_symlink" => TreeArtifacts::DeduplicateSymlink,
        _ => TreeArtifacts::Full,
    };
    let metadata = |attribute: &str, value: &Value| -> Result<FileMetadata, Failure> {
        let parsed =
            if value.is_null() { Ok(FileMetadata::default()) } else { FileMetadata::deserialize(value) };
        parsed.context(attribute.to_owned()).or_usage()
    };
    let mut file_metadata = BTreeMap::new();
    for (path, value) in &values.file_metadata {
        let attribute = format!("`file_metadata` of `{path}`");
        let key = ImagePath::parse(path).context("`file_metadata`").or_usage()?;
        if file_metadata.insert(key, metadata(&attribute, value)?).is_some() {
            let error = anyhow::anyhow!("{attribute} is given twice, with and without a leading slash");
            return Err(Failure::usage(error).hint("remove one of them"));
        }
    }
    Ok(LayerSpec {
        entries: entries::read_layer_entries(&args.entries)?,
        default_metadata: metadata(
            "`default_metadata`",
            values.default_metadata.as_ref().unwrap_or(&Value::Null),
        )?,
        file_metadata,
        create_parent_directories: args.create_parent_directories,
        tree_artifacts,
    })
}
