//! What is noted about content, so that the collector of garbage sees what a document refers to.
//!
//! Names and numbers are those that containerd itself gives: one row of numbers for each kind of content, in the order
//! of the document. Content that is not there is no harm, so an index names all its images, whichever were brought.

use std::collections::BTreeMap;

use oci::media_type::{is_image_config, is_manifest};
use oci::{Descriptor, Index, Manifest};

/// Labels by their names.
pub type Labels = BTreeMap<String, String>;

const PREFIX: &str = "containerd.io/gc.ref.content.";

/// No labels: what layers and configs have.
pub fn none() -> Labels {
    Labels::new()
}

/// The labels of a manifest: its config, and its layers.
pub fn of_manifest(manifest: &Manifest) -> Labels {
    references(std::iter::once(&manifest.config).chain(&manifest.layers))
}

/// The labels of an index: its manifests.
pub fn of_index(index: &Index) -> Labels {
    references(&index.manifests)
}

fn references<'a>(content: impl IntoIterator<Item = &'a Descriptor>) -> Labels {
    let mut rows = BTreeMap::new();
    let mut labels = Labels::new();
    for descriptor in content {
        let kind = kind(&descriptor.media_type);
        let number: &mut usize = rows.entry(kind).or_default();
        let name = if kind == "config" { kind.to_owned() } else { format!("{kind}{number}") };
        *number += 1;
        labels.insert(format!("{PREFIX}{name}"), descriptor.digest.to_string());
    }
    labels
}

/// The beginning of the label's name.
fn kind(media_type: &str) -> &'static str {
    if is_image_config(media_type) {
        "config"
    } else if is_manifest(media_type) {
        "m."
    } else if is_layer(media_type) {
        "l."
    } else {
        ""
    }
}

fn is_layer(media_type: &str) -> bool {
    [
        "application/vnd.oci.image.layer.",
        "application/vnd.docker.image.rootfs.diff.tar",
        "application/vnd.docker.image.rootfs.foreign.diff.tar",
    ]
    .iter()
    .any(|prefix| media_type.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use oci::media_type::{
        DOCKER_CONFIG, DOCKER_LAYER_GZIP, DOCKER_MANIFEST, OCI_CONFIG, OCI_EMPTY, OCI_INDEX, OCI_LAYER_GZIP,
        OCI_LAYER_ZSTD, OCI_MANIFEST,
    };

    use super::*;

    fn descriptors(media_types: &[&str]) -> Vec<Descriptor> {
        let descriptor =
            |media_type: &&str| Descriptor::new(*media_type, blob::digest_of(media_type.as_bytes()), 1);
        media_types.iter().map(descriptor).collect()
    }

    #[test]
    fn names_are_those_of_containerd() {
        let table: &[(&[&str], &[&str])] = &[
            (&[OCI_CONFIG, OCI_LAYER_GZIP, OCI_LAYER_ZSTD], &["config", "l.0", "l.1"]),
            (&[DOCKER_CONFIG, DOCKER_LAYER_GZIP], &["config", "l.0"]),
            (&[OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST], &["0", "m.0", "m.1"]),
            // An attestation, or another artifact.
            (&[OCI_CONFIG, "application/vnd.in-toto+json"], &["0", "config"]),
            (&[OCI_EMPTY, "text/plain", OCI_LAYER_GZIP], &["0", "1", "l.0"]),
        ];
        for (media_types, names) in table {
            let labels = references(&descriptors(media_types));
            let found: Vec<&str> = labels.keys().map(|name| name.strip_prefix(PREFIX).unwrap()).collect();
            assert_eq!(found, *names, "{media_types:?}");
        }
    }

    #[test]
    fn values_are_digests() {
        let content = descriptors(&[OCI_CONFIG, OCI_LAYER_GZIP]);
        let labels = references(&content);
        assert_eq!(labels["containerd.io/gc.ref.content.config"], content[0].digest.to_string());
        assert_eq!(labels["containerd.io/gc.ref.content.l.0"], content[1].digest.to_string());
    }
}
