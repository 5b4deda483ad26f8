//! Manifests and indexes: fetched, looked for, pushed.

use bytes::Bytes;
use oci::{Digest, MAX_MANIFEST_SIZE, media_type};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};

use crate::call::Call;
use crate::document;
use crate::transport::{Body, Outgoing};
use crate::{Cause, Client, Error, ManifestName, Operation, Remote};

const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
const SUBJECT: HeaderName = HeaderName::from_static("oci-subject");

/// A manifest or index as it was received.
#[derive(Clone, Debug)]
pub struct Document {
    /// The bytes, exactly.
    pub bytes: Bytes,
    /// What it is; header and content agree on it.
    pub media_type: String,
    /// The digest of the bytes.
    pub digest: Digest,
}

/// What a registry said about a manifest that it stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// It looked at the subject and lists the manifest among what refers to that (`OCI-Subject`).
    pub listed: bool,
}

/// What a registry says about a manifest without sending it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestHead {
    /// Its digest, if the registry says it.
    pub digest: Option<Digest>,
    /// Its media type, if the registry says it.
    pub media_type: Option<String>,
    /// Its size, if the registry says it.
    pub size: Option<u64>,
}

impl Client {
    /// Fetches a manifest or index. By digest, its content is verified; by tag, its digest is what was found.
    pub async fn get_manifest(
        &self,
        from: &Remote,
        name: impl Into<ManifestName>,
    ) -> Result<Document, Error> {
        let name = name.into();
        let (call, mut budget) = self.reading(Operation::FetchManifest(name.clone()), from)?;
        loop {
            match self.try_get_manifest(&call, &name).await {
                Ok(document) => return Ok(document),
                Err(cause) => budget.spend(&call, cause).await?,
            }
        }
    }

    async fn try_get_manifest(&self, call: &Call, name: &ManifestName) -> Result<Document, Cause> {
        let request = manifest_request(call, Method::GET, name)?;
        let response = self.request(call, &request).await?;
        if response.status() != StatusCode::OK {
            return Err(response.into_failure(&*self.config().clock).await);
        }
        let header = response.media_type();
        let bytes = response.bytes(MAX_MANIFEST_SIZE).await?;
        let digest = blob::digest_of(&bytes);
        // A page that says "log in first" is better called that than "wrong digest".
        let media_type = document::media_type(header.as_deref(), &bytes);
        if let (ManifestName::Digest(expected), false) =
            (name, matches!(media_type, Err(Cause::NotARegistry { .. })))
        {
            blob::verify_bytes(&bytes, *expected, None)?;
        }
        Ok(Document { bytes, media_type: media_type?, digest })
    }

    /// Asks whether a manifest or index is there; `None` when it is not.
    pub async fn head_manifest(
        &self,
        at: &Remote,
        name: impl Into<ManifestName>,
    ) -> Result<Option<ManifestHead>, Error> {
        let name = name.into();
        let (call, mut budget) = self.reading(Operation::FindManifest(name.clone()), at)?;
        loop {
            match self.try_head_manifest(&call, &name).await {
                Ok(head) => return Ok(head),
                Err(cause) => budget.spend(&call, cause).await?,
            }
        }
    }

    async fn try_head_manifest(
        &self,
        call: &Call,
        name: &ManifestName,
    ) -> Result<Option<ManifestHead>, Cause> {
        let request = manifest_request(call, Method::HEAD, name)?;
        let response = self.request(call, &request).await?;
        if let Some(page) = response.page_instead_of("a manifest") {
            return Err(page);
        }
        match response.status() {
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::OK => Ok(Some(ManifestHead {
                digest: response.header(CONTENT_DIGEST).and_then(|text| text.parse().ok()),
                media_type: response.media_type(),
                size: response.content_length(),
            })),
            _ => Err(response.into_failure(&*self.config().clock).await),
        }
    }

    /// Writes a manifest or index under a tag or its digest. Everything it refers to must be there.
    pub async fn put_manifest(
        &self,
        to: &Remote,
        name: impl Into<ManifestName>,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<Written, Error> {
        let name = name.into();
        let (call, mut budget) = self.writing(Operation::PushManifest(name.clone()), to, None)?;
        loop {
            match self.try_put_manifest(&call, &name, media_type, &bytes).await {
                Ok(written) => return Ok(written),
                Err(cause) => budget.spend(&call, cause).await?,
            }
        }
    }

    async fn try_put_manifest(
        &self,
        call: &Call,
        name: &ManifestName,
        media_type: &str,
        bytes: &Bytes,
    ) -> Result<Written, Cause> {
        let url = call.host.url(&call.remote.repository, &format!("manifests/{name}"))?;
        let mut request = Outgoing::new(Method::PUT, url);
        let media_type = HeaderValue::from_str(media_type)
            .map_err(|_| Cause::Document("a media type that no header can carry".to_owned()))?;
        request.headers.insert(CONTENT_TYPE, media_type);
        request.body = Body::Bytes(bytes.clone());
        let response = self.request(call, &request).await?;
        if !response.status().is_success() {
            return Err(response.into_failure(&*self.config().clock).await);
        }
        if let Some(page) = response.page_instead_of("a written manifest") {
            return Err(page);
        }
        let stored = response.header(CONTENT_DIGEST).and_then(|text| text.parse::<Digest>().ok());
        if stored.is_some_and(|stored| stored != blob::digest_of(bytes)) {
            return Err(Cause::Protocol("it stored the manifest under another digest"));
        }
        Ok(Written { listed: response.header(SUBJECT).is_some() })
    }
}

fn manifest_request(call: &Call, method: Method, name: &ManifestName) -> Result<Outgoing, Cause> {
    let url = call.host.url(&call.remote.repository, &format!("manifests/{name}"))?;
    let mut request = Outgoing::new(method, url);
    request.headers.insert(ACCEPT, HeaderValue::from_static(media_type::ACCEPT_MANIFESTS));
    Ok(request)
}
