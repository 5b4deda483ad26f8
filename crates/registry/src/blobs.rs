//! Blobs: looked for, fetched into memory when they are small, streamed when they are not.

use std::io;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream;
use oci::Digest;
use reqwest::header::{HeaderValue, RANGE};
use reqwest::{Method, StatusCode};

use crate::budget::Budget;
use crate::call::Call;
use crate::content::{ByteStream, Content};
use crate::response::Response;
use crate::transport::Outgoing;
use crate::{Cause, Client, Error, Operation, Remote};

impl Client {
    /// Asks whether a blob is there.
    pub async fn head_blob(&self, at: &Remote, digest: Digest) -> Result<bool, Error> {
        let (call, mut budget) = self.reading(Operation::FindBlob(digest), at)?;
        loop {
            match self.try_head_blob(&call, digest).await {
                Ok(found) => return Ok(found),
                Err(cause) => budget.spend(&call, cause).await?,
            }
        }
    }

    pub(crate) async fn try_head_blob(&self, call: &Call, digest: Digest) -> Result<bool, Cause> {
        let response = self.request(call, &blob_request(call, Method::HEAD, digest)?).await?;
        match response.status() {
            StatusCode::OK => response.page_instead_of("a blob").map_or(Ok(true), Err),
            StatusCode::NOT_FOUND => Ok(false),
            _ => Err(response.into_failure(&*self.config().clock).await),
        }
    }

    /// Fetches a small blob, verified; `limit` caps it where the size is not known.
    pub async fn get_blob(
        &self,
        from: &Remote,
        digest: Digest,
        size: Option<u64>,
        limit: u64,
    ) -> Result<Bytes, Error> {
        let (call, mut budget) = self.reading(Operation::FetchBlob(digest), from)?;
        if size.is_some_and(|size| size > limit) {
            return Err(budget.error(&call, Cause::TooLarge(limit)));
        }
        loop {
            match self.try_get_blob(&call, digest, size, limit).await {
                Ok(bytes) => return Ok(bytes),
                Err(cause) => budget.spend(&call, cause).await?,
            }
        }
    }

    async fn try_get_blob(
        &self,
        call: &Call,
        digest: Digest,
        size: Option<u64>,
        limit: u64,
    ) -> Result<Bytes, Cause> {
        let response = self.open_blob(call, digest, 0).await?;
        let html = response.media_type().filter(|media_type| media_type == "text/html");
        let bytes = response.bytes(limit).await?;
        match (blob::verify_bytes(&bytes, digest, size), html) {
            (Ok(()), _) => Ok(bytes),
            (Err(_), Some(content_type)) => Err(Cause::NotARegistry { content_type, expected: "a blob" }),
            (Err(mismatch), None) => Err(mismatch.into()),
        }
    }

    /// Streams a blob of known size from `offset`, going on where a connection broke. From the start it is verified:
    /// wrong content is an error before the end. Memory does not depend on the size.
    pub fn stream_blob(
        &self,
        from: &Remote,
        digest: Digest,
        size: u64,
        offset: u64,
    ) -> Result<ByteStream, Error> {
        let (call, budget) = self.reading(Operation::FetchBlob(digest), from)?;
        let verifier = (offset == 0).then(|| blob::Verifier::new(digest, Some(size)));
        let download =
            Download { client: self.clone(), call, budget, digest, size, offset, verifier, response: None };
        let chunks = stream::try_unfold(download, |mut download| async move {
            let chunk = download.next().await.map_err(io::Error::other)?;
            Ok::<_, io::Error>(chunk.map(|chunk| (chunk, download)))
        });
        Ok(chunks.boxed())
    }

    async fn open_blob(&self, call: &Call, digest: Digest, offset: u64) -> Result<Response, Cause> {
        let mut request = blob_request(call, Method::GET, digest)?;
        if offset > 0 {
            let range = HeaderValue::from_str(&format!("bytes={offset}-"));
            request.headers.insert(RANGE, range.map_err(|_| Cause::Protocol("an impossible range"))?);
        }
        let response = self.request(call, &request).await?;
        match (response.status(), offset) {
            (StatusCode::OK, 0) | (StatusCode::PARTIAL_CONTENT, 1..) => Ok(response),
            (StatusCode::OK, _) => skip(response, offset).await,
            _ => Err(response.into_failure(&*self.config().clock).await),
        }
    }
}

fn blob_request(call: &Call, method: Method, digest: Digest) -> Result<Outgoing, Cause> {
    let url = call.host.url(&call.remote.repository, &format!("blobs/{digest}"))?;
    Ok(Outgoing::new(method, url))
}

/// For registries that ignore ranges: reads up to the offset; what a chunk holds beyond it is put back.
async fn skip(mut response: Response, offset: u64) -> Result<Response, Cause> {
    let mut left = offset;
    while left > 0 {
        let Some(chunk) = response.chunk().await? else {
            return Err(Cause::Protocol("a blob that is shorter than before"));
        };
        let length = chunk.len() as u64;
        if length > left {
            let at = usize::try_from(left).unwrap_or(chunk.len());
            response.put_back(chunk.slice(at..));
        }
        left = left.saturating_sub(length);
    }
    Ok(response)
}

/// A download that goes on after interruptions.
struct Download {
    client: Client,
    call: Call,
    budget: Budget,
    digest: Digest,
    size: u64,
    offset: u64,
    verifier: Option<blob::Verifier>,
    response: Option<Response>,
}

impl Download {
    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            match self.try_next().await {
                Ok(chunk) => return Ok(chunk),
                Err(cause) => {
                    self.response = None;
                    self.budget.spend(&self.call, cause).await?;
                }
            }
        }
    }

    async fn try_next(&mut self) -> Result<Option<Bytes>, Cause> {
        let mut response = match self.response.take() {
            Some(response) => response,
            None if self.offset == self.size => return self.finish(),
            None => self.client.open_blob(&self.call, self.digest, self.offset).await?,
        };
        let Some(chunk) = response.chunk().await? else {
            if self.offset < self.size {
                let (digest, expected, found) = (self.digest, self.size, self.offset);
                return Err(blob::Mismatch::Short { digest, expected, found }.into());
            }
            return self.finish();
        };
        if let Some(verifier) = &mut self.verifier {
            verifier.update(&chunk)?;
        }
        self.offset += chunk.len() as u64;
        self.response = Some(response);
        Ok(Some(chunk))
    }

    fn finish(&mut self) -> Result<Option<Bytes>, Cause> {
        if let Some(verifier) = self.verifier.take() {
            verifier.finish()?;
        }
        Ok(None)
    }
}

/// A blob in another registry as something to upload: it passes through memory in chunks and touches no disk.
#[derive(Clone, Debug)]
pub struct RemoteContent {
    /// The client to read with.
    pub client: Client,
    /// Where the blob is.
    pub from: Remote,
    /// Which blob.
    pub digest: Digest,
    /// Its size.
    pub size: u64,
}

impl Content for RemoteContent {
    fn open(&self, offset: u64) -> BoxFuture<'_, io::Result<ByteStream>> {
        let stream = self.client.stream_blob(&self.from, self.digest, self.size, offset);
        Box::pin(async move { stream.map_err(io::Error::other) })
    }
}
