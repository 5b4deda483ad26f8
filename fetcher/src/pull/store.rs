//! The folder that a pull writes to.

use std::io;
use std::path::{Path, PathBuf};

use blob::AtomicFile;
use bytes::Bytes;
use oci::{Descriptor, Digest};
use serde::Serialize;

/// What was pulled, for the repository rule.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    pub(crate) digest: Digest,
    pub(crate) media_type: String,
    /// The registry that answered for the image itself.
    pub(crate) registry: String,
    pub(crate) requests: u64,
    pub(crate) bytes: u64,
}

/// `blobs/sha256/<hex>`, `descriptors/sha256/<hex>.json` and `pull.json`.
#[derive(Debug)]
pub(crate) struct Store {
    folder: PathBuf,
    blobs: PathBuf,
}

impl Store {
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        let blobs = folder.join("blobs").join("sha256");
        fs_err::create_dir_all(&blobs)?;
        Ok(Self { folder: folder.to_owned(), blobs })
    }

    /// A document that is there and whole.
    pub(crate) fn read(&self, digest: Digest) -> Option<Bytes> {
        let bytes = fs_err::read(self.blobs.join(digest.hex())).ok()?;
        blob::verify_bytes(&bytes, digest, None).ok()?;
        Some(bytes.into())
    }

    pub(crate) fn write(&self, digest: Digest, bytes: &[u8]) -> io::Result<()> {
        AtomicFile::write(&self.blobs.join(digest.hex()), bytes)
    }

    /// What is said of a manifest or an index. The repository rule does not write it, because Starlark cannot be
    /// trusted with text that is not ASCII.
    pub(crate) fn write_descriptor(&self, descriptor: &Descriptor) -> io::Result<()> {
        let folder = self.folder.join("descriptors").join("sha256");
        fs_err::create_dir_all(&folder)?;
        let name = format!("{}.json", descriptor.digest.hex());
        AtomicFile::write(&folder.join(name), &serde_json::to_vec(descriptor)?)
    }

    /// The last file of a pull: where it is, everything else is.
    pub(crate) fn write_report(&self, report: &Report) -> io::Result<()> {
        let mut json = serde_json::to_vec_pretty(report)?;
        json.push(b'\n');
        AtomicFile::write(&self.folder.join("pull.json"), &json)
    }
}
