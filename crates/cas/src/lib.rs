//! A client of content-addressed storage as the remote execution API (REAPI) defines it: Bazel's remote cache, read.
//!
//! [`Client::find_missing`] asks for any number of blobs at once, [`Client::read_blobs`] fetches small ones together, and
//! [`Client::stream_blob`] streams one of any size in constant memory, going on where a stream broke. All bytes are
//! verified against digest and size. An operation has one budget of attempts for all its calls. The server is asked
//! what it can do before anything else, once in a run.
//!
//! [`Client::commit`] speaks to a registry that reads such a cache itself, over connections of the same kind.
//!
//! Deliberately not here: writing, the action cache, and the environment ([`Config`] holds what programs found there).
//! The digest function is SHA-256, because blobs are looked up by their OCI digest.
//!
//! ```no_run
//! # async fn example(digest: oci::Digest) -> Result<(), Box<dyn std::error::Error>> {
//! let client = cas::Client::new(cas::Config::new("grpc://127.0.0.1:9092".parse()?));
//! let missing = client.find_missing(&[cas::Blob { digest, size: 1 << 30 }]).await?;
//! println!("{} are missing", missing.len());
//! # Ok(())
//! # }
//! ```

mod budget;
mod bytestream;
mod capabilities;
mod cause;
mod client;
mod commit;
mod config;
mod decompress;
mod endpoint;
mod error;
mod find_missing;
mod headers;
mod payload;
mod read_blobs;
mod status;
mod tls;

pub use auth::Secret;
pub use bytestream::{ByteStream, Encoding};
pub use cause::{Cause, Retry};
pub use client::Client;
pub use commit::Wanted;
pub use config::{Config, RetryPolicy};
pub use endpoint::{Endpoint, EndpointError};
pub use error::{Error, Operation};
pub use tls::Tls;

/// What a blob is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Blob {
    /// SHA-256 of its bytes.
    pub digest: oci::Digest,
    /// Their number.
    pub size: u64,
}
