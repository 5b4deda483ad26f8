//! Answers: bounded, with an idle limit, and counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, RETRY_AFTER};
use reqwest::{StatusCode, Url};
use serde::Deserialize;

use crate::classify::classify;
use crate::clock::Clock;
use crate::limiter::Permit;
use crate::{Cause, RegistryError};

/// No registry needs more to say what went wrong.
const MAX_ERROR_BODY: u64 = 64 << 10;
const MAX_ERRORS: usize = 3;
const MAX_MESSAGE: usize = 300;

/// What a client did so far.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) requests: AtomicU64,
    pub(crate) retries: AtomicU64,
    pub(crate) received: AtomicU64,
    pub(crate) sent: AtomicU64,
}

/// An answer whose body has not been read.
pub(crate) struct Response {
    inner: reqwest::Response,
    idle: Duration,
    counters: Arc<Counters>,
    put_back: Option<Bytes>,
    permit: Option<Permit>,
}

impl Response {
    pub(crate) fn new(
        inner: reqwest::Response,
        idle: Duration,
        counters: Arc<Counters>,
        permit: Option<Permit>,
    ) -> Self {
        Self { inner, idle, counters, put_back: None, permit }
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.inner.status()
    }

    pub(crate) fn url(&self) -> &Url {
        self.inner.url()
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        self.inner.headers()
    }

    pub(crate) fn header(&self, name: impl Into<HeaderName>) -> Option<&str> {
        self.inner.headers().get(name.into())?.to_str().ok()
    }

    /// The media type without parameters, in lower case.
    pub(crate) fn media_type(&self) -> Option<String> {
        let value = self.header(CONTENT_TYPE)?;
        Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
    }

    /// A web page where the protocol has something else. Only `200` is looked at: some registries put this type on their
    /// empty `201` and `202`.
    pub(crate) fn page_instead_of(&self, expected: &'static str) -> Option<Cause> {
        let content_type = self.media_type().filter(|media_type| media_type == "text/html")?;
        (self.status() == StatusCode::OK).then_some(Cause::NotARegistry { content_type, expected })
    }

    pub(crate) fn content_length(&self) -> Option<u64> {
        self.header(reqwest::header::CONTENT_LENGTH)?.parse().ok()
    }

    /// The next bytes of the body.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Cause> {
        if let Some(bytes) = self.put_back.take() {
            return Ok(Some(bytes));
        }
        let chunk = tokio::time::timeout(self.idle, self.inner.chunk())
            .await
            .map_err(|_| Cause::Idle(self.idle))?
            .map_err(|error| classify(error, self.inner.url()))?;
        if let Some(bytes) = &chunk {
            self.counters.received.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        }
        Ok(chunk)
    }

    /// Lets another request go before this one is read.
    pub(crate) fn release(&mut self) {
        self.permit = None;
    }

    /// Makes bytes that were read the next ones again.
    pub(crate) fn put_back(&mut self, bytes: Bytes) {
        self.put_back = Some(bytes);
    }

    /// Reads what is left of a small body, so that the connection can be used again.
    pub(crate) async fn drain(self) {
        drop(self.bytes(MAX_ERROR_BODY).await);
    }

    /// The whole body, if it is no larger than `limit`.
    pub(crate) async fn bytes(mut self, limit: u64) -> Result<Bytes, Cause> {
        if self.content_length().is_some_and(|length| length > limit) {
            return Err(Cause::TooLarge(limit));
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = self.chunk().await? {
            if (body.len() + chunk.len()) as u64 > limit {
                return Err(Cause::TooLarge(limit));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }

    /// What an unexpected answer means.
    pub(crate) async fn into_failure(self, clock: &dyn Clock) -> Cause {
        let status = self.status();
        let retry_after = self.header(RETRY_AFTER).and_then(|value| parse_retry_after(value, clock));
        let is_json = self.media_type().is_some_and(|media_type| media_type.ends_with("json"));
        let body = if is_json { self.bytes(MAX_ERROR_BODY).await.unwrap_or_default() } else { Bytes::new() };
        Cause::Status { status, errors: parse_errors(&body), retry_after }
    }
}

/// Seconds or a date.
fn parse_retry_after(value: &str, clock: &dyn Clock) -> Option<Duration> {
    match value.trim().parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => httpdate::parse_http_date(value).ok()?.duration_since(clock.time_of_day()).ok(),
    }
}

#[derive(Deserialize)]
struct ErrorBody {
    #[serde(default)]
    errors: Vec<ErrorEntry>,
    /// Token servers and proxies use these.
    #[serde(default)]
    error: Option<String>,
    #[serde(default, alias = "details", alias = "error_description")]
    message: Option<String>,
}

#[derive(Deserialize)]
struct ErrorEntry {
    #[serde(default)]
    code: serde_json::Value,
    #[serde(default)]
    message: Option<String>,
}

/// What a registry or a token server says went wrong, cut to what fits a message.
pub(crate) fn parse_errors(body: &[u8]) -> Vec<RegistryError> {
    let Ok(body) = serde_json::from_slice::<ErrorBody>(body) else { return Vec::new() };
    let mut errors: Vec<RegistryError> = body
        .errors
        .into_iter()
        .take(MAX_ERRORS)
        .map(|entry| RegistryError {
            code: shorten(entry.code.as_str().unwrap_or_default()),
            message: shorten(entry.message.as_deref().unwrap_or_default()),
        })
        .collect();
    if errors.is_empty() && (body.error.is_some() || body.message.is_some()) {
        let text = |value: Option<String>| shorten(value.as_deref().unwrap_or_default());
        errors.push(RegistryError { code: text(body.error), message: text(body.message) });
    }
    errors.into_iter().map(without_empty_code).collect()
}

fn without_empty_code(error: RegistryError) -> RegistryError {
    if error.code.is_empty() { RegistryError { code: error.message, message: String::new() } } else { error }
}

/// One line, without control characters and without anything that looks like a signed URL.
fn shorten(text: &str) -> String {
    let words = text.split_whitespace().map(|word| match word.split_once('?') {
        Some((address, _)) if address.contains("://") => format!("{address}?..."),
        _ => word.to_owned(),
    });
    let line: String = words.collect::<Vec<_>>().join(" ").chars().filter(|c| !c.is_control()).collect();
    if line.chars().count() <= MAX_MESSAGE {
        return line;
    }
    line.chars().take(MAX_MESSAGE).chain("...".chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    #[test]
    fn registries_may_explain_themselves_within_limits() {
        let texts =
            |body: &str| parse_errors(body.as_bytes()).iter().map(ToString::to_string).collect::<Vec<_>>();
        let body =
            r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest\n unknown","detail":{"a":1}}]}"#;
        assert_eq!(texts(body), ["MANIFEST_UNKNOWN: manifest unknown"]);
        assert_eq!(
            texts(r#"{"details":"incorrect username or password"}"#),
            ["incorrect username or password"]
        );
        assert_eq!(
            texts(r#"{"error":"invalid_grant","error_description":"expired"}"#),
            ["invalid_grant: expired"]
        );
        let signed = r#"{"errors":[{"code":"X","message":"see https://a.io/b?sig=hunter2 there"}]}"#;
        assert_eq!(texts(signed), ["X: see https://a.io/b?... there"]);
        assert_eq!(texts("<html>"), [""; 0]);
        let long = format!(r#"{{"errors":[{{"code":"X","message":"{}"}}]}}"#, "y".repeat(10_000));
        assert_eq!(texts(&long)[0].len(), "X: ".len() + MAX_MESSAGE + "...".len());
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(parse_retry_after("5", &SystemClock), Some(Duration::from_secs(5)));
        assert_eq!(parse_retry_after("soon", &SystemClock), None);
        assert_eq!(parse_retry_after("Wed, 21 Oct 2015 07:28:00 GMT", &SystemClock), None, "already past");
        assert!(parse_retry_after("Wed, 21 Oct 2099 07:28:00 GMT", &SystemClock).is_some());
    }
}
