//! Where things lie below the root. Components of repository names cannot begin with `_`, so the folders of a
//! repository cannot be mistaken for repositories below it.

use std::path::{Path, PathBuf};

use oci::{Digest, Repository, Tag};
use uuid::Uuid;

/// Folder of blob links within a repository.
pub(super) const LINKS: &str = "_blobs";
/// Folder of manifests within a repository.
pub(super) const MANIFESTS: &str = "_manifests";
/// Folder of tags within a repository.
pub(super) const TAGS: &str = "_tags";
/// Folder of referrer markers within a repository.
pub(super) const REFERRERS: &str = "_referrers";
/// Folder of unfinished uploads within a repository.
pub(super) const UPLOADS: &str = "_uploads";

/// Paths below a root.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    root: PathBuf,
}

impl Layout {
    /// The layout of a root.
    pub(super) fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Held by the one process that may write.
    pub(super) fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    /// Below this, the contents of all blobs.
    pub(super) fn blobs(&self) -> PathBuf {
        self.root.join("blobs").join("sha256")
    }

    /// The content of a blob. 256 folders keep each of them small.
    pub(super) fn blob(&self, digest: Digest) -> PathBuf {
        let hex = digest.hex();
        self.blobs().join(&hex[..2]).join(hex)
    }

    /// Below this, the sizes of the blobs whose contents are left to the remote cache.
    pub(super) fn all_cached(&self) -> PathBuf {
        self.root.join("cached").join("sha256")
    }

    /// The size of a blob whose content is left to the remote cache, in decimal digits.
    pub(super) fn cached(&self, digest: Digest) -> PathBuf {
        let hex = digest.hex();
        self.all_cached().join(&hex[..2]).join(hex)
    }

    /// Below this, all repositories.
    pub(super) fn repositories(&self) -> PathBuf {
        self.root.join("repositories")
    }

    /// The folder of a repository and of those whose names begin with its name.
    pub(super) fn repository(&self, repository: &Repository) -> PathBuf {
        self.repositories().join(repository.as_str())
    }

    /// An empty file: the blob may be read in this repository.
    pub(super) fn link(&self, repository: &Repository, digest: Digest) -> PathBuf {
        self.repository(repository).join(LINKS).join(digest.hex())
    }

    /// The bytes of a manifest.
    pub(super) fn manifest(&self, repository: &Repository, digest: Digest) -> PathBuf {
        self.repository(repository).join(MANIFESTS).join(digest.hex())
    }

    /// All tags of a repository.
    pub(super) fn tags(&self, repository: &Repository) -> PathBuf {
        self.repository(repository).join(TAGS)
    }

    /// A file that holds a digest.
    pub(super) fn tag(&self, repository: &Repository, tag: &Tag) -> PathBuf {
        self.tags(repository).join(tag.as_str())
    }

    /// Names of the manifests that refer to a subject.
    pub(super) fn referrers(&self, repository: &Repository, subject: Digest) -> PathBuf {
        self.repository(repository).join(REFERRERS).join(subject.hex())
    }

    /// An unfinished upload.
    pub(super) fn upload(&self, repository: &Repository, id: Uuid) -> PathBuf {
        self.repository(repository).join(UPLOADS).join(id.to_string())
    }
}
