//! A containerd in memory that can be told to fail in the ways that containerd fails, and that keeps blobs no better and no
//! worse than it: what neither an image nor a lease refers to goes when [`FakeContainerd::collect`] says so.
//!
//! ```
//! use testkit::fake_containerd::{Failure, FakeContainerd};
//! let folder = tempfile::tempdir()?;
//! let containerd = FakeContainerd::start(&folder.path().join("containerd.sock"));
//! let digest = containerd.add(b"layer".to_vec());
//! containerd.fail("Write", Failure::Break(2), 1);
//! assert!(containerd.has(digest));
//! # Ok::<(), std::io::Error>(())
//! ```

mod calls;
mod collect;
mod serve;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use containerd_api::{Descriptor, Image};
use oci::Digest;

use crate::background::{Background, listen_unix};

/// What containerd does instead of answering properly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Answers with this gRPC code and message.
    Code(i32, &'static str),
    /// Does what it is asked to, and answers with this gRPC code.
    CodeAfter(i32),
    /// Never answers.
    Hang,
    /// Write: takes so many bytes and ends the stream with UNAVAILABLE.
    Break(usize),
    /// Write: takes so many bytes and ends the stream without a word.
    End(usize),
    /// Write: says at first that so many bytes are there.
    Offset(i64),
    /// Info: answers, and the blob is gone.
    Vanish,
}

/// Another program that writes a blob.
struct Other {
    bytes: Vec<u8>,
    offset: usize,
    step: usize,
}

/// A blob, and what is noted about it.
#[derive(Default)]
struct Blob {
    bytes: Vec<u8>,
    labels: BTreeMap<String, String>,
}

#[derive(Default)]
struct State {
    blobs: BTreeMap<String, Blob>,
    ingests: BTreeMap<String, Vec<u8>>,
    locked: BTreeSet<String>,
    others: BTreeMap<String, Other>,
    images: BTreeMap<String, Image>,
    leases: BTreeMap<String, BTreeSet<String>>,
    lease_labels: BTreeMap<String, String>,
    failures: Vec<(&'static str, Failure, usize)>,
    calls: Vec<String>,
    sent: usize,
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<State>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A containerd on a socket; it ends when this is dropped.
pub struct FakeContainerd {
    shared: Shared,
    _background: Background,
}

impl FakeContainerd {
    /// Starts on a socket of this machine.
    pub fn start(path: &Path) -> Self {
        let shared = Shared::default();
        let (state, path) = (shared.clone(), path.to_owned());
        let (background, ()) = Background::start(async move || ((), serve::serve(state, listen_unix(&path))));
        Self { shared, _background: background }
    }

    /// Stores a blob without labels.
    pub fn add(&self, bytes: impl Into<Vec<u8>>) -> Digest {
        let bytes = bytes.into();
        let digest = crate::digest_of(&bytes);
        self.shared.lock().blobs.insert(digest.to_string(), Blob { bytes, ..Blob::default() });
        digest
    }

    /// Stores the beginning of a blob, as an attempt that was interrupted would.
    pub fn add_ingest(&self, digest: Digest, bytes: impl Into<Vec<u8>>) {
        self.shared.lock().ingests.insert(format!("write-{}", digest.hex()), bytes.into());
    }

    /// Lets another program write a blob: so many bytes each time that somebody looks.
    pub fn write_elsewhere(&self, bytes: impl Into<Vec<u8>>, step: usize) -> Digest {
        let bytes = bytes.into();
        let digest = crate::digest_of(&bytes);
        let other = Other { bytes, offset: 0, step };
        self.shared.lock().others.insert(format!("write-{}", digest.hex()), other);
        digest
    }

    /// Forgets what neither an image nor a lease holds.
    pub fn collect(&self) {
        self.shared.lock().collect();
    }

    /// Whether it has a blob.
    pub fn has(&self, digest: Digest) -> bool {
        self.shared.lock().blobs.contains_key(&digest.to_string())
    }

    /// The bytes of a blob.
    pub fn bytes(&self, digest: Digest) -> Option<Vec<u8>> {
        self.shared.lock().blobs.get(&digest.to_string()).map(|blob| blob.bytes.clone())
    }

    /// What is noted about a blob.
    pub fn labels(&self, digest: Digest) -> BTreeMap<String, String> {
        self.shared.lock().blobs.get(&digest.to_string()).map(|blob| blob.labels.clone()).unwrap_or_default()
    }

    /// Notes something about a blob.
    pub fn label(&self, digest: Digest, name: &str, value: &str) {
        if let Some(blob) = self.shared.lock().blobs.get_mut(&digest.to_string()) {
            blob.labels.insert(name.to_owned(), value.to_owned());
        }
    }

    /// Names of the blobs that are half there.
    pub fn ingests(&self) -> Vec<String> {
        self.shared.lock().ingests.keys().cloned().collect()
    }

    /// Names of the leases.
    pub fn leases(&self) -> Vec<String> {
        self.shared.lock().leases.keys().cloned().collect()
    }

    /// What was noted about the last lease.
    pub fn lease_labels(&self) -> BTreeMap<String, String> {
        self.shared.lock().lease_labels.clone()
    }

    /// Names of the images.
    pub fn images(&self) -> Vec<String> {
        self.shared.lock().images.keys().cloned().collect()
    }

    /// What a name stands for.
    pub fn image(&self, name: &str) -> Option<Descriptor> {
        self.shared.lock().images.get(name).and_then(|image| image.target.clone())
    }

    /// Fails at the next so many calls of a method.
    pub fn fail(&self, method: &'static str, failure: Failure, times: usize) {
        self.shared.lock().failures.push((method, failure, times));
    }

    /// What it was asked, as `Service/Method`.
    pub fn calls(&self) -> Vec<String> {
        self.shared.lock().calls.clone()
    }

    /// How many bytes of blobs it was sent.
    pub fn sent(&self) -> usize {
        self.shared.lock().sent
    }
}
