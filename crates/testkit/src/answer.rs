//! Answers as our servers give them.

use std::fmt::Display;
use std::io;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use hyper::{Response, StatusCode};

use crate::fault::Action;

pub(crate) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// An answer before it goes out: small enough to be kept whole, so that it can be spoilt.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(HeaderName, String)>,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn new(status: u16) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, headers: Vec::new(), body: Bytes::new() }
    }

    pub(crate) fn with(mut self, name: HeaderName, value: impl Display) -> Self {
        self.headers.push((name, format!("{value}")));
        self
    }

    pub(crate) fn body(self, media_type: &str, body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..self.with(CONTENT_TYPE, media_type) }
    }

    /// A registry's error document.
    pub(crate) fn error(status: u16, code: &str) -> Self {
        let message = code.to_ascii_lowercase().replace('_', " ");
        let body = serde_json::json!({"errors": [{"code": code, "message": message}]});
        Self::new(status).body("application/json", body.to_string())
    }

    /// Spoils an answer. Hanging and cutting connections are the server's part.
    pub(crate) fn spoil(self, action: &Action) -> Self {
        match action {
            Action::Status(status, retry_after) => {
                let code = StatusCode::from_u16(*status).ok().and_then(|status| status.canonical_reason());
                let code = code.unwrap_or("FAULT").to_ascii_uppercase().replace(' ', "_");
                let answer = Self::error(*status, &code);
                retry_after.iter().fold(answer, |answer, seconds| answer.with(RETRY_AFTER, seconds))
            }
            Action::Html => {
                Self::new(200).body("text/html; charset=utf-8", "<html><body>Please log in</body></html>")
            }
            Action::Wrong => {
                let mut body = self.body.to_vec();
                let middle = body.len() / 2;
                if let Some(byte) = body.get_mut(middle) {
                    *byte ^= 1;
                }
                Self { body: body.into(), ..self }
            }
            Action::Redirect(to) => Self::new(307).with(LOCATION, to),
            Action::Truncate | Action::Drop(_) | Action::DropAnswer | Action::Hang | Action::LoseUploads => {
                self
            }
        }
    }

    /// As hyper wants it. For `HEAD` only the length of the body is sent; `truncated` cuts it in half.
    pub(crate) fn finish(self, head: bool, truncated: bool) -> Response<Body> {
        let length = self.body.len();
        let body = match (head, truncated) {
            (true, _) => whole(Bytes::new()),
            (false, true) => cut(self.body.slice(..length / 2)),
            (false, false) => whole(self.body),
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().append(name, value);
            }
        }
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
        response
    }
}

pub(crate) fn whole(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

/// A body that breaks after these bytes.
pub(crate) fn cut(bytes: Bytes) -> Body {
    let broken = stream::once(async {
        // Otherwise nothing of the answer would be sent at all.
        tokio::task::yield_now().await;
        Err(io::Error::from(io::ErrorKind::ConnectionAborted))
    });
    StreamBody::new(stream::iter([Ok(Frame::data(bytes))]).chain(broken)).boxed_unsync()
}
