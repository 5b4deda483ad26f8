//! Everything that can go wrong with a request, and how the client is told (distribution specification, "Error Codes").

use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use oci::{Digest, Repository};
use uuid::Uuid;

/// A request that was not fulfilled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("there is nothing at `{0}`")]
    Path(String),
    #[error("`{method}` is not possible here")]
    Method { method: String },
    #[error("this registry is read-only")]
    ReadOnly,
    #[error("parameter `{name}` is `{value}`; expected {expected}")]
    Parameter { name: &'static str, value: String, expected: &'static str },
    #[error("header `{name}` is `{value}`; expected {expected}")]
    Header { name: HeaderName, value: String, expected: &'static str },
    #[error(transparent)]
    Name(oci::ReferenceError),
    #[error("repository `{0}` is not known")]
    RepositoryUnknown(Repository),
    #[error(transparent)]
    Digest(#[from] oci::DigestError),
    #[error("digest algorithm `{0}` is not supported; only `sha256` is")]
    Algorithm(String),
    #[error(transparent)]
    Content(#[from] blob::Mismatch),
    #[error("blob `{digest}` is not in repository `{repository}`")]
    BlobUnknown { repository: Repository, digest: Digest },
    #[error("requested range is outside of the blob's {size} bytes")]
    RangeOutside { size: u64 },
    #[error("upload `{id}` of repository `{repository}` is not known")]
    UploadUnknown { repository: Repository, id: String },
    #[error("upload `{id}` is being written to by another request")]
    UploadBusy { id: Uuid },
    #[error("chunk begins at byte {start}, but the upload has {size} bytes")]
    UploadRange { repository: Repository, id: Uuid, start: u64, size: u64 },
    #[error("chunk has {found} bytes, but its `Content-Range` says {expected}")]
    UploadSize { expected: u64, found: u64 },
    #[error("request body was cut short")]
    Interrupted(#[source] axum::Error),
    #[error("no bytes came for {seconds} seconds")]
    Stalled { seconds: u64 },
    #[error("manifest `{reference}` is not in repository `{repository}`")]
    ManifestUnknown { repository: Repository, reference: String },
    #[error("manifest is larger than {limit} bytes")]
    ManifestTooLarge { limit: u64 },
    #[error("manifest cannot be read")]
    ManifestSyntax(#[source] serde_json::Error),
    #[error("manifest is not acceptable: {0}")]
    ManifestInvalid(String),
    #[error("manifest refers to {what} `{digest}`, which is not in repository `{repository}`")]
    PartUnknown { repository: Repository, what: &'static str, digest: Digest },
    #[error("manifest says that `{digest}` has {expected} bytes, but it has {found}")]
    PartSize { digest: Digest, expected: u64, found: u64 },
    #[error("`{digest}` is still referred to by manifest `{by}`; delete that first")]
    Referenced { digest: Digest, by: Digest },
    #[error(transparent)]
    Cache(#[from] Box<cas::Error>),
    #[error("internal error")]
    Io(#[from] std::io::Error),
}

impl Error {
    /// Status and code for the client.
    fn status(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Path(_) => (StatusCode::NOT_FOUND, "UNSUPPORTED"),
            Self::Method { .. } | Self::ReadOnly => (StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED"),
            Self::Parameter { name: "n", .. } => (StatusCode::BAD_REQUEST, "PAGINATION_NUMBER_INVALID"),
            Self::Parameter { name: "digest", .. } | Self::Digest(_) | Self::Content(_) => {
                (StatusCode::BAD_REQUEST, "DIGEST_INVALID")
            }
            Self::Parameter { .. } | Self::Algorithm(_) => (StatusCode::BAD_REQUEST, "UNSUPPORTED"),
            Self::Header { .. } | Self::Interrupted(_) => (StatusCode::BAD_REQUEST, "BLOB_UPLOAD_INVALID"),
            Self::Name(_) => (StatusCode::BAD_REQUEST, "NAME_INVALID"),
            Self::RepositoryUnknown(_) => (StatusCode::NOT_FOUND, "NAME_UNKNOWN"),
            Self::BlobUnknown { .. } => (StatusCode::NOT_FOUND, "BLOB_UNKNOWN"),
            Self::RangeOutside { .. } => (StatusCode::RANGE_NOT_SATISFIABLE, "UNSUPPORTED"),
            Self::UploadUnknown { .. } => (StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN"),
            Self::UploadBusy { .. } => (StatusCode::CONFLICT, "BLOB_UPLOAD_INVALID"),
            Self::UploadRange { .. } => (StatusCode::RANGE_NOT_SATISFIABLE, "BLOB_UPLOAD_INVALID"),
            Self::UploadSize { .. } | Self::PartSize { .. } => (StatusCode::BAD_REQUEST, "SIZE_INVALID"),
            Self::Stalled { .. } => (StatusCode::REQUEST_TIMEOUT, "BLOB_UPLOAD_INVALID"),
            Self::ManifestUnknown { .. } => (StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN"),
            Self::ManifestTooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "SIZE_INVALID"),
            Self::ManifestSyntax(_) | Self::ManifestInvalid(_) => {
                (StatusCode::BAD_REQUEST, "MANIFEST_INVALID")
            }
            Self::PartUnknown { .. } => (StatusCode::BAD_REQUEST, "MANIFEST_BLOB_UNKNOWN"),
            Self::Cache(_) => (StatusCode::SERVICE_UNAVAILABLE, "UNKNOWN"),
            Self::Referenced { .. } => (StatusCode::CONFLICT, "DENIED"),
            Self::Io(_) => (StatusCode::INTERNAL_SERVER_ERROR, "UNKNOWN"),
        }
    }

    /// The chain of causes. Those of an internal error name paths of this machine and are logged instead.
    fn message(&self) -> String {
        let mut message = self.to_string();
        let mut error: &dyn std::error::Error = self;
        while let Some(source) = error.source().filter(|_| !matches!(self, Self::Io(_))) {
            message.push_str(": ");
            message.push_str(&source.to_string());
            error = source;
        }
        message
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match &self {
            Self::Io(source) => tracing::error!("request failed: {source}"),
            Self::Cache(error) => tracing::warn!("{}", tool::chain(error)),
            _ => {}
        }
        let (status, code) = self.status();
        let body = serde_json::json!({"errors": [{"code": code, "message": self.message()}]});
        let body = (status, crate::api::json(body.to_string()));
        match self {
            Self::UploadRange { repository, id, size, .. } => {
                (crate::api::session_headers(&repository, id, size), body).into_response()
            }
            Self::RangeOutside { size } => {
                ([(header::CONTENT_RANGE, format!("bytes */{size}"))], body).into_response()
            }
            _ => body.into_response(),
        }
    }
}

/// A digest from a request. Another algorithm is not the same mistake as a malformed digest.
pub(crate) fn parse_digest(text: &str) -> Result<Digest, Error> {
    text.parse().map_err(|error| match text.split_once(':') {
        Some((algorithm @ ("sha384" | "sha512" | "blake3" | "md5"), _)) => Error::Algorithm(algorithm.into()),
        _ => Error::Digest(error),
    })
}
