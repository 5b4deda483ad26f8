//! A registry in memory that misbehaves on request.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use oci::Digest;

use crate::fault::Fault;
use crate::guard::{Guard, TokenPolicy};
use crate::handler::{Shared, lock};
use crate::image::{Document, Image, image, index};
use crate::log::{Record, count};
use crate::server::Server;
use crate::store::Stored;
use crate::tls::Certificate;

/// A registry on loopback, in memory. It ends when it is dropped.
pub struct FakeRegistry {
    server: Server,
    shared: Arc<Shared>,
}

impl FakeRegistry {
    /// Starts an empty registry.
    pub fn start() -> Self {
        let shared = Arc::new(Shared::default());
        Self { server: Server::start(Arc::clone(&shared), None), shared }
    }

    /// Starts an empty registry that speaks TLS.
    pub fn start_tls(certificate: &Certificate) -> Self {
        let shared = Arc::new(Shared::default());
        let tls = Some(certificate.acceptor.clone());
        Self { server: Server::start(Arc::clone(&shared), tls), shared }
    }

    /// `127.0.0.1:port`
    pub fn host(&self) -> String {
        self.server.address.to_string()
    }

    /// `http://127.0.0.1:port`
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// Says who may use it.
    pub fn guard(&self, guard: Guard) {
        lock(&self.shared.settings).guard = guard;
    }

    /// Says how it treats those who want several rights at once.
    pub fn tokens(&self, policy: TokenPolicy) {
        lock(&self.shared.settings).tokens = policy;
    }

    /// Does not list referrers, as registries before version 1.1 of the specification.
    pub fn without_referrers(&self) {
        lock(&self.shared.settings).without_referrers = true;
    }

    /// Answers every wish to mount with an upload.
    pub fn without_mounts(&self) {
        lock(&self.shared.settings).without_mounts = true;
    }

    /// Answers 413 to bodies that are larger.
    pub fn limit_bodies(&self, bytes: usize) {
        lock(&self.shared.settings).max_body = Some(bytes);
    }

    /// Sends uploads to another host, given as `http://host:port`.
    pub fn upload_elsewhere(&self, url: &str) {
        lock(&self.shared.settings).upload_host = Some(url.to_owned());
    }

    /// Holds each request back, as a long way would.
    pub fn latency(&self, latency: Duration) {
        lock(&self.shared.settings).latency = latency;
    }

    /// Misbehaves from now on.
    pub fn fault(&self, fault: Fault) {
        self.shared.faults.add(fault);
    }

    /// Fails so many of a thousand requests by chance: answers 408, 429, 500 or 503, or cuts the connection before or
    /// after it did what was asked. The same seed fails the same requests.
    pub fn fail_by_chance(&self, seed: u64, per_mille: u64) {
        self.shared.faults.by_chance(seed, per_mille);
    }

    /// Behaves again.
    pub fn behave(&self) {
        self.shared.faults.clear();
    }

    /// Puts a blob into a repository.
    pub fn add_blob(&self, repository: &str, bytes: impl Into<Bytes>) -> Digest {
        let bytes = bytes.into();
        let digest = crate::image::digest_of(&bytes);
        lock(&self.shared.store).put_blob(repository, &digest.to_string(), bytes);
        digest
    }

    /// Puts a manifest into a repository, under its digest and under the tag, if one is given.
    pub fn add_manifest(&self, repository: &str, tag: &str, document: &Document) -> Digest {
        let stored = Stored { media_type: document.media_type.clone(), bytes: document.bytes.clone() };
        let digest = document.digest();
        let mut store = lock(&self.shared.store);
        if !tag.is_empty() {
            store.put_manifest(repository, tag, stored.clone());
        }
        store.put_manifest(repository, &digest.to_string(), stored);
        digest
    }

    /// Puts an image and all its parts into a repository.
    pub fn add(&self, repository: &str, tag: &str, image: &Image) -> Digest {
        for blob in image.layers.iter().chain([&image.config]) {
            self.add_blob(repository, blob.bytes.clone());
        }
        self.add_manifest(repository, tag, &image.manifest)
    }

    /// Puts an image for several platforms into a repository; the digest is that of its index.
    pub fn add_image(&self, repository: &str, tag: &str, platforms: &[&str]) -> Digest {
        let images: Vec<Image> =
            platforms.iter().map(|platform| image(platform, format!("layer for {platform}"))).collect();
        for image in &images {
            self.add(repository, "", image);
        }
        let entries: Vec<(&str, &Image)> = platforms.iter().copied().zip(&images).collect();
        self.add_manifest(repository, tag, &index(&entries))
    }

    /// A blob that somebody pushed.
    pub fn blob(&self, repository: &str, digest: &str) -> Option<Bytes> {
        lock(&self.shared.store).blob(repository, digest)
    }

    /// A manifest that somebody pushed, by tag or digest.
    pub fn manifest(&self, repository: &str, name: &str) -> Option<Document> {
        let stored = lock(&self.shared.store).manifest(repository, name)?;
        Some(Document { media_type: stored.media_type, bytes: stored.bytes })
    }

    /// What it was asked so far.
    pub fn requests(&self) -> Vec<Record> {
        self.shared.log.all()
    }

    /// How many requests of each verb and kind, such as `GET manifest`.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        count(&self.requests())
    }

    /// Forgets what it was asked.
    pub fn forget_requests(&self) {
        self.shared.log.clear();
    }
}
