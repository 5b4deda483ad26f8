//! What a push is to do, and how.

use std::collections::BTreeMap;

use oci::Digest;
use serde::{Deserialize, Serialize};

use crate::{CrossMount, Original, Root, Source, Strategy};

/// Put an image, and all it refers to, into a repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Push {
    /// The target that asked for it, for messages.
    pub label: String,
    /// How blobs get there.
    pub strategy: Strategy,
    /// Destination registry, `host[:port]`.
    pub registry: String,
    /// Destination repository.
    pub repository: String,
    /// Tags to set; none: push by digest only.
    pub tags: Vec<String>,
    /// The manifest or index.
    pub root: Root,
    /// Where the base image was pulled from, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<Original>,
    /// When blobs may be mounted from the base's repository.
    #[serde(default)]
    pub cross_mount: CrossMount,
    /// Tags of manifests below an index, beside those of the index; a tag is in it once.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub manifest_tags: BTreeMap<Digest, Vec<String>>,
    /// Images about the root (their `subject`), to put untagged beside it. Their documents and layers are blobs of the
    /// plan as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub referrers: Vec<Root>,
    /// Destinations of other pushes, from which layers may be mounted; which of them count is said by `cross_mount`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mount_from: Vec<Source>,
    /// Repository of the destination's registry where the build has put the layers already. Only set if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staging_repository: Option<String>,
    /// Whether the bytes of layers may never be sent: they have to be there, or to be mounted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forbid_layer_push: bool,
    /// How layers that other operations need too are sent once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deduplicate: Option<Deduplicate>,
}

impl Push {
    /// An eager push by digest: nothing else is asked for.
    pub fn new(label: &str, registry: &str, repository: &str, root: Root) -> Self {
        Self {
            label: label.to_owned(),
            strategy: Strategy::Eager,
            registry: registry.to_owned(),
            repository: repository.to_owned(),
            tags: Vec::new(),
            root,
            original: None,
            cross_mount: CrossMount::default(),
            manifest_tags: BTreeMap::new(),
            referrers: Vec::new(),
            mount_from: Vec::new(),
            staging_repository: None,
            forbid_layer_push: false,
            deduplicate: None,
        }
    }
}

/// Layers that several repositories of a registry need are uploaded to one of them and mounted into the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deduplicate {
    /// What a refused mount means.
    pub mode: DeduplicateMode,
    /// The repository to upload to; none: one is chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// What is put there.
    pub content: DeduplicatedContent,
}

/// What a refused mount means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeduplicateMode {
    /// An error, for layers that were uploaded for this purpose.
    Enabled,
    /// The layer is uploaded once more.
    BestEffort,
}

/// What is put into the repository that layers are mounted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeduplicatedContent {
    /// The layers alone.
    Blobs,
    /// The layers, and for each a manifest without a tag, so that the registry does not collect them as garbage.
    BlobsAndArtificialManifests,
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: &str = r#"{"label":"//:push","strategy":"eager","registry":"ghcr.io","repository":"app","tags":[],
        "root":{"mediaType":"m","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},
        "cross_mount":"same_registry""#;

    #[test]
    fn what_is_not_asked_for_is_not_written() {
        let text = format!("{SHORT}}}");
        let push: Push = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&push).unwrap(), text.replace("\n        ", ""));
        assert_eq!(push, Push::new("//:push", "ghcr.io", "app", push.root.clone()));
    }

    #[test]
    fn everything_survives_a_round_trip() {
        let digest = Digest::from_bytes([2; 32]);
        let more = format!(
            r#","manifest_tags":{{"{digest}":["amd64","x86"]}},"referrers":[{{"mediaType":"n","digest":"{digest}","size":3}}],
            "mount_from":[{{"registry":"ghcr.io","repository":"other"}}],"staging_repository":"staging","forbid_layer_push":true,
            "deduplicate":{{"mode":"best_effort","repository":"home","content":"blobs_and_artificial_manifests"}}}}"#
        );
        let text = format!("{SHORT}{more}");
        let push: Push = serde_json::from_str(&text).unwrap();
        assert_eq!(push.manifest_tags[&digest], ["amd64", "x86"]);
        assert_eq!(push.deduplicate.as_ref().unwrap().mode, DeduplicateMode::BestEffort);
        let written = serde_json::to_string(&push).unwrap();
        assert_eq!(written, text.replace("\n            ", "").replace("\n        ", ""));
        assert_eq!(serde_json::from_str::<Push>(&written).unwrap(), push);
    }
}
