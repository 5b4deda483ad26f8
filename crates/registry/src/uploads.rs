//! Uploads (distribution specification, "Pushing Blobs"): in one request, or, where a registry says that this is too
//! much, in parts; resumed where the registry kept what had arrived.

use std::sync::Arc;

use oci::Digest;
use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use reqwest::{Method, StatusCode, Url};

use crate::budget::Budget;
use crate::call::Call;
use crate::content::Content;
use crate::response::Response;
use crate::transport::{Body, Outgoing};
use crate::verified::Verified;
use crate::{Cause, Client, Error, Operation, Remote};

const CONTENT_RANGE: HeaderName = HeaderName::from_static("content-range");
const RANGE: HeaderName = HeaderName::from_static("range");
const MIN_CHUNK_LENGTH: HeaderName = HeaderName::from_static("oci-chunk-min-length");

/// A blob that a repository is to have.
#[derive(Clone)]
pub struct BlobPush {
    /// Its digest.
    pub digest: Digest,
    /// Its size.
    pub size: u64,
    /// An upload that a refused mount began.
    pub begun: Option<Session>,
    /// Its bytes.
    pub content: Arc<dyn Content>,
}

/// An upload that a registry has begun.
#[derive(Clone)]
pub struct Session {
    location: Url,
    offset: u64,
    min_chunk: u64,
}

impl Client {
    /// Puts a blob into a repository. Does not ask first whether it is there; see [`Client::head_blob`] and
    /// [`Client::mount_blob`].
    pub async fn push_blob(&self, to: &Remote, blob: &BlobPush) -> Result<(), Error> {
        let (call, mut budget) = self.writing(Operation::PushBlob(blob.digest), to, None)?;
        let content = Verified::new(Arc::clone(&blob.content), blob.digest, blob.size);
        let (mut begun, mut session) = (blob.begun.clone(), None);
        loop {
            let parts = call.host.chunk_size();
            let sessions = (&mut begun, &mut session);
            let cause = match self.try_push_blob(&call, blob, &content, sessions, &budget).await {
                Ok(()) => return Ok(()),
                Err(cause) => cause,
            };
            if let Cause::Content(error) = &cause
                && content.fail_over(error)
            {
                session = None;
                continue;
            }
            let too_large = cause.status() == Some(StatusCode::PAYLOAD_TOO_LARGE);
            if !(too_large && call.host.shrink_chunks(parts)) {
                budget.spend(&call, cause).await?;
            }
        }
    }

    /// One attempt. `begun` is an upload that nothing was sent to yet. `session` holds what an attempt before this one
    /// reached, and afterwards what this one did.
    async fn try_push_blob(
        &self,
        call: &Call,
        blob: &BlobPush,
        content: &Verified,
        (begun, session): (&mut Option<Session>, &mut Option<Session>),
        budget: &Budget,
    ) -> Result<(), Cause> {
        let current = match session.take() {
            Some(before) => self.resume(call, &before).await?,
            None => begun.take(),
        };
        let current = match current {
            Some(current) => current,
            // The answer to the last request may be all that was lost.
            None if budget.is_retry() && self.try_head_blob(call, blob.digest).await? => return Ok(()),
            None => self.begin_upload(call).await?,
        };
        *session = Some(current.clone());
        match call.host.chunk_size() {
            None if current.offset == 0 => self.upload_whole(call, blob, content, &current).await,
            parts => self.upload_parts(call, blob, content, session, parts.unwrap_or(u64::MAX)).await,
        }
    }

    async fn begin_upload(&self, call: &Call) -> Result<Session, Cause> {
        let url = call.host.url(&call.remote.repository, "blobs/uploads/")?;
        let answer = self.request(call, &Outgoing::new(Method::POST, url)).await?;
        self.session(call, answer).await
    }

    /// The session of an answer that should have begun one.
    pub(crate) async fn session(&self, call: &Call, answer: Response) -> Result<Session, Cause> {
        if let Some(page) = answer.page_instead_of("an upload") {
            return Err(page);
        }
        if answer.status() != StatusCode::ACCEPTED {
            return Err(answer.into_failure(&*self.config().clock).await);
        }
        let min_chunk = answer.header(MIN_CHUNK_LENGTH).and_then(|text| text.parse().ok()).unwrap_or(0);
        let location = location(call, &answer)?.ok_or(Cause::Protocol("an upload without a `Location`"))?;
        Ok(Session { location, offset: 0, min_chunk })
    }

    /// One `PUT` with everything.
    async fn upload_whole(
        &self,
        call: &Call,
        blob: &BlobPush,
        content: &Verified,
        session: &Session,
    ) -> Result<(), Cause> {
        let mut request = finish_request(&session.location, blob.digest);
        request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        request.body = Body::Part { content: content.clone(), offset: 0, length: blob.size };
        let answer = self.request(call, &request).await?;
        self.finished(answer).await
    }

    /// `PATCH` for each part, then an empty `PUT`.
    async fn upload_parts(
        &self,
        call: &Call,
        blob: &BlobPush,
        content: &Verified,
        session: &mut Option<Session>,
        part: u64,
    ) -> Result<(), Cause> {
        while let Some(current) = session.clone().filter(|session| session.offset < blob.size) {
            let length = part.max(current.min_chunk).min(blob.size - current.offset);
            *session = Some(self.upload_part(call, content, &current, length).await?);
        }
        let Some(current) = session else { return Err(Cause::LostUpload(Vec::new())) };
        let answer = self.request(call, &finish_request(&current.location, blob.digest)).await?;
        self.finished(answer).await
    }

    async fn upload_part(
        &self,
        call: &Call,
        content: &Verified,
        session: &Session,
        length: u64,
    ) -> Result<Session, Cause> {
        let offset = session.offset;
        let mut request = Outgoing::new(Method::PATCH, session.location.clone());
        request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        let range = HeaderValue::from_str(&format!("{offset}-{}", offset + length - 1));
        request.headers.insert(CONTENT_RANGE, range.map_err(|_| Cause::Protocol("an impossible range"))?);
        request.body = Body::Part { content: content.clone(), offset, length };
        let answer = self.request(call, &request).await?;
        match answer.status() {
            StatusCode::ACCEPTED | StatusCode::NO_CONTENT | StatusCode::CREATED => {
                let end = offset + length;
                let next = match last_byte(&answer) {
                    Some(0) if end > 1 => 0,
                    last => last.map_or(end, |last| (last + 1).min(end)),
                };
                if next <= offset {
                    return Err(Cause::LostUpload(Vec::new()));
                }
                let location = location(call, &answer)?.unwrap_or_else(|| session.location.clone());
                Ok(Session { location, offset: next, min_chunk: session.min_chunk })
            }
            StatusCode::NOT_FOUND | StatusCode::RANGE_NOT_SATISFIABLE => Err(self.lost(answer).await),
            _ => Err(answer.into_failure(&*self.config().clock).await),
        }
    }

    /// Asks how far an upload came; `None` when the registry no longer knows it.
    async fn resume(&self, call: &Call, session: &Session) -> Result<Option<Session>, Cause> {
        let request = Outgoing::new(Method::GET, session.location.clone());
        let answer = self.request(call, &request).await?;
        match answer.status() {
            StatusCode::NO_CONTENT | StatusCode::OK | StatusCode::ACCEPTED => {
                let location = location(call, &answer)?.unwrap_or_else(|| session.location.clone());
                let offset = last_byte(&answer).filter(|last| *last > 0).map_or(0, |last| last + 1);
                Ok(Some(Session { location, offset, min_chunk: session.min_chunk }))
            }
            status if status.is_client_error() => {
                answer.drain().await;
                Ok(None)
            }
            _ => Err(answer.into_failure(&*self.config().clock).await),
        }
    }

    async fn finished(&self, answer: Response) -> Result<(), Cause> {
        match answer.status() {
            StatusCode::CREATED | StatusCode::NO_CONTENT => Ok(()),
            StatusCode::OK => answer.page_instead_of("a finished upload").map_or(Ok(()), Err),
            StatusCode::NOT_FOUND | StatusCode::RANGE_NOT_SATISFIABLE => Err(self.lost(answer).await),
            _ => Err(answer.into_failure(&*self.config().clock).await),
        }
    }

    async fn lost(&self, answer: Response) -> Cause {
        match answer.into_failure(&*self.config().clock).await {
            Cause::Status { errors, .. } => Cause::LostUpload(errors),
            cause => cause,
        }
    }
}

/// The `Location` of an upload may hold a query of its own, which has to be kept.
fn finish_request(location: &Url, digest: Digest) -> Outgoing {
    let mut url = location.clone();
    url.query_pairs_mut().append_pair("digest", &digest.to_string());
    Outgoing::new(Method::PUT, url)
}

fn location(call: &Call, answer: &Response) -> Result<Option<Url>, Cause> {
    answer.header(LOCATION).map(|text| call.host.follow(answer.url(), text)).transpose()
}

/// The last byte that the registry has, from `Range: 0-<last>`. Nothing at all is `0-0`, too.
fn last_byte(answer: &Response) -> Option<u64> {
    let text = answer.header(RANGE)?;
    text.strip_prefix("bytes=").unwrap_or(text).strip_prefix("0-")?.parse().ok()
}

impl std::fmt::Debug for BlobPush {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlobPush")
            .field("digest", &self.digest)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

/// Not its address, which may be signed.
impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("offset", &self.offset).finish_non_exhaustive()
    }
}
