//! Making blobs visible that only the remote cache has.

use std::collections::BTreeMap;
use std::io;

use cas::Blob;
use oci::{Digest, Repository};

use super::cached::recorded;
use super::files;
use super::repositories::Repositories;
use crate::document::{Document, PartKind};
use crate::error::Error;

/// A blob that a manifest needs and only the remote cache has.
#[derive(Clone, Debug)]
pub(crate) struct Needed {
    /// The blob.
    pub(crate) blob: Blob,
    /// One of the manifests, as `repository@digest`.
    pub(crate) by: String,
}

impl Repositories {
    /// Links a blob that the remote cache has. Its size is written down first, so that whatever is linked can be found.
    /// Says whether that was possible: what is known of a blob stays as it is, and a size that contradicts it is refused.
    pub(crate) fn adopt(&self, repository: &Repository, blob: Blob) -> io::Result<bool> {
        let _adding = self.adding();
        match self.known_size(blob.digest)? {
            Some(size) if size != blob.size => return Ok(false),
            Some(_) => {}
            None => {
                let text = format!("{}\n", blob.size);
                self.files.write(&self.layout.cached(blob.digest), text.as_bytes())?;
            }
        }
        self.files.touch(&self.layout.link(repository, blob.digest))?;
        Ok(true)
    }

    /// The size that a blob has here or was committed with, in whatever repository.
    pub(crate) fn known_size(&self, digest: Digest) -> io::Result<Option<u64>> {
        match files::size(&self.layout.blob(digest))? {
            None => recorded(&self.layout, digest),
            size => Ok(size),
        }
    }

    /// Whether a blob may be read in a repository and lies on this disk.
    pub(crate) fn has_content(&self, repository: &Repository, digest: Digest) -> bool {
        self.has_blob(repository, digest) && self.layout.blob(digest).is_file()
    }

    /// What manifests need of the remote cache.
    pub(crate) fn needed(&self) -> Result<Vec<Needed>, Error> {
        let mut needed = BTreeMap::new();
        for repository in self.catalog()? {
            for (by, bytes) in self.manifests(&repository)? {
                let parts = Document::parse(&bytes, None)?.parts;
                for part in parts.into_iter().filter(|part| part.kind == PartKind::Blob) {
                    if needed.contains_key(&part.digest) || self.layout.blob(part.digest).is_file() {
                        continue;
                    }
                    if let Some(size) = recorded(&self.layout, part.digest)? {
                        let blob = Blob { digest: part.digest, size };
                        needed.insert(part.digest, Needed { blob, by: format!("{repository}@{by}") });
                    }
                }
            }
        }
        Ok(needed.into_values().collect())
    }
}
