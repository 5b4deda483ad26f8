//! What a layer's JSON file says to the actions that use the layer.

use oci::config::History;
use oci::{Annotations, Descriptor, DiffId, Digest};
use serde::{Deserialize, Serialize};

/// The content of `<name>_metadata.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerMetadata {
    /// SHA-256 of the uncompressed tar; absent where the blob is no tar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff_id: Option<DiffId>,
    /// Media type of the blob.
    #[serde(rename = "mediaType")]
    pub media_type: String,
    /// SHA-256 of the blob.
    pub digest: Digest,
    /// Size of the blob.
    pub size: u64,
    /// Annotations of the layer's descriptor.
    #[serde(default, skip_serializing_if = "Annotations::is_empty")]
    pub annotations: Annotations,
    /// What the config says about how the layer was made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<History>,
}

impl LayerMetadata {
    /// Indented JSON with a newline at the end.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("strings and numbers always serialize");
        text.push('\n');
        text
    }

    /// The layer's descriptor, as a manifest holds it.
    pub fn descriptor(&self) -> Descriptor {
        let media_type = oci::media_type::oci_layer(&self.media_type);
        let mut descriptor = Descriptor::new(media_type, self.digest, self.size);
        descriptor.annotations.clone_from(&self.annotations);
        if media_type == oci::media_type::OCI_EMPTY {
            descriptor.data = Some(oci::media_type::OCI_EMPTY_DATA.to_owned());
        }
        descriptor
    }
}
