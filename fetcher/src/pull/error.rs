//! Why an image could not be pulled.

use oci::Digest;
use registry::{Cause, ManifestName, Operation};

/// Why an image could not be pulled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PullError {
    #[error(transparent)]
    Registry(#[from] registry::Error),
    #[error("failed to write the pulled image")]
    Write(#[from] std::io::Error),
    #[error("`{digest}` is not a valid {expected}")]
    Document {
        digest: Digest,
        expected: &'static str,
        #[source]
        source: serde_json::Error,
    },
    #[error("`{digest}` is an artifact of type `{kind}`, not an image")]
    Artifact { digest: Digest, kind: String },
    #[error("`{digest}` is a document of type `{media_type}`; expected an image manifest or an index")]
    MediaType { digest: Digest, media_type: String },
    #[error("index `{digest}` holds indexes within indexes, more than {levels} levels of them")]
    TooDeep { digest: Digest, levels: usize },
    #[error("index `{digest}` holds no image, only {entries} other entries")]
    NoImage { digest: Digest, entries: usize },
    #[error("`{digest}` has {found} bytes, but its descriptor says {expected}")]
    Size { digest: Digest, expected: u64, found: u64 },
    #[error("`{digest}` is of type `{found}`, but the index says `{expected}`")]
    Contradiction { digest: Digest, expected: String, found: String },
}

impl PullError {
    /// Whether the registry has no manifest of this digest.
    pub(crate) fn is_gone(&self, digest: Digest) -> bool {
        let Self::Registry(error) = self else { return false };
        matches!(error.operation(), Operation::FetchManifest(ManifestName::Digest(asked)) if *asked == digest)
            && matches!(error.cause(), Cause::Status { status, .. } if status.as_u16() == 404)
    }

    /// What the user can do about it.
    pub(crate) fn hints(&self) -> Vec<String> {
        let hint = |text: &str| vec![text.to_owned()];
        match self {
            Self::Registry(error) => error.hints(),
            Self::Artifact { .. } | Self::MediaType { .. } => {
                hint("a base has to be a container image: check the repository and the digest or tag")
            }
            Self::TooDeep { .. } => hint("pull one of the inner indexes by its digest"),
            Self::NoImage { .. } => hint(
                "check that the tag or digest is that of the image and not of its signatures or attestations",
            ),
            Self::Document { .. } | Self::Size { .. } | Self::Contradiction { .. } => {
                hint("whoever pushed this image wrote it wrong; it has to be pushed again with another tool")
            }
            Self::Write(_) => Vec::new(),
        }
    }
}
