//! Manifests that hold on to a single layer, so that a registry does not take it for garbage (or refuse to mount it)
//! before the manifests that need it are written.

use bytes::Bytes;
use oci::media_type::{DOCKER_CONFIG, DOCKER_MANIFEST, OCI_CONFIG, OCI_EMPTY, OCI_MANIFEST};
use oci::{Descriptor, Digest};
use serde_json::{Value, json};

/// Says to people and to garbage collectors what the manifest is.
const ANNOTATION: &str = "com.github.bazel-contrib.rules-img.artificial-blob-reference";

/// Whose media types a layer has, and what it is before compression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Family {
    docker: bool,
    diff_id: Option<Digest>,
}

/// A manifest without a name, and its config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Artificial {
    pub(crate) media_type: &'static str,
    pub(crate) manifest: Bytes,
    pub(crate) config: Bytes,
}

impl Family {
    /// The family of a layer.
    pub(crate) fn of(media_type: &str, diff_id: Option<Digest>) -> Self {
        Self { docker: media_type.starts_with("application/vnd.docker."), diff_id }
    }

    /// The manifest of a layer: the same bytes each time.
    pub(crate) fn manifest_of(self, layer: &Descriptor) -> Artificial {
        let config = self.diff_id.map_or_else(
            || json!({}),
            |diff_id| {
                json!({
                    "architecture": "unknown",
                    "os": "unknown",
                    "rootfs": {"type": "layers", "diff_ids": [diff_id]},
                })
            },
        );
        let config = Bytes::from(config.to_string());
        let (media_type, config_type) = match (self.docker, self.diff_id) {
            (true, _) => (DOCKER_MANIFEST, DOCKER_CONFIG),
            (false, Some(_)) => (OCI_MANIFEST, OCI_CONFIG),
            (false, None) => (OCI_MANIFEST, OCI_EMPTY),
        };
        let descriptor = |media_type: &str, digest: Digest, size: u64| -> Value {
            json!({"mediaType": media_type, "digest": digest, "size": size})
        };
        let mut manifest = json!({
            "schemaVersion": 2,
            "mediaType": media_type,
            "config": descriptor(config_type, blob::digest_of(&config), config.len() as u64),
            "layers": [descriptor(&layer.media_type, layer.digest, layer.size)],
        });
        // The specification wants artifacts to say what they are where the config does not.
        if config_type == OCI_EMPTY {
            manifest["artifactType"] = json!(layer.media_type);
        }
        manifest["annotations"] = json!({ANNOTATION: layer.digest});
        Artificial { media_type, manifest: manifest.to_string().into(), config }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_layer() {
        let digest = Digest::from_bytes([7; 32]);
        let docker = "application/vnd.docker.image.rootfs.diff.tar.gzip";
        for (layer, diff_id, media_type, config_type) in [
            (oci::media_type::OCI_LAYER, Some(digest), OCI_MANIFEST, OCI_CONFIG),
            (oci::media_type::OCI_LAYER, None, OCI_MANIFEST, OCI_EMPTY),
            (docker, Some(digest), DOCKER_MANIFEST, DOCKER_CONFIG),
            (docker, None, DOCKER_MANIFEST, DOCKER_CONFIG),
        ] {
            let layer = Descriptor::new(layer, digest, 5);
            let made = Family::of(&layer.media_type, diff_id).manifest_of(&layer);
            assert_eq!(made, Family::of(&layer.media_type, diff_id).manifest_of(&layer));
            let manifest: oci::Manifest = serde_json::from_slice(&made.manifest).unwrap();
            assert_eq!((made.media_type, manifest.media_type.as_deref()), (media_type, Some(media_type)));
            assert_eq!(manifest.config.media_type, config_type);
            assert_eq!(manifest.config.digest, blob::digest_of(&made.config));
            assert_eq!(manifest.layers, [layer]);
            assert_eq!(manifest.annotations[ANNOTATION], digest.to_string());
            assert_eq!(made.config.as_ref() == b"{}", diff_id.is_none());
        }
    }
}
