//! Reading and deleting blobs.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use oci::{Digest, Repository};

use super::range::{Wanted, parse_range};
use super::{App, CONTENT_DIGEST, Parts, etag, is_unchanged, text};
use crate::error::Error;

/// `GET` and `HEAD /v2/<name>/blobs/<digest>`
pub(super) async fn get(
    app: &App,
    parts: &Parts,
    repository: &Repository,
    digest: Digest,
) -> Result<Response, Error> {
    let size = app.store.blob_size(repository, digest).await?;
    let common = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::ETAG, etag(digest)),
        (CONTENT_DIGEST, digest.to_string()),
    ];
    if is_unchanged(parts, digest) {
        return Ok((StatusCode::NOT_MODIFIED, common).into_response());
    }
    let same = text(parts, &header::IF_RANGE).is_none_or(|tag| tag == etag(digest));
    let range = text(parts, &header::RANGE).filter(|_| same);
    let (status, range) = match parse_range(range, size)? {
        Wanted::All => (StatusCode::OK, 0..size),
        Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
    };
    let length = [(header::CONTENT_LENGTH, (range.end - range.start).to_string())];
    let position = (status == StatusCode::PARTIAL_CONTENT)
        .then(|| [(header::CONTENT_RANGE, format!("bytes {}-{}/{size}", range.start, range.end - 1))]);
    let body = if parts.method == Method::HEAD || range.is_empty() {
        Body::empty()
    } else {
        let unknown = || Error::BlobUnknown { repository: repository.clone(), digest };
        Body::from_stream(app.store.blobs.read(digest, range).await?.ok_or_else(unknown)?)
    };
    let mut response = (status, common, length, body).into_response();
    if let Some(position) = position {
        response = (position, response).into_response();
    }
    Ok(response)
}

/// `DELETE /v2/<name>/blobs/<digest>`
pub(super) async fn delete(app: &App, repository: Repository, digest: Digest) -> Result<Response, Error> {
    app.store.run(move |repositories| repositories.remove_blob(&repository, digest)).await?;
    Ok(StatusCode::ACCEPTED.into_response())
}
