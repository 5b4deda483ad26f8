//! What requests are about.

use std::fmt;

use oci::{Digest, RegistryHost, Repository, Tag};

/// A repository of a registry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Remote {
    /// Where.
    pub registry: RegistryHost,
    /// Which repository there.
    pub repository: Repository,
}

impl Remote {
    /// A repository of a registry.
    pub fn new(registry: RegistryHost, repository: Repository) -> Self {
        Self { registry, repository }
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)
    }
}

/// How a manifest is asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ManifestName {
    /// By a tag, whatever it points to now.
    Tag(Tag),
    /// By its digest.
    Digest(Digest),
}

impl fmt::Display for ManifestName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => tag.fmt(f),
            Self::Digest(digest) => digest.fmt(f),
        }
    }
}

impl From<Tag> for ManifestName {
    fn from(tag: Tag) -> Self {
        Self::Tag(tag)
    }
}

impl From<Digest> for ManifestName {
    fn from(digest: Digest) -> Self {
        Self::Digest(digest)
    }
}

/// What an operation is, in words for a message: "failed to ...".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Reading a manifest.
    FetchManifest(ManifestName),
    /// Asking whether a manifest is there.
    FindManifest(ManifestName),
    /// Writing a manifest.
    PushManifest(ManifestName),
    /// Reading a blob.
    FetchBlob(Digest),
    /// Asking whether a blob is there.
    FindBlob(Digest),
    /// Writing a blob.
    PushBlob(Digest),
    /// Taking a blob from another repository of the same registry.
    MountBlob(Digest, Repository),
    /// Asking what refers to a manifest.
    ListReferrers(Digest),
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FetchManifest(name) => write!(f, "fetch manifest `{name}` from"),
            Self::FindManifest(name) => write!(f, "look for manifest `{name}` in"),
            Self::PushManifest(name) => write!(f, "push manifest `{name}` to"),
            Self::FetchBlob(digest) => write!(f, "fetch blob `{digest}` from"),
            Self::FindBlob(digest) => write!(f, "look for blob `{digest}` in"),
            Self::PushBlob(digest) => write!(f, "push blob `{digest}` to"),
            Self::MountBlob(digest, from) => write!(f, "mount blob `{digest}` from `{from}` into"),
            Self::ListReferrers(digest) => write!(f, "list what refers to `{digest}` in"),
        }
    }
}
