//! A containerd, a client that does not wait long, and sources of bytes.

use std::future::Ready;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use containerd::{ByteStream, Client, Lease, Patience};
use futures_util::stream::{self, StreamExt as _};
use oci::Descriptor;
use oci::media_type::OCI_LAYER_GZIP;
use tempfile::TempDir;
use testkit::fake_containerd::FakeContainerd;

/// Does not sleep, but gives a busy machine time.
pub(crate) fn patience() -> Patience {
    Patience { attempts: 4, delay: Duration::from_millis(1), ..Patience::default() }
}

/// Waits for nothing that does not come soon.
pub(crate) fn impatience() -> Patience {
    let limit = Duration::from_millis(300);
    Patience { call: limit, commit: limit, lock: limit, ..patience() }
}

pub(crate) struct Setup {
    pub(crate) containerd: FakeContainerd,
    pub(crate) client: Client,
    pub(crate) folder: TempDir,
}

pub(crate) async fn setup() -> Setup {
    setup_with(patience()).await
}

pub(crate) async fn setup_with(patience: Patience) -> Setup {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("containerd.sock");
    let containerd = FakeContainerd::start(&socket);
    let client = Client::connect_with(&[socket], "moby", patience).await.unwrap();
    Setup { containerd, client, folder }
}

impl Setup {
    pub(crate) async fn lease(&self) -> Lease {
        self.client.lease().await.unwrap()
    }
}

/// Bytes that are nowhere the same.
pub(crate) fn bytes(size: usize) -> Vec<u8> {
    (0..size).map(|i| u8::try_from((i * i / 7) % 251).unwrap()).collect()
}

pub(crate) fn descriptor(bytes: &[u8]) -> Descriptor {
    Descriptor::new(OCI_LAYER_GZIP, testkit::digest_of(bytes), bytes.len() as u64)
}

/// A source in chunks of this size, that remembers from where it was opened.
#[derive(Clone, Default)]
pub(crate) struct Source {
    bytes: Bytes,
    chunk: usize,
    /// Fails after so many bytes.
    fails_at: Option<usize>,
    opened: Arc<Mutex<Vec<u64>>>,
}

impl Source {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self { bytes: bytes.into(), chunk: 100_000, ..Self::default() }
    }

    pub(crate) fn in_chunks_of(self, chunk: usize) -> Self {
        Self { chunk, ..self }
    }

    pub(crate) fn failing_at(self, offset: usize) -> Self {
        Self { fails_at: Some(offset), ..self }
    }

    /// Where it was opened.
    pub(crate) fn opened(&self) -> Vec<u64> {
        self.opened.lock().unwrap().clone()
    }

    pub(crate) fn open(&self, offset: u64) -> Ready<io::Result<ByteStream>> {
        self.opened.lock().unwrap().push(offset);
        let end = self.fails_at.unwrap_or(self.bytes.len());
        let rest = self.bytes.slice(usize::try_from(offset).unwrap()..end);
        let mut chunks: Vec<_> =
            rest.chunks(self.chunk).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
        if self.fails_at.is_some() {
            chunks.push(Err(io::Error::other("the disk broke")));
        }
        std::future::ready(Ok(stream::iter(chunks).boxed()))
    }
}
