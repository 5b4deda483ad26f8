//! Small images, and things that are none.

use bytes::Bytes;
use oci::media_type::{OCI_CONFIG, OCI_EMPTY, OCI_INDEX, OCI_LAYER, OCI_MANIFEST};
use oci::{Digest, Platform};
use serde_json::{Value, json};
use sha2::Digest as _;

/// A manifest, index, config or layer.
#[derive(Clone, Debug)]
pub struct Document {
    /// What it is.
    pub media_type: String,
    /// Its bytes.
    pub bytes: Bytes,
}

impl Document {
    /// A document from JSON.
    pub fn json(media_type: &str, value: &Value) -> Self {
        Self { media_type: media_type.to_owned(), bytes: value.to_string().into() }
    }

    /// Its digest.
    pub fn digest(&self) -> Digest {
        digest_of(&self.bytes)
    }

    /// What another document says about it.
    pub fn descriptor(&self) -> Value {
        json!({"mediaType": self.media_type, "digest": self.digest(), "size": self.bytes.len()})
    }
}

/// An image for one platform.
#[derive(Clone, Debug)]
pub struct Image {
    /// Its manifest.
    pub manifest: Document,
    /// Its configuration.
    pub config: Document,
    /// Its layers.
    pub layers: Vec<Document>,
}

/// SHA-256.
pub fn digest_of(bytes: &[u8]) -> Digest {
    Digest::from_bytes(sha2::Sha256::digest(bytes).into())
}

/// An image with one layer of the given bytes.
pub fn image(platform: &str, layer: impl Into<Bytes>) -> Image {
    let platform: Platform = platform.parse().expect("tests name real platforms");
    let layer = Document { media_type: OCI_LAYER.to_owned(), bytes: layer.into() };
    let config = json!({
        "architecture": platform.architecture,
        "os": platform.os,
        "variant": platform.variant,
        "config": {"Env": ["PATH=/bin"], "Labels": {"made.by": "testkit"}},
        "rootfs": {"type": "layers", "diff_ids": [layer.digest()]},
        "history": [{"created_by": "testkit"}],
    });
    let config = Document::json(OCI_CONFIG, &config);
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": config.descriptor(),
        "layers": [layer.descriptor()],
    });
    Image { manifest: Document::json(OCI_MANIFEST, &manifest), config, layers: vec![layer] }
}

/// An index over images.
pub fn index(entries: &[(&str, &Image)]) -> Document {
    let manifests: Vec<Value> = entries
        .iter()
        .map(|(platform, image)| {
            let mut descriptor = image.manifest.descriptor();
            let platform: Platform = platform.parse().expect("tests name real platforms");
            descriptor["platform"] = json!(platform);
            descriptor
        })
        .collect();
    Document::json(OCI_INDEX, &json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}))
}

/// A manifest that is no image, such as a Helm chart.
pub fn artifact(kind: &str) -> Image {
    let config = Document { media_type: kind.to_owned(), bytes: Bytes::from_static(b"{}") };
    let content = Document { media_type: OCI_EMPTY.to_owned(), bytes: Bytes::from_static(b"{}") };
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": config.descriptor(),
        "layers": [content.descriptor()],
    });
    Image { manifest: Document::json(OCI_MANIFEST, &manifest), config, layers: vec![content] }
}
