//! What each repository shows: blobs (links), manifests, tags, referrers.
//!
//! One rule holds at every moment, also at one where the process is killed: what is visible is complete. So parts are
//! written before what refers to them and removed after it, and a removal, which must look at all that could
//! refer to its object, excludes every other change.

use std::io;
use std::path::Path;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use oci::{Descriptor, Digest, Repository, Tag};

use super::files::{self, Files};
use super::layout::{LINKS, Layout, MANIFESTS, TAGS, UPLOADS};
use super::walk;
use crate::document::{Document, Part, PartKind};
use crate::error::Error;
use crate::route::Reference;

/// All repositories below a root. Methods block; call them through [`super::Store::run`].
pub(crate) struct Repositories {
    pub(super) layout: Layout,
    pub(super) files: Files,
    /// Additions share it, removals have it alone.
    changes: RwLock<()>,
}

impl Repositories {
    pub(super) fn new(layout: Layout, files: Files) -> Self {
        Self { layout, files, changes: RwLock::new(()) }
    }

    pub(super) fn adding(&self) -> RwLockReadGuard<'_, ()> {
        self.changes.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn removing(&self) -> RwLockWriteGuard<'_, ()> {
        self.changes.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a blob may be read in a repository.
    pub(crate) fn has_blob(&self, repository: &Repository, digest: Digest) -> bool {
        self.layout.link(repository, digest).is_file()
    }

    /// A verified file becomes the content of a blob and is linked in a repository.
    pub(super) fn commit(&self, repository: &Repository, file: &Path, digest: Digest) -> io::Result<()> {
        let _adding = self.adding();
        let content = self.layout.blob(digest);
        if content.is_file() {
            self.files.remove(file)?;
        } else {
            self.files.rename(file, &content)?;
        }
        self.files.touch(&self.layout.link(repository, digest))
    }

    /// Links a blob of another repository. Says whether that was possible.
    pub(crate) fn mount(&self, from: &Repository, to: &Repository, digest: Digest) -> io::Result<bool> {
        let _adding = self.adding();
        let there = self.has_blob(from, digest);
        if there && from != to {
            self.files.touch(&self.layout.link(to, digest))?;
        }
        Ok(there)
    }

    /// A blob disappears from a repository, and from the disk when no other has it.
    pub(crate) fn remove_blob(&self, repository: &Repository, digest: Digest) -> Result<(), Error> {
        let _removing = self.removing();
        if !self.has_blob(repository, digest) {
            return Err(Error::BlobUnknown { repository: repository.clone(), digest });
        }
        self.check_unreferenced(repository, digest, PartKind::Blob)?;
        self.files.remove(&self.layout.link(repository, digest))?;
        self.prune(repository);
        let mut linked = false;
        for other in walk::repositories(&self.layout)? {
            linked = linked || self.has_blob(&other, digest);
        }
        if !linked {
            self.files.remove(&self.layout.blob(digest))?;
            self.files.remove(&self.layout.cached(digest))?;
        }
        Ok(())
    }

    /// The bytes of a manifest and their digest.
    pub(crate) fn manifest(
        &self,
        repository: &Repository,
        reference: &Reference,
    ) -> Result<(Digest, Vec<u8>), Error> {
        let digest = match reference {
            Reference::Digest(digest) => Some(*digest),
            Reference::Tag(tag) => self.resolve(repository, tag)?,
        };
        let unknown =
            || Error::ManifestUnknown { repository: repository.clone(), reference: reference.to_string() };
        let digest = digest.ok_or_else(unknown)?;
        let bytes = files::read(&self.layout.manifest(repository, digest))?.ok_or_else(unknown)?;
        Ok((digest, bytes))
    }

    fn resolve(&self, repository: &Repository, tag: &Tag) -> io::Result<Option<Digest>> {
        let text = files::read(&self.layout.tag(repository, tag))?;
        Ok(text.and_then(|text| String::from_utf8(text).ok()?.trim_end().parse().ok()))
    }

    /// A manifest appears, then its tags. Sizes of blobs were checked by the caller.
    pub(crate) fn put_manifest(
        &self,
        repository: &Repository,
        (digest, bytes): (Digest, &[u8]),
        document: &Document,
        tags: &[Tag],
    ) -> Result<(), Error> {
        let _adding = self.adding();
        for part in &document.parts {
            self.check_part(repository, part)?;
        }
        if let Some(subject) = document.subject {
            self.files.touch(&self.layout.referrers(repository, subject).join(digest.hex()))?;
        }
        self.files.write(&self.layout.manifest(repository, digest), bytes)?;
        for tag in tags {
            self.files.write(&self.layout.tag(repository, tag), format!("{digest}\n").as_bytes())?;
        }
        Ok(())
    }

    fn check_part(&self, repository: &Repository, part: &Part) -> Result<(), Error> {
        let Part { kind, digest, size } = *part;
        let found = match kind {
            PartKind::Blob => self.has_blob(repository, digest).then_some(size),
            PartKind::Manifest => files::size(&self.layout.manifest(repository, digest))?,
        };
        match found {
            None => Err(Error::PartUnknown { repository: repository.clone(), what: kind.noun(), digest }),
            Some(found) if found != size => Err(Error::PartSize { digest, expected: size, found }),
            Some(_) => Ok(()),
        }
    }

    /// A tag disappears.
    pub(crate) fn remove_tag(&self, repository: &Repository, tag: &Tag) -> Result<(), Error> {
        let _removing = self.removing();
        if !self.files.remove(&self.layout.tag(repository, tag))? {
            let reference = tag.to_string();
            return Err(Error::ManifestUnknown { repository: repository.clone(), reference });
        }
        self.prune(repository);
        Ok(())
    }

    /// A manifest disappears, its tags first.
    pub(crate) fn remove_manifest(&self, repository: &Repository, digest: Digest) -> Result<(), Error> {
        let _removing = self.removing();
        let (_, bytes) = self.manifest(repository, &Reference::Digest(digest))?;
        self.check_unreferenced(repository, digest, PartKind::Manifest)?;
        for tag in self.tags(repository)? {
            if self.resolve(repository, &tag)? == Some(digest) {
                self.files.remove(&self.layout.tag(repository, &tag))?;
            }
        }
        self.files.remove(&self.layout.manifest(repository, digest))?;
        if let Some(subject) = Document::parse(&bytes, None)?.subject {
            let folder = self.layout.referrers(repository, subject);
            self.files.remove(&folder.join(digest.hex()))?;
            files::prune(&folder, &self.layout.repositories());
        }
        self.prune(repository);
        Ok(())
    }

    fn check_unreferenced(
        &self,
        repository: &Repository,
        digest: Digest,
        kind: PartKind,
    ) -> Result<(), Error> {
        for (by, bytes) in self.manifests(repository)? {
            let document = Document::parse(&bytes, None)?;
            if document.parts.iter().any(|part| part.kind == kind && part.digest == digest) {
                return Err(Error::Referenced { digest, by });
            }
        }
        Ok(())
    }

    pub(super) fn manifests(&self, repository: &Repository) -> io::Result<Vec<(Digest, Vec<u8>)>> {
        let folder = self.layout.repository(repository).join(MANIFESTS);
        let mut manifests = Vec::new();
        for digest in walk::digests(&folder)? {
            if let Some(bytes) = files::read(&folder.join(digest.hex()))? {
                manifests.push((digest, bytes));
            }
        }
        Ok(manifests)
    }

    /// The tags of a repository, sorted.
    pub(crate) fn tags(&self, repository: &Repository) -> io::Result<Vec<Tag>> {
        let names = files::names(&self.layout.tags(repository))?;
        let mut tags: Vec<Tag> = names.iter().filter_map(|name| name.parse().ok()).collect();
        tags.sort();
        Ok(tags)
    }

    /// Whether there is anything in a repository.
    pub(crate) fn is_known(&self, repository: &Repository) -> bool {
        let folder = self.layout.repository(repository);
        folder.join(LINKS).is_dir() || folder.join(MANIFESTS).is_dir()
    }

    /// All repositories, sorted.
    pub(crate) fn catalog(&self) -> io::Result<Vec<Repository>> {
        let mut repositories = walk::repositories(&self.layout)?;
        repositories.retain(|repository| self.is_known(repository));
        repositories.sort();
        Ok(repositories)
    }

    /// What refers to a subject, sorted by digest.
    pub(crate) fn referrers(
        &self,
        repository: &Repository,
        subject: Digest,
    ) -> Result<Vec<Descriptor>, Error> {
        let mut found = Vec::new();
        for digest in walk::digests(&self.layout.referrers(repository, subject))? {
            // The marker is written before its manifest, and may be all that there is.
            if let Some(bytes) = files::read(&self.layout.manifest(repository, digest))? {
                found.push(Document::parse(&bytes, None)?.describe(digest, bytes.len() as u64));
            }
        }
        Ok(found)
    }

    /// Removes the folders of a repository that are empty, and the repository with the last of them.
    fn prune(&self, repository: &Repository) {
        let folder = self.layout.repository(repository);
        for kind in [UPLOADS, TAGS, MANIFESTS, LINKS] {
            files::prune(&folder.join(kind), &self.layout.repositories());
        }
    }
}
