//! `builder optimize`: the documents of an image whose layers were compressed anew. Nothing else in them changes, not even
//! fields that we do not know.

use std::path::Path;

use anyhow::anyhow;
use oci::Descriptor;
use serde_json::{Value, json};
use tool::{Failure, FailureContext as _, Outcome};

use crate::cli::{OptimizeIndexArgs, OptimizeManifestArgs};
use crate::documents::{self, Root};

/// `builder optimize manifest`.
pub(crate) fn run_manifest(args: &OptimizeManifestArgs) -> Outcome {
    let mut manifest = read_object(&args.source_manifest, oci::MAX_MANIFEST_SIZE)?;
    let mut config = read_object(&args.source_config, oci::MAX_CONFIG_SIZE)?;
    let layers = args.layer.iter().map(|path| documents::read_layer(path)).collect::<Result<Vec<_>, _>>()?;
    let entries = list_of(&mut manifest, "layers").about(format!("`{}`", args.source_manifest.display()))?;
    if entries.len() != layers.len() {
        let error = anyhow!("the manifest has {} layers, but {} were given", entries.len(), layers.len());
        return Err(Failure::usage(error));
    }
    for (entry, layer) in entries.iter_mut().zip(&layers) {
        replace(entry, &layer.descriptor());
    }
    if let Some(diff_ids) = config.pointer_mut("/rootfs/diff_ids").and_then(Value::as_array_mut) {
        for (diff_id, layer) in diff_ids.iter_mut().zip(&layers) {
            if let Some(found) = layer.diff_id {
                *diff_id = json!(found);
            }
        }
    }
    let config = documents::to_json(&config)?;
    let described = documents::describe("", &config);
    manifest["config"]["digest"] = json!(described.digest);
    manifest["config"]["size"] = json!(described.size);
    let bytes = documents::to_json(&manifest)?;
    let descriptor = described_anew(&args.source_descriptor, &bytes)?;
    Root { bytes: &bytes, descriptor }.write_manifest(&config, &args.outputs)
}

/// `builder optimize index`.
pub(crate) fn run_index(args: &OptimizeIndexArgs) -> Outcome {
    let mut index = read_object(&args.source_index, oci::MAX_MANIFEST_SIZE)?;
    let old = args.source_manifest.iter().map(|path| documents::read_descriptor(path));
    let new = args.manifest.iter().map(|path| documents::read_descriptor(path));
    let changed = old.zip(new).map(|(old, new)| Ok((old?, new?))).collect::<Result<Vec<_>, Failure>>()?;
    let entries = list_of(&mut index, "manifests").about(format!("`{}`", args.source_index.display()))?;
    for entry in entries {
        let digest = entry["digest"].as_str().unwrap_or_default().to_owned();
        if let Some((_, new)) = changed.iter().find(|(old, _)| old.digest.to_string() == digest) {
            entry["digest"] = json!(new.digest);
            entry["size"] = json!(new.size);
        }
    }
    let bytes = documents::to_json(&index)?;
    let descriptor = described_anew(&args.source_descriptor, &bytes)?;
    Root { bytes: &bytes, descriptor }.write_index(&args.outputs)
}

fn read_object(path: &Path, limit: u64) -> Result<Value, Failure> {
    let bytes = documents::read(path, limit)?;
    let value: Value = serde_json::from_slice(&bytes).about(format!("`{}` is not JSON", path.display()))?;
    if value.is_object() {
        Ok(value)
    } else {
        Err(anyhow!("`{}` is not a JSON object", path.display()).into())
    }
}

fn list_of<'a>(document: &'a mut Value, key: &str) -> Result<&'a mut Vec<Value>, Failure> {
    document
        .get_mut(key)
        .and_then(Value::as_array_mut)
        .ok_or_else(|| anyhow!("it has no list `{key}`").into())
}

/// The descriptor of a layer: what it is now; annotations that nobody computed anew stay.
fn replace(entry: &mut Value, layer: &Descriptor) {
    entry["mediaType"] = json!(layer.media_type);
    entry["digest"] = json!(layer.digest);
    entry["size"] = json!(layer.size);
    for (key, value) in &layer.annotations {
        entry["annotations"][key.as_str()] = json!(value);
    }
}

/// What was said of the document, with its new digest and size.
fn described_anew(source: &Path, bytes: &[u8]) -> Result<Descriptor, Failure> {
    let source = documents::read_descriptor(source)?;
    let found = documents::describe(&source.media_type, bytes);
    Ok(Descriptor { digest: found.digest, size: found.size, ..source })
}
