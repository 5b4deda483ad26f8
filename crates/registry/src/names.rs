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
        }
    }
}

/// What a token is asked for (distribution's token specification): `repository:me/app:pull,push`, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Scopes(pub(crate) Vec<String>);

impl Scopes {
    pub(crate) fn new(repository: &Repository, push: bool, mount_from: Option<&Repository>) -> Self {
        let actions = if push { "pull,push" } else { "pull" };
        let source = mount_from.filter(|source| *source != repository);
        let mut scopes = vec![format!("repository:{repository}:{actions}")];
        scopes.extend(source.map(|source| format!("repository:{source}:pull")));
        scopes.sort();
        Self(scopes)
    }
}
