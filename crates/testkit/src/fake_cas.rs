//! A remote cache in memory that can be told to fail in the ways that remote caches were seen to fail. It is also the blob
//! cache of a registry that takes over all that the cache has.
//!
//! ```
//! use testkit::fake_cas::{Failure, FakeCas};
//! let cache = FakeCas::start();
//! let digest = cache.add(b"layer".to_vec());
//! cache.fail("Read", Failure::Drop(2), 1);
//! assert!(cache.endpoint().starts_with("grpc://127.0.0.1:"));
//! # let _ = digest;
//! ```

mod commits;
mod services;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt as _};
use oci::Digest;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tonic::transport::server::{Connected, TcpIncoming};
use tonic::transport::{Identity, Server, ServerTlsConfig};

use crate::background::{self, Background};
use crate::tls::Certificate;
use services::Services;

/// What the cache does instead of answering properly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Breaks the stream after so many bytes.
    Drop(u64),
    /// Sends another bit in the middle.
    Flip,
    /// Sends one byte less and says that this was all.
    Short,
    /// Sends one byte more.
    Long,
    /// Sends another blob of the same size.
    Other,
    /// Sends so many bytes, the first one wrong, and breaks the stream.
    WrongThenDrop(u64),
    /// Says that the blob is not there.
    NotFound,
    /// Answers with this gRPC code.
    Code(i32),
    /// Says `UNAVAILABLE`, and after which time to come back.
    Unavailable(Option<Duration>),
    /// Says `UNAUTHENTICATED`.
    Unauthenticated,
    /// Sends so many bytes and then nothing, for ever.
    Stall(u64),
}

/// What the cache was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Name of the method, such as `Read`.
    pub method: &'static str,
    /// What of: the resource name and offset of a read, the number of blobs of a question.
    pub about: String,
    /// The `authorization` header, or empty.
    pub authorization: String,
}

/// What the cache says that it can do.
#[derive(Clone, Debug)]
pub struct Offer {
    /// Numbers of digest functions (REAPI, `DigestFunction.Value`).
    pub digest_functions: Vec<i32>,
    /// Whether blobs can be read in zstd.
    pub zstd: bool,
    /// Largest batch.
    pub max_batch: i64,
    /// Whether it stores blobs at all.
    pub is_cache: bool,
}

#[derive(Default)]
struct State {
    blobs: BTreeMap<String, Bytes>,
    failures: Vec<(&'static str, Failure, usize)>,
    calls: Vec<Call>,
    offer: Offer,
}

impl Default for Offer {
    fn default() -> Self {
        Self { digest_functions: vec![1], zstd: false, max_batch: 1 << 20, is_cache: true }
    }
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<State>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A remote cache on loopback; it ends when this is dropped.
pub struct FakeCas {
    shared: Shared,
    endpoint: String,
    _background: Background,
}

impl FakeCas {
    /// Starts on a free port.
    pub fn start() -> Self {
        Self::run(Server::builder(), port)
    }

    /// Starts on a free port, with TLS. Clients have to show a certificate that `clients` signed, if it is given.
    pub fn start_tls(certificate: &Certificate, clients: Option<&Certificate>) -> Self {
        let identity = Identity::from_pem(&certificate.pem, &certificate.key_pem);
        let mut tls = ServerTlsConfig::new().identity(identity);
        if let Some(clients) = clients {
            tls = tls.client_ca_root(tonic::transport::Certificate::from_pem(&clients.pem));
        }
        let server = Server::builder().tls_config(tls).expect("certificate and key belong together");
        let mut cache = Self::run(server, port);
        cache.endpoint = cache.endpoint.replace("grpc://", "grpcs://");
        cache
    }

    /// Starts on a socket of this machine.
    pub fn start_unix(path: &Path) -> Self {
        let path = path.to_owned();
        Self::run(Server::builder(), async move || socket(&path))
    }

    fn run<C>(
        server: Server,
        open: impl AsyncFnOnce() -> (String, BoxStream<'static, io::Result<C>>) + Send + 'static,
    ) -> Self
    where
        C: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
    {
        let shared = Shared::default();
        let services = Services(shared.clone());
        let (background, endpoint) = Background::start(async || {
            let (endpoint, connections) = open().await;
            let work = async move { drop(services.serve(server, connections).await) };
            (endpoint, work)
        });
        Self { shared, endpoint, _background: background }
    }

    /// What a client is told.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Stores a blob.
    pub fn add(&self, bytes: impl Into<Bytes>) -> Digest {
        let bytes = bytes.into();
        let digest = crate::digest_of(&bytes);
        self.shared.lock().blobs.insert(digest.hex(), bytes);
        digest
    }

    /// Forgets a blob.
    pub fn evict(&self, digest: Digest) {
        self.shared.lock().blobs.remove(&digest.hex());
    }

    /// Says something else about what it can do.
    pub fn offer(&self, offer: Offer) {
        self.shared.lock().offer = offer;
    }

    /// Fails at the next so many calls of a method.
    pub fn fail(&self, method: &'static str, failure: Failure, times: usize) {
        self.shared.lock().failures.push((method, failure, times));
    }

    /// What it was asked so far.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.lock().calls.clone()
    }

    /// The same, as `Method about`.
    pub fn asked(&self) -> Vec<String> {
        self.calls().iter().map(|call| format!("{} {}", call.method, call.about)).collect()
    }
}

/// The endpoint of a free port, and who connects to it.
async fn port() -> (String, BoxStream<'static, io::Result<TcpStream>>) {
    let (listener, address) = background::listen().await;
    (format!("grpc://{address}"), TcpIncoming::from(listener).boxed())
}

/// The endpoint of a socket, and who connects to it.
fn socket(path: &Path) -> (String, BoxStream<'static, io::Result<UnixStream>>) {
    (format!("unix:{}", path.display()), background::listen_unix(path))
}
