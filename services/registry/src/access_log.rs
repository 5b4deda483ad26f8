//! The access log: one JSON object a line for each request, written when the last byte of the response is gone.
//!
//! ```json
//! {"method":"GET","path":"/v2/a/blobs/sha256:..","status":200,"received":0,"sent":1024,"milliseconds":3}
//! {"method":"POST","path":"/v2/b/blobs/uploads/","status":201,"mounted":true,"received":0,"sent":0,"milliseconds":1}
//! ```
//! `mounted` is there where a mount was asked for; `status` is absent where the client did not wait for one.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::body::{Body, HttpBody as _};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use futures_util::TryStreamExt as _;
use serde::Serialize;

use crate::api::Mounted;

/// Where lines go.
pub(crate) struct AccessLog(Mutex<Box<dyn Write + Send>>);

/// A request that is being answered. Written when dropped.
pub(crate) struct Entry {
    log: Arc<AccessLog>,
    start: Instant,
    line: Line,
    received: Arc<AtomicU64>,
}

/// Sizes are those of bodies, without headers.
#[derive(Serialize)]
struct Line {
    method: String,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mounted: Option<bool>,
    received: u64,
    sent: u64,
    milliseconds: u128,
}

impl AccessLog {
    /// A log that writes to some output.
    pub(crate) fn new(output: Box<dyn Write + Send>) -> Self {
        Self(Mutex::new(output))
    }

    /// Notes a request.
    pub(crate) fn begin(self: &Arc<Self>, method: &str, path: &str) -> Entry {
        let (method, path) = (method.to_owned(), path.to_owned());
        let line = Line { method, path, status: None, mounted: None, received: 0, sent: 0, milliseconds: 0 };
        Entry { log: Arc::clone(self), start: Instant::now(), line, received: Arc::default() }
    }
}

impl Entry {
    /// Counts the request's bytes.
    pub(crate) fn count_received(&mut self, body: Body) -> Body {
        if body.is_end_stream() {
            return body;
        }
        let received = Arc::clone(&self.received);
        Body::from_stream(body.into_data_stream().inspect_ok(move |frame| {
            received.fetch_add(frame.len() as u64, Ordering::Relaxed);
        }))
    }

    /// Notes a call that was answered as a whole.
    pub(crate) fn answered(mut self, status: u16, received: usize, sent: usize) {
        self.line.status = Some(status);
        self.received.store(received as u64, Ordering::Relaxed);
        self.line.sent = sent as u64;
    }

    /// Counts the response's bytes; their end is the end of the entry.
    pub(crate) fn finish(mut self, response: Response) -> Response {
        self.line.status = Some(response.status().as_u16());
        self.line.mounted = response.extensions().get::<Mounted>().map(|mounted| mounted.0);
        let (mut parts, body) = response.into_parts();
        if let Some(size) = body.size_hint().exact() {
            // Counting hides the size that would otherwise become this header.
            parts.headers.entry(header::CONTENT_LENGTH).or_insert(HeaderValue::from(size));
        }
        if body.is_end_stream() {
            return Response::from_parts(parts, body);
        }
        let counted = body.into_data_stream().inspect_ok(move |frame| self.count_sent(frame.len()));
        Response::from_parts(parts, Body::from_stream(counted))
    }

    /// A method, so that a closure takes the whole entry with it and not a copy of the counter.
    fn count_sent(&mut self, size: usize) {
        self.line.sent += size as u64;
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.line.received = self.received.load(Ordering::Relaxed);
        self.line.milliseconds = self.start.elapsed().as_millis();
        let Ok(mut line) = serde_json::to_vec(&self.line) else { return };
        line.push(b'\n');
        let mut output = self.log.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = output.write_all(&line).and_then(|()| output.flush()) {
            tracing::warn!("failed to write to the access log: {error}");
        }
    }
}
