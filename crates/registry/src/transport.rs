//! One request: sent, redirected, answered. Retries and credentials are decided above.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::StreamExt as _;
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderMap, HeaderValue, LOCATION};
use reqwest::{Method, StatusCode, Url};

use crate::classify::classify;
use crate::gateway::ORIGINAL_HOST;
use crate::host::Host;
use crate::redirect::MAX_REDIRECTS;
use crate::response::Response;
use crate::verified::Verified;
use crate::{Cause, Client};

/// How many times the idle limit a registry may take to store a blob that it has received: those that keep blobs in
/// object stores copy a large one once more before they answer.
const STORING_TIMEOUTS: u32 = 5;

/// A body that can be sent again.
#[derive(Clone)]
pub(crate) enum Body {
    Empty,
    Bytes(Bytes),
    /// A part of a blob: from an offset, that many bytes.
    Part {
        content: Verified,
        offset: u64,
        length: u64,
    },
}

impl Body {
    /// Bytes of a blob that are sent.
    fn length(&self) -> u64 {
        match self {
            Self::Part { length, .. } => *length,
            Self::Empty | Self::Bytes(_) => 0,
        }
    }
}

/// A request that can be sent again.
#[derive(Clone)]
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
}

impl Outgoing {
    pub(crate) fn new(method: Method, url: Url) -> Self {
        Self { method, url, headers: HeaderMap::new(), body: Body::Empty }
    }
}

/// What happened to a body while it was sent.
#[derive(Default)]
struct Sending {
    bytes: AtomicU64,
    failure: Mutex<Option<io::Error>>,
}

impl Client {
    /// Sends a request to a registry and follows its redirects; credentials go to the registry's own origin only.
    pub(crate) async fn send(
        &self,
        host: &Host,
        request: &Outgoing,
        authorization: Option<&HeaderValue>,
    ) -> Result<Response, Cause> {
        let mut request = request.clone();
        for _ in 0..=MAX_REDIRECTS {
            let own = host.is_own(&request.url);
            request.headers.remove(AUTHORIZATION);
            request.headers.remove(ORIGINAL_HOST);
            if own && host.gateway.is_some() {
                let registry = HeaderValue::from_str(host.registry.as_str());
                let registry =
                    registry.map_err(|_| Cause::Protocol("its name cannot be sent to a gateway"))?;
                request.headers.insert(ORIGINAL_HOST, registry);
            }
            if let Some(authorization) = authorization.filter(|_| own) {
                request.headers.insert(AUTHORIZATION, authorization.clone());
            }
            let response = self.send_once(&request, own.then_some(host)).await?;
            if !is_redirect(response.status()) {
                return Ok(response);
            }
            let Some(location) = response.header(LOCATION) else { return Ok(response) };
            request.url = host.follow(response.url(), location)?;
        }
        Err(Cause::Protocol("more than 10 redirects"))
    }

    /// Sends one request to wherever it goes; `host` counts it against the registry's limit.
    pub(crate) async fn send_once(&self, request: &Outgoing, host: Option<&Host>) -> Result<Response, Cause> {
        // An upload may read from the same registry, so it must not hold what the reading waits for. Whoever uploads
        // decides how many at a time.
        let limited = host.filter(|_| !matches!(request.body, Body::Part { .. }));
        let permit = match limited {
            Some(host) => Some(host.limiter.acquire().await),
            None => None,
        };
        let sending = Arc::new(Sending::default());
        let socket = host.and_then(|host| host.gateway.as_ref()?.socket());
        let http = match socket {
            Some(socket) => self.http().for_socket(socket, self.config())?,
            None => self.http().for_url(&request.url, self.config())?,
        };
        let mut builder =
            http.request(request.method.clone(), request.url.clone()).headers(request.headers.clone());
        builder = match &request.body {
            Body::Empty if matches!(request.method, Method::GET | Method::HEAD) => builder,
            Body::Empty => builder.header(CONTENT_LENGTH, 0),
            Body::Bytes(bytes) => builder.body(bytes.clone()),
            Body::Part { content, offset, length } => {
                let body = self.body_of(content, *offset, *length, &sending).await?;
                builder.header(CONTENT_LENGTH, *length).body(body)
            }
        };
        self.counters().requests.fetch_add(1, Ordering::Relaxed);
        let answer = self.while_moving(&sending, request.body.length(), builder.send()).await;
        self.counters().sent.fetch_add(sending.bytes.load(Ordering::Relaxed), Ordering::Relaxed);
        let answer =
            answer?.map_err(|error| sending.cause().unwrap_or_else(|| classify(error, &request.url)))?;
        if let Some(host) = host {
            host.note_answer();
            match answer.status() {
                StatusCode::TOO_MANY_REQUESTS => host.limiter.too_many(),
                _ => host.limiter.success(),
            }
        }
        Ok(Response::new(answer, self.config().idle_timeout, Arc::clone(self.counters()), permit))
    }

    async fn body_of(
        &self,
        content: &Verified,
        offset: u64,
        length: u64,
        sending: &Arc<Sending>,
    ) -> Result<reqwest::Body, Cause> {
        let stream = content.open(offset, length).await.map_err(Cause::Content)?;
        let sending = Arc::clone(sending);
        let counted = stream.map(move |chunk| match chunk {
            Ok(bytes) => {
                sending.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                Ok(bytes)
            }
            Err(error) => Err(sending.fail(error)),
        });
        Ok(reqwest::Body::wrap_stream(counted))
    }

    /// Waits for an answer as long as bytes of the body are still leaving, and longer once all of it has left.
    async fn while_moving<F: Future>(
        &self,
        sending: &Sending,
        length: u64,
        future: F,
    ) -> Result<F::Output, Cause> {
        let idle = self.config().idle_timeout;
        let mut future = std::pin::pin!(future);
        let (mut before, mut quiet) = (0, 0);
        loop {
            if let Ok(output) = tokio::time::timeout(idle, &mut future).await {
                return Ok(output);
            }
            let now = sending.bytes.load(Ordering::Relaxed);
            quiet = if now == before { quiet + 1 } else { 0 };
            before = now;
            let limit = if length > 0 && now == length { STORING_TIMEOUTS } else { 1 };
            if quiet >= limit {
                return Err(Cause::Idle(idle * limit));
            }
        }
    }
}

impl Sending {
    /// Keeps the true reason; the HTTP library only learns that there is one.
    fn fail(&self, error: io::Error) -> io::Error {
        let kind = error.kind();
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        io::Error::from(kind)
    }

    fn cause(&self) -> Option<Cause> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take().map(Cause::Content)
    }
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}
