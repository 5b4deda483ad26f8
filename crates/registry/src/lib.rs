//! A client of the OCI distribution protocol: manifests and blobs, read and written, with as few requests as the
//! protocol allows.
//!
//! No ping and no question before the question: a request is sent, and if the registry asks for credentials, it is
//! answered and asked again; from then on its way is known. Tokens are fetched once for each set of rights. Every body
//! is bounded and verified. An operation has one budget of attempts for all its requests. Credentials go to the
//! registry's own origin and to token servers of its own domain, nowhere else.
//!
//! A [`Client`] is cheap to clone, and any number of tasks may use it; requests wait for the network, not for cores.
//! An [`Error`] says what failed where and why; [`Error::hints`] say what to do about it.
//!
//! Reading: [`Client::get_manifest`], [`Client::head_manifest`], [`Client::get_blob`] for what fits into memory,
//! [`Client::stream_blob`] for what does not, [`Client::head_blob`].
//! Writing: [`Client::expect_push`] first, so that all requests share one token; then [`Client::mount_blob`] where
//! another repository of the registry has it, else [`Client::push_blob`], which uploads any [`Content`] (a
//! [`FileContent`], [`MemoryContent`], or a blob of another registry as [`RemoteContent`]); then
//! [`Client::put_manifest`], when everything that the manifest refers to is there, and [`Client::list_referrer`] if it
//! has a subject that the registry does not care about.
//!
//! Deliberately not here: what an image is (programs decide which documents to read), the file system apart from
//! [`FileContent`], and the environment ([`Config`] holds what programs found there).
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use registry::{Client, Config, Remote};
//!
//! let keychain = auth::Keychain::new(auth::Locations::default().sources());
//! let client = Client::new(Config::default(), keychain);
//! let reference = oci::Reference::parse("ghcr.io/me/app:1")?;
//! let remote = Remote::new(reference.registry, reference.repository);
//! let manifest = client.get_manifest(&remote, "1".parse::<oci::Tag>()?).await?;
//! println!("{}", manifest.digest);
//! # Ok(())
//! # }
//! ```

mod authorize;
mod blobs;
mod budget;
mod call;
mod cause;
mod challenge;
mod classify;
mod client;
mod clock;
mod config;
mod content;
mod document;
mod error;
mod gateway;
mod hints;
mod host;
mod http;
mod limiter;
mod manifests;
mod mounts;
mod names;
mod realm;
mod redirect;
mod referrers;
mod response;
mod scopes;
mod token;
mod transport;
mod uploads;
mod verified;

pub use blobs::RemoteContent;
pub use cause::{Cause, RegistryError, Retry};
pub use client::{Client, Stats};
pub use clock::{Clock, SystemClock};
pub use config::{Config, RetryPolicy};
pub use content::{ByteStream, Content, FileContent, MemoryContent};
pub use document::media_type_of;
pub use error::{CredentialUse, Error};
pub use gateway::{Gateway, Gateways, NotAGateway};
pub use manifests::{Document, ManifestHead, Written};
pub use mounts::Mount;
pub use names::{ManifestName, Operation, Remote};
pub use uploads::{BlobPush, Session};
