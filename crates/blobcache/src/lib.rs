//! How a registry is told which blobs of Bazel's remote cache it shall show: messages and both ends of the one call.
//!
//! `rules_img.blobcache.v1.Blobs/Commit` names repositories and, for each, digests and sizes. The registry looks for them
//! in the remote cache that it was started with, from then on serves those that are there, and answers which are
//! missing. Both ends are of this repository, so the messages are written by hand; nothing generates code.
//!
//! Deliberately not here: connections, credentials and retries (crate `cas`), and what the registry does (its own).
//!
//! ```
//! use blobcache::{CommitRequest, Digest, RepositoryBlobs, SHA256};
//! let blob = Digest { hash: "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a".into(), size_bytes: 2 };
//! let repositories = vec![RepositoryBlobs { name: "app".into(), blobs: vec![blob] }];
//! let request = CommitRequest { digest_function: SHA256, repositories, only_ask: false };
//! # let _ = request;
//! ```

mod client;
mod server;

pub use client::commit;
pub use server::{Blobs, BlobsServer};

/// Name of the service, which credential helpers are asked about.
pub const SERVICE: &str = "rules_img.blobcache.v1.Blobs";

/// Path of the call.
pub const COMMIT: &str = "/rules_img.blobcache.v1.Blobs/Commit";

/// `DigestFunction.Value.SHA256` of the remote execution API, the one that there is.
pub const SHA256: i32 = 1;

/// A message may have so many bytes: what gRPC takes unless both sides agree on more.
pub const MAX_MESSAGE_SIZE: usize = 4 << 20;

/// Shall be visible from now on.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct CommitRequest {
    /// How digests were computed, numbered as in the remote execution API.
    #[prost(int32, tag = "1")]
    pub digest_function: i32,
    /// What shall be visible where; a repository may be named several times.
    #[prost(message, repeated, tag = "2")]
    pub repositories: Vec<RepositoryBlobs>,
    /// Answer, but change nothing.
    #[prost(bool, tag = "3")]
    pub only_ask: bool,
}

/// What the registry cannot show.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct CommitResponse {
    /// The blobs that are missing, by repository; repositories without any are left out.
    #[prost(message, repeated, tag = "1")]
    pub missing: Vec<RepositoryBlobs>,
}

/// Blobs of one repository.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct RepositoryBlobs {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// The blobs.
    #[prost(message, repeated, tag = "2")]
    pub blobs: Vec<Digest>,
}

/// What a blob is known by, as in the remote execution API.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Digest {
    /// Hexadecimal, in lower case, without the algorithm.
    #[prost(string, tag = "1")]
    pub hash: String,
    /// Bytes.
    #[prost(int64, tag = "2")]
    pub size_bytes: i64,
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;

    #[test]
    fn the_encoding_stays_what_it_is() {
        let blob = Digest { hash: "ab".into(), size_bytes: 300 };
        let repositories = vec![RepositoryBlobs { name: "app".into(), blobs: vec![blob] }];
        let request = CommitRequest { digest_function: SHA256, repositories, only_ask: true };
        let bytes = b"\x08\x01\x12\x0e\x0a\x03app\x12\x07\x0a\x02ab\x10\xac\x02\x18\x01";
        assert_eq!(request.encode_to_vec(), bytes);
        assert_eq!(CommitRequest::decode(&bytes[..]).unwrap(), request);
    }
}
