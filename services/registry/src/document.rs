//! What a pushed manifest or index says, checked as far as that is possible without looking at the store.
//!
//! The media type is not stored anywhere: it follows from the bytes ([`media_type`]), because [`Document::parse`] refuses
//! a manifest for which it would not.

use oci::{Annotations, Descriptor, Digest, Index, Manifest, media_type};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::error::Error;

/// A manifest or an index.
pub(crate) struct Document {
    /// Its media type.
    pub(crate) media_type: String,
    /// What it consists of; all of it must be in the repository.
    pub(crate) parts: Vec<Part>,
    /// The manifest that it refers to, which need not exist.
    pub(crate) subject: Option<Digest>,
    /// What the referrers API says about it.
    pub(crate) artifact_type: Option<String>,
    /// Its annotations.
    pub(crate) annotations: Annotations,
}

/// Something that a manifest consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) kind: PartKind,
    pub(crate) digest: Digest,
    pub(crate) size: u64,
}

/// Where a part is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PartKind {
    Blob,
    Manifest,
}

impl PartKind {
    /// The word for messages.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::Blob => "blob",
            Self::Manifest => "manifest",
        }
    }
}

/// The fields that tell the kinds of documents apart.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shape {
    media_type: Option<String>,
    manifests: Option<IgnoredAny>,
    config: Option<IgnoredAny>,
    layers: Option<IgnoredAny>,
}

impl Shape {
    /// A document without a media type is what its fields make it (image specification, `mediaType`: "SHOULD be used").
    fn media_type(self) -> String {
        let default = if self.manifests.is_some() { media_type::OCI_INDEX } else { media_type::OCI_MANIFEST };
        self.media_type.unwrap_or_else(|| default.to_owned())
    }
}

/// The media type of a document that was accepted before.
pub(crate) fn media_type(bytes: &[u8]) -> Result<String, Error> {
    Ok(serde_json::from_slice::<Shape>(bytes).map_err(Error::ManifestSyntax)?.media_type())
}

impl Document {
    /// Reads a document that was sent with a `Content-Type`, or none when it comes from the store.
    pub(crate) fn parse(bytes: &[u8], content_type: Option<&str>) -> Result<Self, Error> {
        let shape: Shape = serde_json::from_slice(bytes).map_err(Error::ManifestSyntax)?;
        // One document must not be an index to one reader and a manifest to another (CVE-2021-41190).
        if shape.manifests.is_some() && (shape.config.is_some() || shape.layers.is_some()) {
            return Err(Error::ManifestInvalid("it has the fields of an index and of a manifest".into()));
        }
        let media_type = shape.media_type();
        if let Some(content_type) = content_type.filter(|content_type| *content_type != media_type) {
            return Err(Error::ManifestInvalid(format!(
                "`Content-Type` is `{content_type}`, but the document is `{media_type}`"
            )));
        }
        let document = if media_type::is_index(&media_type) {
            Self::from_index(serde_json::from_slice(bytes).map_err(Error::ManifestSyntax)?, media_type)
        } else if media_type::is_manifest(&media_type) {
            Self::from_manifest(serde_json::from_slice(bytes).map_err(Error::ManifestSyntax)?, media_type)
        } else {
            return Err(Error::ManifestInvalid(format!(
                "media type `{media_type}`; expected an image manifest or index of OCI or Docker"
            )));
        };
        document.ok_or_else(|| Error::ManifestInvalid("`schemaVersion` is not 2".into()))
    }

    fn from_index(index: Index, media_type: String) -> Option<Self> {
        let parts = index.manifests.iter().map(|descriptor| {
            // An index may list things that are no manifests; those are blobs.
            let kind = &descriptor.media_type;
            let manifest = media_type::is_index(kind) || media_type::is_manifest(kind);
            part(if manifest { PartKind::Manifest } else { PartKind::Blob }, descriptor)
        });
        (index.schema_version == 2).then(|| Self {
            parts: parts.collect(),
            media_type,
            subject: index.subject.map(|subject| subject.digest),
            artifact_type: index.artifact_type.filter(|text| !text.is_empty()),
            annotations: index.annotations,
        })
    }

    fn from_manifest(manifest: Manifest, media_type: String) -> Option<Self> {
        // What may be downloaded from elsewhere need not be here.
        let layers = manifest.layers.iter().filter(|layer| layer.urls.is_empty());
        let parts = std::iter::once(&manifest.config).chain(layers);
        let parts = parts.map(|descriptor| part(PartKind::Blob, descriptor)).collect();
        let artifact_type = manifest.artifact_type.filter(|text| !text.is_empty());
        (manifest.schema_version == 2).then(|| Self {
            media_type,
            parts,
            subject: manifest.subject.map(|subject| subject.digest),
            artifact_type: artifact_type.or(Some(manifest.config.media_type)),
            annotations: manifest.annotations,
        })
    }

    /// How the referrers API lists it.
    pub(crate) fn describe(self, digest: Digest, size: u64) -> Descriptor {
        Descriptor {
            artifact_type: self.artifact_type,
            annotations: self.annotations,
            ..Descriptor::new(self.media_type, digest, size)
        }
    }
}

fn part(kind: PartKind, descriptor: &Descriptor) -> Part {
    Part { kind, digest: descriptor.digest, size: descriptor.size }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(byte: u8) -> String {
        Digest::from_bytes([byte; 32]).to_string()
    }

    fn manifest() -> serde_json::Value {
        serde_json::json!({
            "schemaVersion": 2,
            "mediaType": media_type::OCI_MANIFEST,
            "config": {"mediaType": "application/x", "digest": digest(1), "size": 2},
            "layers": [
                {"mediaType": media_type::OCI_LAYER, "digest": digest(2), "size": 3},
                {"mediaType": media_type::OCI_LAYER, "digest": digest(3), "size": 4, "urls": ["https://x.example"]},
            ],
            "subject": {"mediaType": media_type::OCI_MANIFEST, "digest": digest(4), "size": 5},
        })
    }

    #[test]
    fn lists_the_parts() {
        let document = Document::parse(manifest().to_string().as_bytes(), None).unwrap();
        let digests: Vec<_> =
            document.parts.iter().map(|part| (part.digest.to_string(), part.size)).collect();
        assert_eq!(digests, [(digest(1), 2), (digest(2), 3)]);
        assert_eq!(document.subject.unwrap().to_string(), digest(4));
        assert_eq!(document.artifact_type.as_deref(), Some("application/x"));
    }

    #[test]
    fn the_media_type_follows_from_the_bytes() {
        let mut document = manifest();
        document.as_object_mut().unwrap().remove("mediaType");
        let bytes = document.to_string();
        assert_eq!(media_type(bytes.as_bytes()).unwrap(), media_type::OCI_MANIFEST);
        assert!(Document::parse(bytes.as_bytes(), Some(media_type::OCI_MANIFEST)).is_ok());
        assert!(Document::parse(bytes.as_bytes(), Some(media_type::DOCKER_MANIFEST)).is_err());
        let index = r#"{"schemaVersion": 2, "manifests": []}"#;
        assert_eq!(Document::parse(index.as_bytes(), None).unwrap().media_type, media_type::OCI_INDEX);
    }

    #[test]
    fn refuses_what_clients_could_not_use() {
        let good = manifest();
        let with = |key: &str, value: serde_json::Value| {
            let mut document = good.clone();
            document[key] = value;
            document.to_string()
        };
        let mut bad_size = good.clone();
        bad_size["config"]["size"] = (-1).into();
        let table = [
            String::new(),
            "[]".to_owned(),
            "{}".to_owned(),
            with("schemaVersion", 1.into()),
            with("mediaType", "text/html".into()),
            with("mediaType", media_type::OCI_INDEX.into()),
            with("manifests", serde_json::json!([])),
            with("config", serde_json::Value::Null),
            with("layers", serde_json::json!([{"mediaType": "x", "digest": "sha512:12", "size": 1}])),
            bad_size.to_string(),
            format!("{good}x"),
        ];
        for text in table {
            assert!(Document::parse(text.as_bytes(), None).is_err(), "{text}");
        }
    }
}
