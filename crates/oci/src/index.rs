//! Image indexes (image specification, "OCI Image Index"), Docker's manifest lists included.

use serde::{Deserialize, Serialize};

use crate::descriptor::null_is_default;
use crate::{Annotations, Descriptor};

/// One name for several images, usually one a platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// Always 2.
    pub schema_version: u32,
    /// Media type of this document; old OCI indexes lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// What kind of artifact it is, when it is no image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// The manifests, in the order of preference.
    #[serde(deserialize_with = "null_is_default")]
    pub manifests: Vec<Descriptor>,
    /// The manifest this one refers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// Annotations; empty when absent.
    #[serde(default, skip_serializing_if = "Annotations::is_empty", deserialize_with = "null_is_default")]
    pub annotations: Annotations,
}

impl Index {
    /// An OCI index of these entries that says nothing else.
    pub fn of(manifests: Vec<Descriptor>) -> Self {
        Self {
            schema_version: 2,
            media_type: Some(crate::media_type::OCI_INDEX.to_owned()),
            artifact_type: None,
            manifests,
            subject: None,
            annotations: Annotations::new(),
        }
    }
}
