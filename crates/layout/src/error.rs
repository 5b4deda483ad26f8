//! Why an image cannot be written.

use std::path::PathBuf;

use oci::Digest;

/// Why an image cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// A document is not the JSON that it should be.
    #[error("`{digest}` is not {expected}")]
    Document {
        /// Digest of what was given.
        digest: Digest,
        /// What was expected.
        expected: &'static str,
        /// Why not.
        #[source]
        source: serde_json::Error,
    },
    /// The image has no document of the digest that its descriptor names.
    #[error("the image `{0}` itself is missing")]
    NoRoot(Digest),
    /// An index names an image that was not given.
    #[error("the index names `{0}`, which is missing")]
    NoManifest(Digest),
    /// A config is not the one that its manifest names.
    #[error("the config of `{manifest}` is not the one that it names")]
    Config {
        /// The manifest.
        manifest: Digest,
        /// How it differs.
        #[source]
        source: blob::Mismatch,
    },
    /// Manifest and given files differ in number.
    #[error("the manifest `{manifest}` has {expected} layers, but {found} were given")]
    LayerCount {
        /// The manifest.
        manifest: Digest,
        /// Layers in it.
        expected: usize,
        /// Files.
        found: usize,
    },
    /// Blobs that nobody has.
    #[error("{} of the image's blobs are not part of the build, the first is `{}`", .0.len(), .0.first().map(ToString::to_string).unwrap_or_default())]
    Missing(Vec<Digest>),
    /// A file is not what the manifest says.
    #[error("`{path}` is not the blob that the manifest names")]
    Blob {
        /// The file.
        path: PathBuf,
        /// How it differs.
        #[source]
        source: blob::Mismatch,
    },
    /// A document is larger than any that is read.
    #[error("failed to read `{path}`")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// How much is read.
        #[source]
        source: blob::TooLarge,
    },
    /// A folder without the marker.
    #[error("`{0}` is not an OCI layout: it has no file `oci-layout`")]
    NoLayout(PathBuf),
    /// Indexes within indexes without end.
    #[error("the index `{0}` lies too deep within other indexes")]
    TooDeep(Digest),
    /// A listing is not one.
    #[error("line {line} of the listing `{path}`: {problem}")]
    Listing {
        /// The listing.
        path: String,
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        problem: &'static str,
    },
    /// Reading or writing failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}
