//! What a fake registry holds.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};

/// A manifest or index.
#[derive(Clone)]
pub(crate) struct Stored {
    pub(crate) media_type: String,
    pub(crate) bytes: Bytes,
}

/// Keys are `repository` and `repository\ndigest-or-tag`.
#[derive(Default)]
pub(crate) struct Store {
    blobs: BTreeMap<(String, String), Bytes>,
    manifests: BTreeMap<(String, String), Stored>,
    uploads: BTreeMap<String, BytesMut>,
    next_upload: u64,
}

fn key(repository: &str, name: &str) -> (String, String) {
    (repository.to_owned(), name.to_owned())
}

impl Store {
    pub(crate) fn blob(&self, repository: &str, digest: &str) -> Option<Bytes> {
        self.blobs.get(&key(repository, digest)).cloned()
    }

    pub(crate) fn put_blob(&mut self, repository: &str, digest: &str, bytes: Bytes) {
        self.blobs.insert(key(repository, digest), bytes);
    }

    pub(crate) fn manifest(&self, repository: &str, name: &str) -> Option<Stored> {
        self.manifests.get(&key(repository, name)).cloned()
    }

    /// The manifests that a repository has by digest.
    pub(crate) fn manifests(&self, repository: &str) -> Vec<Stored> {
        let here = |key: &(String, String)| key.0 == repository && key.1.starts_with("sha256:");
        self.manifests.iter().filter(|(key, _)| here(key)).map(|(_, stored)| stored.clone()).collect()
    }

    pub(crate) fn put_manifest(&mut self, repository: &str, name: &str, stored: Stored) {
        self.manifests.insert(key(repository, name), stored);
    }

    pub(crate) fn begin_upload(&mut self) -> String {
        self.next_upload += 1;
        let id = format!("upload-{}", self.next_upload);
        self.uploads.insert(id.clone(), BytesMut::new());
        id
    }

    pub(crate) fn upload(&mut self, id: &str) -> Option<&mut BytesMut> {
        self.uploads.get_mut(id)
    }

    pub(crate) fn end_upload(&mut self, id: &str) -> Option<BytesMut> {
        self.uploads.remove(id)
    }

    pub(crate) fn forget_uploads(&mut self) {
        self.uploads.clear();
    }
}
