//! The protocol: one function for each method on each resource (distribution specification, "Endpoints").

mod blobs;
mod lists;
mod manifests;
mod params;
mod range;
mod uploads;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
use oci::Digest;

use crate::access_log::AccessLog;
use crate::error::Error;
use crate::route::{Route, decode};
use crate::store::Store;
pub(crate) use uploads::{Mounted, session_headers};

/// The digest of what is served or was stored.
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
/// Old clients look for it.
const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");

/// A body that was refused is still read up to this size, so that its sender gets to reading the refusal.
const DRAIN_BYTES: usize = 1 << 20;
const DRAIN_TIME: Duration = Duration::from_secs(2);

/// What all requests share.
pub(crate) struct App {
    /// The data.
    pub(crate) store: Store,
    /// Refuses every change.
    pub(crate) read_only: bool,
    /// Where requests are written down.
    pub(crate) log: Option<Arc<AccessLog>>,
}

/// Answers a request.
pub(crate) async fn handle(State(app): State<Arc<App>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    match &app.log {
        None => answer(&app, &parts, body).await,
        Some(log) => {
            let mut entry = log.begin(parts.method.as_str(), parts.uri.path());
            let body = entry.count_received(body);
            let response = answer(&app, &parts, body).await;
            entry.finish(response)
        }
    }
}

async fn answer(app: &App, parts: &Parts, mut body: Body) -> Response {
    let mut response = match dispatch(app, parts, &mut body).await {
        Ok(response) => response,
        Err(error) => {
            drain(parts, body).await;
            error.into_response()
        }
    };
    response.headers_mut().insert(API_VERSION, HeaderValue::from_static("registry/2.0"));
    response
}

async fn dispatch(app: &App, parts: &Parts, body: &mut Body) -> Result<Response, Error> {
    let route = Route::parse(&decode(parts.uri.path()))?;
    let method = match parts.method {
        Method::HEAD => Method::GET.as_str(),
        ref method => method.as_str(),
    };
    if app.read_only && method != Method::GET {
        return Err(Error::ReadOnly);
    }
    match (method, route) {
        ("GET", Route::Base) => Ok(json("{}".into())),
        ("GET", Route::Catalog) => lists::catalog(app, parts).await,
        ("GET", Route::Tags(name)) => lists::tags(app, parts, name).await,
        ("GET", Route::Referrers(name, digest)) => lists::referrers(app, parts, name, digest).await,
        ("GET", Route::Blob(name, digest)) => blobs::get(app, parts, &name, digest).await,
        ("DELETE", Route::Blob(name, digest)) => blobs::delete(app, name, digest).await,
        ("POST", Route::Uploads(name)) => uploads::post(app, parts, body, &name).await,
        ("GET", Route::Upload(name, id)) => uploads::get(app, &name, &id).await,
        ("PATCH", Route::Upload(name, id)) => uploads::patch(app, parts, body, &name, &id).await,
        ("PUT", Route::Upload(name, id)) => uploads::put(app, parts, body, &name, &id).await,
        ("DELETE", Route::Upload(name, id)) => uploads::delete(app, &name, &id).await,
        ("GET", Route::Manifest(name, reference)) => manifests::get(app, parts, name, reference).await,
        ("PUT", Route::Manifest(name, reference)) => manifests::put(app, parts, body, name, reference).await,
        ("DELETE", Route::Manifest(name, reference)) => manifests::delete(app, name, reference).await,
        _ => Err(Error::Method { method: parts.method.to_string() }),
    }
}

/// A connection that is closed while bytes are on their way is reset, and the response with it. A client that waits
/// for `100 Continue` sends nothing yet, and reading would ask it to.
async fn drain(parts: &Parts, body: Body) {
    if parts.headers.contains_key(header::EXPECT) {
        return;
    }
    let mut frames = body.into_data_stream();
    let read = async {
        let mut size = 0;
        while let Some(Ok(frame)) = frames.next().await {
            size += frame.len();
            if size > DRAIN_BYTES {
                break;
            }
        }
    };
    // Whether all was read or the time is over makes no difference.
    let _ = tokio::time::timeout(DRAIN_TIME, read).await;
}

/// A response with a JSON body.
pub(crate) fn json(body: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// A header, where it is there and is text.
fn text<'a>(parts: &'a Parts, name: &HeaderName) -> Option<&'a str> {
    parts.headers.get(name).and_then(|value| value.to_str().ok())
}

fn etag(digest: Digest) -> String {
    format!("\"{digest}\"")
}

/// Whether the client has this content already, by its `If-None-Match`.
fn is_unchanged(parts: &Parts, digest: Digest) -> bool {
    let known = text(parts, &header::IF_NONE_MATCH).unwrap_or_default();
    known.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag(digest))
}
