//! The documents and names of the OCI specifications, as types that cannot hold anything the specifications forbid.
//!
//! Everything here is pure: text in, values out, no I/O. A digest, a reference, a media type or a platform is parsed
//! once, at the border, and travels as a type from there. Raw bytes of documents are kept by whoever read them;
//! what is parsed here is never written back in their place.
//!
//! Deliberately not here: hashing (crate `blob`), HTTP (crate `registry`), and every digest algorithm but SHA-256.
//!
//! ```
//! use oci::{Digest, Reference};
//! let digest: Digest = format!("sha256:{}", "0".repeat(64)).parse()?;
//! let reference = Reference::parse("ubuntu:24.04")?;
//! assert_eq!(reference.to_string(), "index.docker.io/library/ubuntu:24.04");
//! assert_eq!(digest.hex(), "0".repeat(64));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod config;
mod descriptor;
mod digest;
mod index;
mod manifest;
pub mod media_type;
mod platform;
mod reference;

pub use descriptor::Descriptor;
pub use digest::{DiffId, Digest, DigestError};
pub use index::Index;
pub use manifest::Manifest;
pub use platform::{Platform, PlatformError};
pub use reference::{ImageName, Reference, ReferenceError, RegistryHost, Repository, Tag};

/// String to string, in a stable order.
pub type Annotations = std::collections::BTreeMap<String, String>;

/// The largest manifest or index that is read (distribution specification, "Pushing Manifests": registries should
/// accept at least 4 MiB; nobody serves more).
pub const MAX_MANIFEST_SIZE: u64 = 4 << 20;

/// The largest image configuration that is read.
pub const MAX_CONFIG_SIZE: u64 = 32 << 20;
