//! Why an operation failed: what was done, where, and what can be done about it.

use std::fmt;

use oci::Digest;
use tonic::Code;

use crate::{Cause, Endpoint};

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Asking the server what it can do.
    Capabilities,
    /// Asking which of so many blobs are missing.
    FindMissing(usize),
    /// Fetching so many small blobs.
    ReadBlobs(usize),
    /// Fetching a blob.
    Fetch(Digest),
    /// Asking a registry to show so many blobs.
    Commit(usize),
}

impl Operation {
    /// What it is done to.
    fn object(self) -> &'static str {
        match self {
            Self::Capabilities | Self::FindMissing(_) | Self::ReadBlobs(_) | Self::Fetch(_) => "remote cache",
            Self::Commit(_) => "blob cache",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Capabilities => f.write_str("ask what can be done by"),
            Self::FindMissing(number) => write!(f, "look for {number} blobs in"),
            Self::ReadBlobs(number) => write!(f, "fetch {number} blobs from"),
            Self::Fetch(digest) => write!(f, "fetch blob `{digest}` from"),
            Self::Commit(number) => write!(f, "commit {number} blobs to"),
        }
    }
}

/// A failed operation. The message says what failed and where; the cause is the source.
#[derive(Debug, thiserror::Error)]
#[error("failed to {operation} the {} `{endpoint}`", operation.object())]
pub struct Error {
    operation: Operation,
    endpoint: Box<Endpoint>,
    attempts: u32,
    #[source]
    cause: Box<Cause>,
}

impl Error {
    pub(crate) fn new(operation: Operation, endpoint: &Endpoint, attempts: u32, cause: Cause) -> Self {
        Self { operation, endpoint: Box::new(endpoint.clone()), attempts, cause: Box::new(cause) }
    }

    /// Why.
    pub fn cause(&self) -> &Cause {
        &self.cause
    }

    /// How often it was tried.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Lines that say what to do, most helpful first; may be empty.
    pub fn hints(&self) -> Vec<String> {
        let mut hints = Vec::new();
        let service =
            "give the address of the `--grpc-port` of a registry that was started with `--remote-cache`";
        match self.cause() {
            Cause::Connect(_) | Cause::Status { code: Code::Unimplemented, .. }
                if matches!(self.operation, Operation::Commit(_)) =>
            {
                hints.push(service.to_owned());
            }
            Cause::Connect(_) => hints.push(format!("is a remote cache running at `{}`?", self.endpoint)),
            Cause::Tls { plain: true, .. } => {
                hints.push("it speaks without TLS: write `grpc://` if that is meant".to_owned());
            }
            Cause::Tls { plain: false, .. } => hints.push(
                "set IMG_REAPI_TLS_CERTIFICATE to the file that Bazel has in `--tls_certificate`, and where the cache wants \
                 to know its clients, IMG_REAPI_TLS_CLIENT_CERTIFICATE and IMG_REAPI_TLS_CLIENT_KEY"
                    .to_owned(),
            ),
            Cause::DigestFunction { .. } => hints.push(
                "give Bazel `--digest_function=sha256`, and set the cache up to offer SHA256".to_owned(),
            ),
            Cause::NotACache => {
                hints.push("name the address that Bazel has in `--remote_cache`".to_owned());
            }
            Cause::Status { code: Code::Unauthenticated | Code::PermissionDenied, .. } => hints.push(
                "set IMG_CREDENTIAL_HELPER_REMOTE_CACHE to the helper that Bazel has in `--credential_helper`"
                    .to_owned(),
            ),
            Cause::Mismatch(blob::Mismatch::Digest { .. } | blob::Mismatch::Long { .. }) => {
                hints.push(format!("`{}` serves wrong content", self.endpoint));
            }
            Cause::Status { .. }
            | Cause::Header
            | Cause::Missing
            | Cause::Idle(_)
            | Cause::Mismatch(blob::Mismatch::Short { .. })
            | Cause::Compression(_)
            | Cause::Protocol(_) => {}
        }
        if self.attempts > 1 {
            hints.push(format!("it was tried {} times", self.attempts));
        }
        hints
    }
}
