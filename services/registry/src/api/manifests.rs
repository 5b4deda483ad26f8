//! Reading, pushing and deleting manifests.

use axum::body::Body;
use axum::http::{HeaderName, Method, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use oci::{MAX_MANIFEST_SIZE, Repository, Tag};

use super::params::Params;
use super::{App, CONTENT_DIGEST, Parts, etag, is_unchanged, text};
use crate::document::{Document, PartKind, media_type};
use crate::error::Error;
use crate::route::Reference;
use crate::store::Repositories;

/// Tells the client that the referrers API knows of its subject.
const SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
/// Tags that were set besides.
const TAG: HeaderName = HeaderName::from_static("oci-tag");

/// `GET` and `HEAD /v2/<name>/manifests/<reference>`
pub(super) async fn get(
    app: &App,
    parts: &Parts,
    repository: Repository,
    reference: Reference,
) -> Result<Response, Error> {
    let read = move |repositories: &Repositories| {
        let (digest, bytes) = repositories.manifest(&repository, &reference)?;
        Ok::<_, Error>((digest, media_type(&bytes)?, bytes))
    };
    let (digest, media_type, bytes) = app.store.run(read).await?;
    let common = [
        (header::CONTENT_TYPE, media_type),
        (header::ETAG, etag(digest)),
        (CONTENT_DIGEST, digest.to_string()),
    ];
    if is_unchanged(parts, digest) {
        return Ok((StatusCode::NOT_MODIFIED, common).into_response());
    }
    let length = [(header::CONTENT_LENGTH, bytes.len().to_string())];
    let body = if parts.method == Method::HEAD { Body::empty() } else { Body::from(bytes) };
    Ok((common, length, body).into_response())
}

/// `PUT /v2/<name>/manifests/<reference>`, also by digest with tags as parameters.
pub(super) async fn put(
    app: &App,
    parts: &Parts,
    body: &mut Body,
    repository: Repository,
    reference: Reference,
) -> Result<Response, Error> {
    let mut tags = Vec::new();
    for tag in Params::of(&parts.uri).all("tag") {
        tags.push(tag.parse::<Tag>().map_err(Error::Name)?);
    }
    let bytes = read_bounded(std::mem::take(body)).await?;
    let digest = blob::digest_of(&bytes);
    let extra = tags.iter().map(|tag| (TAG, tag.to_string())).collect::<Vec<_>>();
    match &reference {
        Reference::Digest(expected) => blob::verify_bytes(&bytes, *expected, None)?,
        Reference::Tag(tag) => tags.push(tag.clone()),
    }
    let content_type = text(parts, &header::CONTENT_TYPE).map(essence);
    let document = Document::parse(&bytes, content_type.as_deref())?;
    check_sizes(app, &repository, &document).await?;
    let mut headers = vec![
        (header::LOCATION, format!("/v2/{repository}/manifests/{digest}")),
        (CONTENT_DIGEST, digest.to_string()),
    ];
    headers.extend(document.subject.map(|subject| (SUBJECT, subject.to_string())));
    headers.extend(extra);
    app.store
        .run(move |repositories| repositories.put_manifest(&repository, (digest, &bytes), &document, &tags))
        .await?;
    Ok((StatusCode::CREATED, AppendHeaders(headers)).into_response())
}

/// `DELETE /v2/<name>/manifests/<reference>`: a tag, or a manifest with its tags.
pub(super) async fn delete(
    app: &App,
    repository: Repository,
    reference: Reference,
) -> Result<Response, Error> {
    app.store
        .run(move |repositories| match &reference {
            Reference::Tag(tag) => repositories.remove_tag(&repository, tag),
            Reference::Digest(digest) => repositories.remove_manifest(&repository, *digest),
        })
        .await?;
    Ok(StatusCode::ACCEPTED.into_response())
}

/// Blobs may lie elsewhere than on this disk, so their sizes are asked for before the change begins.
async fn check_sizes(app: &App, repository: &Repository, document: &Document) -> Result<(), Error> {
    let blobs = || document.parts.iter().filter(|part| part.kind == PartKind::Blob);
    app.store.blobs.look(&blobs().map(|part| part.digest).collect::<Vec<_>>()).await?;
    for part in blobs() {
        let found = match app.store.blob_size(repository, part.digest).await {
            Err(Error::BlobUnknown { repository, digest }) => {
                return Err(Error::PartUnknown { repository, what: part.kind.noun(), digest });
            }
            size => size?,
        };
        if found != part.size {
            return Err(Error::PartSize { digest: part.digest, expected: part.size, found });
        }
    }
    Ok(())
}

/// A media type without its parameters.
fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

async fn read_bounded(body: Body) -> Result<Bytes, Error> {
    let mut bytes = BytesMut::new();
    let mut frames = body.into_data_stream();
    while let Some(frame) = frames.next().await {
        bytes.extend_from_slice(&frame.map_err(Error::Interrupted)?);
        if bytes.len() as u64 > MAX_MANIFEST_SIZE {
            return Err(Error::ManifestTooLarge { limit: MAX_MANIFEST_SIZE });
        }
    }
    Ok(bytes.freeze())
}
