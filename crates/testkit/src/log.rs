//! What a server was asked.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::header::HeaderName;
use serde::{Deserialize, Serialize};

/// Which registry a gateway is to ask.
pub(crate) const ORIGINAL_HOST: HeaderName = HeaderName::from_static("x-rules_img-original-host");

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// `/v2/`
    Ping,
    /// A manifest or an index.
    Manifest,
    /// A blob.
    Blob,
    /// An upload.
    Upload,
    /// The list of tags.
    Tags,
    /// The list of referrers.
    Referrers,
    /// A token.
    Token,
    /// Something else.
    Other,
}

impl Kind {
    /// The kind of a path.
    pub fn of(path: &str) -> Self {
        let about = |word: &str| path.contains(&format!("/{word}/"));
        match path {
            "/v2/" | "/v2" => Self::Ping,
            "/token" => Self::Token,
            _ if about("blobs/uploads") => Self::Upload,
            _ if about("blobs") => Self::Blob,
            _ if about("manifests") => Self::Manifest,
            _ if about("tags") => Self::Tags,
            _ if about("referrers") => Self::Referrers,
            _ => Self::Other,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ping => "ping",
            Self::Manifest => "manifest",
            Self::Blob => "blob",
            Self::Upload => "upload",
            Self::Tags => "tags",
            Self::Referrers => "referrers",
            Self::Token => "token",
            Self::Other => "other",
        })
    }
}

/// One request and its answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record {
    /// The verb.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// What it is about.
    pub kind: Kind,
    /// Status of the answer; 0 when the connection was cut.
    pub status: u16,
    /// The `Authorization` header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization: Option<String>,
    /// Which registry a gateway is to ask (`X-rules_img-Original-Host`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original_host: Option<String>,
    /// Bytes of the request's body.
    pub request_bytes: u64,
    /// Bytes of the answer's body.
    pub response_bytes: u64,
}

/// The requests of a server, shared with whoever looks at them.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<Record>>>);

impl Log {
    fn lock(&self) -> MutexGuard<'_, Vec<Record>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, record: Record) {
        self.lock().push(record);
    }

    pub(crate) fn all(&self) -> Vec<Record> {
        self.lock().clone()
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }
}

/// Requests and bytes.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// How many requests of each verb and kind, such as `GET manifest`.
    pub requests: BTreeMap<String, usize>,
    /// How many in all.
    pub total: usize,
    /// Bytes of bodies that clients sent.
    pub request_bytes: u64,
    /// Bytes of bodies that clients received.
    pub response_bytes: u64,
}

/// Sums requests up.
pub fn summary(records: &[Record]) -> Summary {
    Summary {
        requests: count(records),
        total: records.len(),
        request_bytes: records.iter().map(|record| record.request_bytes).sum(),
        response_bytes: records.iter().map(|record| record.response_bytes).sum(),
    }
}

/// How many requests of each verb and kind, such as `GET manifest`.
pub(crate) fn count(records: &[Record]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for record in records {
        *counts.entry(format!("{} {}", record.method, record.kind)).or_default() += 1;
    }
    counts
}
