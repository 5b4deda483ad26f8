//! Images to write.

use std::path::Path;

use layout::Image;
use oci::{Descriptor, Digest, media_type};
use serde_json::{Value, json};

/// A document and what names it.
pub(crate) struct Document {
    pub(crate) bytes: Vec<u8>,
    pub(crate) descriptor: Descriptor,
}

pub(crate) fn document(media_type: &str, value: &Value) -> Document {
    let bytes = value.to_string().into_bytes();
    let descriptor = Descriptor::new(media_type, blob::digest_of(&bytes), bytes.len() as u64);
    Document { bytes, descriptor }
}

/// An image for one platform with layers of these texts.
pub(crate) struct Single {
    pub(crate) manifest: Document,
    pub(crate) config: Document,
    pub(crate) layers: Vec<Digest>,
}

pub(crate) fn single(architecture: &str, layers: &[&str]) -> Single {
    let config = document(media_type::OCI_CONFIG, &json!({"os": "linux", "architecture": architecture}));
    let layers: Vec<(Digest, usize)> =
        layers.iter().map(|text| (blob::digest_of(text.as_bytes()), text.len())).collect();
    let entries: Vec<Value> = layers
        .iter()
        .map(|(digest, size)| json!({"mediaType": media_type::OCI_LAYER, "digest": digest, "size": size}))
        .collect();
    let value = json!({"schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "config": config.descriptor, "layers": entries});
    let mut manifest = document(media_type::OCI_MANIFEST, &value);
    manifest.descriptor.platform = Some(oci::Platform::new("linux", architecture, ""));
    manifest.descriptor.annotations.insert("note".to_owned(), "größer".to_owned());
    Single { manifest, config, layers: layers.into_iter().map(|(digest, _)| digest).collect() }
}

/// Writes the layers into a folder and adds the image.
pub(crate) fn add(image: &mut Image, single: &Single, folder: &Path, layers: &[&str]) {
    let paths = layers.iter().zip(&single.layers).map(|(text, digest)| {
        let path = folder.join(digest.hex());
        fs_err::write(&path, text).unwrap();
        Some(path)
    });
    image
        .add_manifest(single.manifest.bytes.clone(), Some(single.config.bytes.clone()), paths.collect())
        .unwrap();
}

/// An index over images.
pub(crate) fn index(children: &[&Document]) -> Document {
    let manifests: Vec<&Descriptor> = children.iter().map(|child| &child.descriptor).collect();
    document(
        media_type::OCI_INDEX,
        &json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": manifests}),
    )
}
