//! A registry in memory that misbehaves on request.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::header::AUTHORIZATION;
use hyper::{Request, Response};
use oci::Digest;

use crate::answer::{Answer, Body};
use crate::fault::{Action, Fault, Faults};
use crate::guard::Guard;
use crate::image::{Document, Image, image, index};
use crate::log::{Kind, Log, Record, count};
use crate::server::{Handler, Server};
use crate::store::{Store, Stored};
use crate::tls::Certificate;

/// A registry on loopback, in memory. It ends when it is dropped.
pub struct FakeRegistry {
    server: Server,
    shared: Arc<Shared>,
}

/// What the registry's connections share.
#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) store: Mutex<Store>,
    pub(crate) settings: Mutex<Settings>,
    faults: Faults,
    log: Log,
    /// How often each token was used, and how many were handed out.
    tokens: Mutex<(BTreeMap<String, usize>, usize)>,
}

/// How the registry behaves when it behaves.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) guard: Guard,
    pub(crate) max_body: Option<usize>,
    pub(crate) upload_host: Option<String>,
    pub(crate) latency: Duration,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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

/// A request whose body was read.
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: hyper::HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) own_url: String,
}

impl Asked {
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn header(&self, name: hyper::header::HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl Shared {
    /// Whether the credentials are right; counts the use of a token.
    fn admits(&self, guard: &Guard, asked: &Asked) -> bool {
        let authorization = asked.header(AUTHORIZATION);
        let writes = !matches!(asked.method.as_str(), "GET" | "HEAD");
        let mut tokens = lock(&self.tokens);
        let used = tokens.0.entry(authorization.unwrap_or_default().to_owned()).or_default();
        let admitted = guard.admits(authorization, writes, *used);
        *used += 1;
        admitted
    }

    fn answer(&self, asked: &Asked) -> Answer {
        let guard = lock(&self.settings).guard.clone();
        if Kind::of(&asked.path) == Kind::Token {
            let mut tokens = lock(&self.tokens);
            tokens.1 += 1;
            let form = query(std::str::from_utf8(&asked.body).unwrap_or_default());
            let refresh =
                form.iter().find(|(key, _)| key == "refresh_token").map(|(_, value)| value.as_str());
            return guard.token(asked.header(AUTHORIZATION), refresh, tokens.1);
        }
        if !self.admits(&guard, asked) {
            return guard.challenge(&asked.own_url, &crate::routes::scope(&asked.path, &asked.method));
        }
        crate::routes::answer(self, asked)
    }
}

impl Handler for Shared {
    async fn handle(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Body>, io::Error> {
        let (parts, mut body) = request.into_parts();
        let method = parts.method.as_str().to_owned();
        let full_path = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
        let latency = lock(&self.settings).latency;
        tokio::time::sleep(latency).await;
        let fault = self.faults.take(&method, &full_path);
        let enough = match &fault {
            Some(Action::Drop(bytes)) => *bytes,
            _ => u64::MAX,
        };
        let mut read = BytesMut::new();
        while (read.len() as u64) < enough
            && let Some(frame) = body.frame().await
        {
            read.extend_from_slice(&frame.map_err(io::Error::other)?.into_data().unwrap_or_default());
        }
        let own_url = parts.headers.get("host").and_then(|host| host.to_str().ok());
        let asked = Asked {
            own_url: format!("http://{}", own_url.unwrap_or_default()),
            path: parts.uri.path().to_owned(),
            query: query(parts.uri.query().unwrap_or_default()),
            headers: parts.headers,
            body: read.freeze(),
            method,
        };
        let mut record = Record {
            kind: Kind::of(&asked.path),
            method: asked.method.clone(),
            path: full_path,
            status: 0,
            authorization: asked.header(AUTHORIZATION).map(str::to_owned),
            request_bytes: asked.body.len() as u64,
            response_bytes: 0,
        };
        match &fault {
            Some(Action::Drop(_)) => {
                crate::routes::keep_part(&self, &asked);
                self.log.add(record);
                return Err(io::Error::from(io::ErrorKind::ConnectionAborted));
            }
            Some(Action::Hang) => {
                self.log.add(record);
                return std::future::pending().await;
            }
            Some(Action::LoseUploads) => lock(&self.store).forget_uploads(),
            _ => {}
        }
        let answer = match &fault {
            Some(action @ (Action::Status(..) | Action::Html | Action::Redirect(_))) => {
                Answer::new(200).spoil(action)
            }
            Some(action) => self.answer(&asked).spoil(action),
            None => self.answer(&asked),
        };
        if fault == Some(Action::DropAnswer) {
            self.log.add(record);
            return Err(io::Error::from(io::ErrorKind::ConnectionAborted));
        }
        record.status = answer.status.as_u16();
        let head = asked.method == "HEAD";
        record.response_bytes = if head { 0 } else { answer.body.len() as u64 };
        self.log.add(record);
        Ok(answer.finish(head, fault == Some(Action::Truncate)))
    }
}

fn query(text: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}
