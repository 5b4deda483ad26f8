//! The distribution protocol as a fake registry speaks it: enough of it for clients, in the plainest way.

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderName, LOCATION, RANGE};
use oci::media_type::OCI_INDEX;

use crate::answer::Answer;
use crate::handler::{Asked, Shared, lock};
use crate::image::{Document, digest_of};
use crate::store::Stored;

const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
const SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
const CONTENT_RANGE: HeaderName = HeaderName::from_static("content-range");

/// A path below `/v2/`: repository, kind, the rest.
fn split(path: &str) -> Option<(&str, &str, &str)> {
    let path = path.strip_prefix("/v2/")?;
    ["/manifests/", "/blobs/uploads/", "/blobs/", "/referrers/"].iter().find_map(|kind| {
        let (repository, rest) = path.split_once(kind)?;
        Some((repository, *kind, rest))
    })
}

/// The repository of a path.
pub(crate) fn repository(path: &str) -> Option<&str> {
    split(path).map(|(repository, _, _)| repository)
}

/// The scope that a challenge names.
pub(crate) fn scope(path: &str, method: &str) -> String {
    let rights = if matches!(method, "GET" | "HEAD") { "pull" } else { "pull,push" };
    split(path).map(|(repository, _, _)| format!("repository:{repository}:{rights}")).unwrap_or_default()
}

pub(crate) fn answer(shared: &Shared, asked: &Asked) -> Answer {
    let limit = lock(&shared.settings).max_body;
    if limit.is_some_and(|limit| asked.body.len() > limit) {
        return Answer::error(413, "SIZE_INVALID");
    }
    let Some((repository, kind, name)) = split(&asked.path) else {
        return if asked.path == "/v2/" { Answer::new(200) } else { Answer::error(404, "NOT_FOUND") };
    };
    match (asked.method.as_str(), kind) {
        ("GET" | "HEAD", "/manifests/") => get_manifest(shared, repository, name),
        ("PUT", "/manifests/") => put_manifest(shared, asked, repository, name),
        ("GET" | "HEAD", "/blobs/") => get_blob(shared, asked, repository, name),
        ("GET", "/referrers/") if !lock(&shared.settings).without_referrers => {
            get_referrers(shared, repository, name)
        }
        ("GET", "/referrers/") => Answer::error(404, "NOT_FOUND"),
        ("POST", "/blobs/uploads/") => begin_upload(shared, asked, repository),
        ("GET", "/blobs/uploads/") => upload_status(shared, asked, repository, name),
        ("PATCH", "/blobs/uploads/") => continue_upload(shared, asked, repository, name),
        ("PUT", "/blobs/uploads/") => end_upload(shared, asked, repository, name),
        _ => Answer::error(405, "UNSUPPORTED"),
    }
}

fn get_manifest(shared: &Shared, repository: &str, name: &str) -> Answer {
    match lock(&shared.store).manifest(repository, name) {
        Some(Stored { media_type, bytes }) => {
            Answer::new(200).with(CONTENT_DIGEST, digest_of(&bytes)).body(&media_type, bytes)
        }
        None => Answer::error(404, "MANIFEST_UNKNOWN"),
    }
}

fn put_manifest(shared: &Shared, asked: &Asked, repository: &str, name: &str) -> Answer {
    let media_type = asked.header(CONTENT_TYPE).unwrap_or_default().to_owned();
    let digest = digest_of(&asked.body).to_string();
    if name.starts_with("sha256:") && name != digest {
        return Answer::error(400, "DIGEST_INVALID");
    }
    if let Some(missing) = missing_part(shared, repository, &asked.body) {
        return Answer::error(404, &format!("MANIFEST_BLOB_UNKNOWN {missing}"));
    }
    let stored = Stored { media_type, bytes: asked.body.clone() };
    let mut store = lock(&shared.store);
    store.put_manifest(repository, name, stored.clone());
    store.put_manifest(repository, &digest, stored);
    let answer = Answer::new(201)
        .with(CONTENT_DIGEST, &digest)
        .with(LOCATION, format!("/v2/{repository}/manifests/{digest}"));
    match subject(&asked.body) {
        Some(subject) if !lock(&shared.settings).without_referrers => answer.with(SUBJECT, subject),
        _ => answer,
    }
}

/// The digest of what a manifest refers to.
fn subject(bytes: &[u8]) -> Option<String> {
    let document: serde_json::Value = serde_json::from_slice(bytes).ok()?;
    Some(document["subject"]["digest"].as_str()?.to_owned())
}

fn get_referrers(shared: &Shared, repository: &str, digest: &str) -> Answer {
    let documents = lock(&shared.store).manifests(repository);
    let referring = documents.iter().filter(|stored| subject(&stored.bytes).as_deref() == Some(digest));
    let entries: Vec<serde_json::Value> = referring
        .map(|stored| {
            let document = Document { media_type: stored.media_type.clone(), bytes: stored.bytes.clone() };
            document.descriptor()
        })
        .collect();
    let index = serde_json::json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries});
    Answer::new(200).body(OCI_INDEX, index.to_string())
}

/// Something that a manifest refers to and that is not there.
fn missing_part(shared: &Shared, repository: &str, bytes: &[u8]) -> Option<String> {
    let document: serde_json::Value = serde_json::from_slice(bytes).ok()?;
    let store = lock(&shared.store);
    let digests = |value: &serde_json::Value| -> Vec<String> {
        let entries = value.as_array().cloned().unwrap_or_default();
        entries.iter().filter_map(|entry| Some(entry["digest"].as_str()?.to_owned())).collect()
    };
    let blobs = document["config"]["digest"]
        .as_str()
        .map(str::to_owned)
        .into_iter()
        .chain(digests(&document["layers"]));
    let missing_blob = blobs.into_iter().find(|digest| store.blob(repository, digest).is_none());
    let manifests = digests(&document["manifests"]);
    missing_blob.or_else(|| manifests.into_iter().find(|digest| store.manifest(repository, digest).is_none()))
}

fn get_blob(shared: &Shared, asked: &Asked, repository: &str, digest: &str) -> Answer {
    let Some(bytes) = lock(&shared.store).blob(repository, digest) else {
        return Answer::error(404, "BLOB_UNKNOWN");
    };
    let from: Option<usize> =
        asked.header(RANGE).and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    match from {
        Some(from) if from < bytes.len() => {
            let range = format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
            Answer::new(206).with(CONTENT_RANGE, range).body("application/octet-stream", bytes.slice(from..))
        }
        Some(_) => Answer::error(416, "RANGE_INVALID"),
        None => Answer::new(200).with(CONTENT_DIGEST, digest).body("application/octet-stream", bytes),
    }
}

fn begin_upload(shared: &Shared, asked: &Asked, repository: &str) -> Answer {
    let mut store = lock(&shared.store);
    if let (Some(digest), Some(from)) = (asked.query("mount"), asked.query("from"))
        && !lock(&shared.settings).without_mounts
        && let Some(bytes) = store.blob(from, digest)
    {
        store.put_blob(repository, digest, bytes);
        return Answer::new(201).with(LOCATION, format!("/v2/{repository}/blobs/{digest}"));
    }
    let id = store.begin_upload();
    let host = lock(&shared.settings).upload_host.clone().unwrap_or_default();
    Answer::new(202).with(LOCATION, format!("{host}/v2/{repository}/blobs/uploads/{id}?state=s%2Fx"))
}

/// Where the upload is and how far it came.
fn progress(status: u16, repository: &str, id: &str, length: usize) -> Answer {
    Answer::new(status)
        .with(LOCATION, format!("/v2/{repository}/blobs/uploads/{id}?state=s%2Fx"))
        .with(RANGE, format!("0-{}", length.saturating_sub(1)))
}

fn upload_status(shared: &Shared, asked: &Asked, repository: &str, id: &str) -> Answer {
    if asked.query("state") != Some("s/x") {
        return Answer::error(400, "BLOB_UPLOAD_INVALID");
    }
    match lock(&shared.store).upload(id) {
        Some(upload) => progress(204, repository, id, upload.len()),
        None => Answer::error(404, "BLOB_UPLOAD_UNKNOWN"),
    }
}

fn continue_upload(shared: &Shared, asked: &Asked, repository: &str, id: &str) -> Answer {
    let start = asked.header(CONTENT_RANGE).and_then(|range| range.split_once('-')?.0.parse::<usize>().ok());
    match lock(&shared.store).upload(id) {
        Some(upload) if start.is_some_and(|start| start != upload.len()) => {
            let length = upload.len();
            Answer {
                status: hyper::StatusCode::RANGE_NOT_SATISFIABLE,
                ..progress(416, repository, id, length)
            }
        }
        Some(upload) => {
            upload.extend_from_slice(&asked.body);
            progress(202, repository, id, upload.len())
        }
        None => Answer::error(404, "BLOB_UPLOAD_UNKNOWN"),
    }
}

fn end_upload(shared: &Shared, asked: &Asked, repository: &str, id: &str) -> Answer {
    let mut store = lock(&shared.store);
    let (Some(digest), Some("s/x")) = (asked.query("digest"), asked.query("state")) else {
        return Answer::error(400, "BLOB_UPLOAD_INVALID");
    };
    let Some(mut upload) = store.end_upload(id) else { return Answer::error(404, "BLOB_UPLOAD_UNKNOWN") };
    upload.extend_from_slice(&asked.body);
    let bytes: Bytes = upload.freeze();
    if digest_of(&bytes).to_string() != digest {
        return Answer::error(400, "DIGEST_INVALID");
    }
    store.put_blob(repository, digest, bytes);
    Answer::new(201).with(CONTENT_DIGEST, digest).with(LOCATION, format!("/v2/{repository}/blobs/{digest}"))
}

/// What arrived before a connection was cut stays in the upload, as real registries do it.
pub(crate) fn keep_part(shared: &Shared, asked: &Asked) {
    if let Some((_, "/blobs/uploads/", id)) = split(&asked.path)
        && let Some(upload) = lock(&shared.store).upload(id)
    {
        upload.extend_from_slice(&asked.body);
    }
}
