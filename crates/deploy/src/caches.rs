//! Bazel's caches, where lazy pushes find layers, and the registry's blob cache: as the command line names them, else as the
//! environment does.

use std::path::PathBuf;

use oci::Digest;
use tool::Failure;
use tool::env;

/// The caches that are known.
#[derive(Debug, Default)]
pub struct Caches {
    /// Folder of the disk cache.
    pub disk: Option<PathBuf>,
    /// Client of the remote cache.
    pub remote: Option<cas::Client>,
    /// Client of the service by which a registry is told what of its own remote cache it shall show.
    pub blob_cache: Option<cas::Client>,
}

/// What a command line says about caches; the environment says the rest.
#[derive(Clone, Debug, Default)]
pub struct CacheNames {
    /// The remote cache.
    pub remote: connect_cache::Options,
    /// Folder of the disk cache.
    pub disk: Option<PathBuf>,
    /// Address of a registry's blob cache.
    pub blob_cache: Option<String>,
}

impl Caches {
    /// The caches by their names; nothing is asked yet.
    pub fn find(names: CacheNames) -> Result<Self, Failure> {
        let disk = names.disk.or_else(|| env::IMG_DISK_CACHE.get().map(PathBuf::from));
        Ok(Self {
            disk: disk.as_deref().map(env::in_workspace),
            remote: connect_cache::client(&names.remote)?,
            blob_cache: connect_cache::blob_cache_client(names.blob_cache.as_deref())?,
        })
    }

    /// Where the disk cache has a blob, or would have it.
    pub fn on_disk(&self, digest: Digest) -> Option<PathBuf> {
        let hex = digest.hex();
        self.disk.as_ref().map(|folder| folder.join("cas").join(&hex[..2]).join(hex))
    }

    /// Whether blobs may be there under names that no image knows: what Bazel's `--digest_function=blake3` does.
    pub(crate) fn may_use_blake3(&self) -> bool {
        let on_disk = self.disk.as_ref().is_some_and(|folder| folder.join("blake3").join("cas").is_dir());
        on_disk || self.remote.as_ref().is_some_and(cas::Client::takes_blake3)
    }

    /// What they are called in messages, in the order in which they are asked.
    pub fn names(&self) -> Vec<String> {
        let disk = self.disk.iter().map(|folder| format!("the disk cache `{}`", folder.display()));
        let remote =
            self.remote.iter().map(|client| format!("the remote cache `{}`", client.config().endpoint));
        disk.chain(remote).collect()
    }
}
