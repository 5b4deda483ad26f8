//! Uploading blobs: at once, in chunks, or by mounting what another repository has.

use axum::body::Body;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use oci::{Digest, Repository};
use uuid::Uuid;

use super::params::Params;
use super::range::parse_chunk;
use super::{App, CONTENT_DIGEST, Parts, text};
use crate::error::Error;
use crate::store::Upload;

/// A name of an upload that is easier to find than in its location.
const UPLOAD_ID: HeaderName = HeaderName::from_static("docker-upload-uuid");

/// Marks the response to a wish to mount: whether it was fulfilled.
#[derive(Clone, Copy)]
pub(crate) struct Mounted(pub(crate) bool);

/// `POST /v2/<name>/blobs/uploads/`: mounts, uploads at once, or begins a session.
pub(super) async fn post(
    app: &App,
    parts: &Parts,
    body: &mut Body,
    repository: &Repository,
) -> Result<Response, Error> {
    let params = Params::of(&parts.uri);
    if let Some(digest) = params.digest("mount")? {
        let mounted = mount(app, &params, repository, digest).await?;
        let mut response = if mounted {
            created(repository, digest)
        } else {
            accepted(&app.store.uploads.start(repository).await?)
        };
        response.extensions_mut().insert(Mounted(mounted));
        return Ok(response);
    }
    match params.digest("digest")? {
        Some(digest) => {
            let upload = app.store.uploads.start_unnamed(repository).await?;
            let upload = upload.append(std::mem::take(body), None).await?;
            app.store.uploads.finish(upload, digest).await?;
            Ok(created(repository, digest))
        }
        None => Ok(accepted(&app.store.uploads.start(repository).await?)),
    }
}

/// Without a source, only what the repository has already counts: blobs are not lent by guessing.
async fn mount(app: &App, params: &Params, to: &Repository, digest: Digest) -> Result<bool, Error> {
    let from = match params.get("from") {
        Some(from) => from.parse().map_err(Error::Name)?,
        None => to.clone(),
    };
    match app.store.blob_size(&from, digest).await {
        Err(Error::BlobUnknown { .. }) => return Ok(false),
        size => size?,
    };
    let to = to.clone();
    Ok(app.store.run(move |repositories| repositories.mount(&from, &to, digest)).await?)
}

/// `PATCH /v2/<name>/blobs/uploads/<id>`: adds a chunk, or all that follows.
pub(super) async fn patch(
    app: &App,
    parts: &Parts,
    body: &mut Body,
    repository: &Repository,
    id: &str,
) -> Result<Response, Error> {
    let upload = app.store.uploads.resume(repository, id).await?;
    let upload = receive(upload, parts, body).await?;
    Ok(accepted(&upload))
}

/// `PUT /v2/<name>/blobs/uploads/<id>?digest=<digest>`: adds the last chunk, if there is one, and ends the upload.
pub(super) async fn put(
    app: &App,
    parts: &Parts,
    body: &mut Body,
    repository: &Repository,
    id: &str,
) -> Result<Response, Error> {
    let digest = Params::of(&parts.uri).digest("digest")?.ok_or(Error::Parameter {
        name: "digest",
        value: String::new(),
        expected: "the digest of the whole blob",
    })?;
    let upload = app.store.uploads.resume(repository, id).await?;
    let upload = receive(upload, parts, body).await?;
    app.store.uploads.finish(upload, digest).await?;
    Ok(created(repository, digest))
}

/// `GET /v2/<name>/blobs/uploads/<id>`: says how far an upload is.
pub(super) async fn get(app: &App, repository: &Repository, id: &str) -> Result<Response, Error> {
    let upload = app.store.uploads.resume(repository, id).await?;
    Ok((StatusCode::NO_CONTENT, headers_of(&upload)).into_response())
}

/// `DELETE /v2/<name>/blobs/uploads/<id>`: gives an upload up.
pub(super) async fn delete(app: &App, repository: &Repository, id: &str) -> Result<Response, Error> {
    let upload = app.store.uploads.resume(repository, id).await?;
    app.store.uploads.cancel(upload).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn receive(upload: Upload, parts: &Parts, body: &mut Body) -> Result<Upload, Error> {
    let mut expected = None;
    if let Some(value) = text(parts, &header::CONTENT_RANGE) {
        let chunk = parse_chunk(value).ok_or_else(|| Error::Header {
            name: header::CONTENT_RANGE,
            value: value.to_owned(),
            expected: "`<first>-<last>`",
        })?;
        let (id, size) = (upload.id, upload.size());
        if chunk.start != size {
            let repository = upload.repository.clone();
            return Err(Error::UploadRange { repository, id, start: chunk.start, size });
        }
        expected = Some(chunk.end - chunk.start);
    }
    upload.append(std::mem::take(body), expected).await
}

fn created(repository: &Repository, digest: Digest) -> Response {
    let headers = [
        (header::LOCATION, format!("/v2/{repository}/blobs/{digest}")),
        (CONTENT_DIGEST, digest.to_string()),
    ];
    (StatusCode::CREATED, headers).into_response()
}

fn accepted(upload: &Upload) -> Response {
    (StatusCode::ACCEPTED, headers_of(upload)).into_response()
}

fn headers_of(upload: &Upload) -> AppendHeaders<[(HeaderName, String); 3]> {
    session_headers(&upload.repository, upload.id, upload.size())
}

/// Where an upload is continued, and from which byte. The first byte of an empty one cannot be said: like others,
/// it has `0-0`.
pub(crate) fn session_headers(
    repository: &Repository,
    id: Uuid,
    size: u64,
) -> AppendHeaders<[(HeaderName, String); 3]> {
    AppendHeaders([
        (header::LOCATION, format!("/v2/{repository}/blobs/uploads/{id}")),
        (header::RANGE, format!("0-{}", size.saturating_sub(1))),
        (UPLOAD_ID, id.to_string()),
    ])
}
