//! What the server keeps. Contents of blobs come from a [`BlobSource`]: the disk or, behind it, the remote cache. What
//! each repository shows of them, manifests and tags lie on the disk. The layout and what is promised about it: docs/design/registry.md.

mod adopt;
mod blobs;
mod cached;
mod files;
mod layout;
mod receive;
mod recover;
mod repositories;
#[cfg(test)]
mod tests;
mod uploads;
mod walk;

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use oci::{Digest, Repository};

use crate::error::Error;
pub(crate) use adopt::Needed;
pub(crate) use blobs::BlobSource;
pub(crate) use cached::CachedBlobs;
use files::Files;
use layout::Layout;
pub(crate) use repositories::Repositories;
pub(crate) use uploads::{Upload, Uploads};

/// The store of one server.
pub(crate) struct Store {
    repositories: Arc<Repositories>,
    /// Contents of blobs.
    pub(crate) blobs: Arc<dyn BlobSource>,
    /// What the remote cache has of them, if there is one.
    pub(crate) cached: Option<Arc<CachedBlobs>>,
    /// Unfinished uploads.
    pub(crate) uploads: Uploads,
    _lock: Option<fs_err::File>,
}

/// How a root is opened.
#[derive(Clone, Debug)]
pub(crate) struct OpenOptions {
    /// Nothing is created, locked or cleared.
    pub(crate) read_only: bool,
    /// Whether to wait until changes are on the disk.
    pub(crate) sync: bool,
    /// Where blobs are read that this disk does not have.
    pub(crate) remote_cache: Option<cas::Client>,
}

impl Store {
    /// Opens a root, creates it if need be, and clears what an earlier process left behind.
    pub(crate) fn open(root: &Path, options: OpenOptions) -> anyhow::Result<Self> {
        let layout = Layout::new(root);
        let context = || format!("failed to open the root `{}`", root.display());
        let lock = if options.read_only {
            fs_err::read_dir(root).with_context(context)?;
            None
        } else {
            fs_err::create_dir_all(root).with_context(context)?;
            let lock = recover::lock(&layout).with_context(context)?;
            fs_err::create_dir_all(layout.blobs()).with_context(context)?;
            fs_err::create_dir_all(layout.repositories()).with_context(context)?;
            recover::sweep(&layout).with_context(context)?;
            Some(lock)
        };
        let repositories = Arc::new(Repositories::new(layout.clone(), Files::new(options.sync)));
        if options.remote_cache.is_none() && !files::names(&layout.all_cached())?.is_empty() {
            tracing::warn!(
                "blobs of `{}` are left to a remote cache and cannot be read without --remote-cache",
                root.display()
            );
        }
        let cached = |client| Arc::new(CachedBlobs::new(layout.clone(), client));
        let cached = options.remote_cache.map(cached);
        let disk = blobs::DiskBlobs(layout.clone());
        Ok(Self {
            uploads: Uploads::new(Arc::clone(&repositories)),
            repositories,
            blobs: match &cached {
                None => Arc::new(disk),
                Some(cached) => Arc::new(blobs::InTurn(disk, Arc::clone(cached))),
            },
            cached,
            _lock: lock,
        })
    }

    /// Runs something that blocks on the repositories.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&Repositories) -> T + Send + 'static,
    ) -> T {
        let repositories = Arc::clone(&self.repositories);
        blocking(move || operation(&repositories)).await
    }

    /// The size of a blob that may be read in a repository.
    pub(crate) async fn blob_size(&self, repository: &Repository, digest: Digest) -> Result<u64, Error> {
        let name = repository.clone();
        let here = self.run(move |repositories| repositories.has_blob(&name, digest)).await;
        let size = if here { self.blobs.size(digest).await? } else { None };
        size.ok_or_else(|| Error::BlobUnknown { repository: repository.clone(), digest })
    }
}

/// Runs something that blocks on a thread where it may.
async fn blocking<T: Send + 'static>(operation: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(operation).await {
        Ok(value) => value,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
