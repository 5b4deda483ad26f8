//! A reverse proxy before a real registry: it delays each request, counts what passes, and fails on request. Bodies
//! stream through it.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use futures_util::{StreamExt as _, TryStreamExt as _};
use http_body_util::{BodyExt as _, BodyStream, StreamBody};
use hyper::body::{Body as _, Frame, Incoming};
use hyper::header::{
    AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, LOCATION, TRANSFER_ENCODING,
};
use hyper::{Request, Response};
use reqwest::{Client, Url, redirect};
use tokio::net::TcpListener;

use crate::answer::{Answer, Body};
use crate::fault::{Action, Fault, Faults};
use crate::log::{Kind, ORIGINAL_HOST, Record};
use crate::server::{Handler, serve};

/// What a proxy does.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it listens; port 0 for a free one.
    pub listen: SocketAddr,
    /// The registry behind it, such as `http://127.0.0.1:5000`.
    pub upstream: Url,
    /// How long each request is held back.
    pub latency: Duration,
    /// How it fails.
    pub faults: Vec<Fault>,
}

struct Proxy {
    http: Client,
    upstream: Url,
    latency: Duration,
    faults: Faults,
    counts: Counts,
}

/// Where the records go: one JSON document a line, as soon as an answer is through.
#[derive(Clone)]
struct Counts(Arc<Mutex<Option<fs_err::File>>>);

impl Counts {
    fn write(&self, record: &Record) {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(file), Ok(line)) = (file.as_mut(), serde_json::to_string(record)) {
            drop(file.write_all(format!("{line}\n").as_bytes()));
        }
    }
}

/// Runs a proxy until the process ends. `ready` learns its address. Records are written to `counts`.
pub async fn run(
    options: Options,
    counts: Option<&Path>,
    ready: impl FnOnce(SocketAddr) -> Result<(), anyhow::Error>,
) -> Result<(), anyhow::Error> {
    drop(rustls::crypto::ring::default_provider().install_default());
    let faults = Faults::default();
    options.faults.into_iter().for_each(|fault| faults.add(fault));
    let file = counts.map(open_counts).transpose()?;
    let http = Client::builder().redirect(redirect::Policy::none()).no_proxy().tls_certs_only([]);
    let proxy = Proxy {
        http: http.pool_max_idle_per_host(256).build()?,
        upstream: options.upstream,
        latency: options.latency,
        faults,
        counts: Counts(Arc::new(Mutex::new(file))),
    };
    let listener = TcpListener::bind(options.listen).await.context("failed to listen")?;
    ready(listener.local_addr()?)?;
    serve(listener, Arc::new(proxy), None).await;
    Ok(())
}

/// Empties the file; whoever empties it again in between starts a new count.
fn open_counts(path: &Path) -> io::Result<fs_err::File> {
    fs_err::File::create(path)?;
    fs_err::OpenOptions::new().append(true).open(path)
}

/// Writes the record of a request when the last byte of its answer is gone, or when the connection broke.
struct Finish {
    record: Record,
    request: Arc<AtomicU64>,
    response: Arc<AtomicU64>,
    counts: Counts,
}

impl Drop for Finish {
    fn drop(&mut self) {
        self.record.request_bytes = self.request.load(Ordering::Relaxed);
        self.record.response_bytes = self.response.load(Ordering::Relaxed);
        self.counts.write(&self.record);
    }
}

impl Handler for Proxy {
    async fn handle(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Body>, io::Error> {
        let method = request.method().as_str().to_owned();
        let path = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
        let mut finish = Finish {
            record: Record {
                kind: Kind::of(request.uri().path()),
                method: method.clone(),
                path: path.clone(),
                status: 0,
                authorization: request.headers().get(AUTHORIZATION).map(|_| "present".to_owned()),
                original_host: request
                    .headers()
                    .get(ORIGINAL_HOST)
                    .and_then(|value| value.to_str().ok())
                    .map(str::to_owned),
                request_bytes: 0,
                response_bytes: 0,
            },
            request: Arc::default(),
            response: Arc::default(),
            counts: self.counts.clone(),
        };
        tokio::time::sleep(self.latency).await;
        let fault = self.faults.take(&method, &path);
        match &fault {
            Some(Action::Drop(_)) => return Err(io::Error::from(io::ErrorKind::ConnectionAborted)),
            Some(Action::Hang) => return std::future::pending().await,
            Some(action @ (Action::Status(..) | Action::Html | Action::Redirect(_))) => {
                let answer = Answer::new(200).spoil(action);
                finish.record.status = answer.status.as_u16();
                return Ok(answer.finish(method == "HEAD", false));
            }
            _ => {}
        }
        let host =
            request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default().to_owned();
        let answer = self.forward(request, &path, &finish).await?;
        finish.record.status = answer.status().as_u16();
        match fault {
            Some(action) => spoiled(answer, &action, method == "HEAD").await,
            None => Ok(self.pass_on(answer, &host, finish)),
        }
    }
}

impl Proxy {
    async fn forward(
        &self,
        request: Request<Incoming>,
        path: &str,
        finish: &Finish,
    ) -> Result<reqwest::Response, io::Error> {
        let url = self.upstream.join(path).map_err(io::Error::other)?;
        let (parts, body) = request.into_parts();
        let mut headers = parts.headers;
        for name in [HOST, CONNECTION, TRANSFER_ENCODING] {
            headers.remove(name);
        }
        let mut builder = self.http.request(parts.method, url).headers(headers);
        if !body.is_end_stream() {
            let sent = Arc::clone(&finish.request);
            let chunks = BodyStream::new(body).map_ok(move |frame| {
                let data = frame.into_data().unwrap_or_default();
                sent.fetch_add(data.len() as u64, Ordering::Relaxed);
                data
            });
            builder = builder.body(reqwest::Body::wrap_stream(chunks));
        }
        builder.send().await.map_err(io::Error::other)
    }

    fn pass_on(&self, answer: reqwest::Response, host: &str, finish: Finish) -> Response<Body> {
        let status = answer.status();
        let headers = self.rewritten(answer.headers(), host);
        let received = Arc::clone(&finish.response);
        let chunks = answer.bytes_stream().map(move |chunk| {
            // The record is written when this closure goes away with its stream.
            let _ = &finish;
            let chunk = chunk.map_err(io::Error::other)?;
            received.fetch_add(chunk.len() as u64, Ordering::Relaxed);
            Ok(Frame::data(chunk))
        });
        let mut response = Response::new(StreamBody::new(chunks).boxed_unsync());
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }

    /// Addresses of the registry become addresses of the proxy.
    fn rewritten(&self, headers: &HeaderMap, host: &str) -> HeaderMap {
        let mut headers = headers.clone();
        for name in [CONNECTION, TRANSFER_ENCODING] {
            headers.remove(name);
        }
        let upstream = self.upstream.as_str().trim_end_matches('/');
        let location = headers.get(LOCATION).and_then(|value| value.to_str().ok()?.strip_prefix(upstream));
        if let Some(Ok(value)) = location.map(|rest| HeaderValue::from_str(&format!("http://{host}{rest}"))) {
            headers.insert(LOCATION, value);
        }
        headers
    }
}

async fn spoiled(
    answer: reqwest::Response,
    action: &Action,
    head: bool,
) -> Result<Response<Body>, io::Error> {
    let media_type = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = media_type.unwrap_or("application/octet-stream").to_owned();
    let status = answer.status().as_u16();
    let body = answer.bytes().await.map_err(io::Error::other)?;
    let answer = Answer::new(status).body(&media_type, body).spoil(action);
    Ok(answer.finish(head, *action == Action::Truncate))
}
