//! Unfinished uploads. The bytes lie in a file; the hash of them is kept in memory between requests and computed again
//! from the file where it is missing (after a restart, or after a write that failed half-way).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use blob::{Hasher, Mismatch};
use fs_err as fs;
use oci::{Digest, Repository};
use tokio::sync::OwnedMutexGuard;
use uuid::Uuid;

use super::repositories::Repositories;
use super::{blocking, receive};
use crate::error::Error;

/// How long a request may wait for another one on the same upload to notice that its client is gone.
const BUSY: Duration = Duration::from_secs(2);

/// Hash and size of what an upload has; nothing when the file must be asked.
type Progress = Option<Hasher>;

/// The unfinished uploads of a store.
pub(crate) struct Uploads {
    repositories: Arc<Repositories>,
    progress: Mutex<BTreeMap<Uuid, Arc<tokio::sync::Mutex<Progress>>>>,
}

/// An upload that belongs to one request.
pub(crate) struct Upload {
    /// Its name.
    pub(crate) id: Uuid,
    /// Where the blob will be visible.
    pub(crate) repository: Repository,
    path: PathBuf,
    named: bool,
    sync: bool,
    progress: OwnedMutexGuard<Progress>,
}

impl Drop for Upload {
    fn drop(&mut self) {
        if !self.named {
            // After a commit there is nothing left to remove.
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Uploads {
    pub(super) fn new(repositories: Arc<Repositories>) -> Self {
        Self { repositories, progress: Mutex::default() }
    }

    /// Begins an upload that other requests will continue.
    pub(crate) async fn start(&self, repository: &Repository) -> Result<Upload, Error> {
        self.create(repository, true).await
    }

    /// Begins an upload that ends with the request, one way or the other.
    pub(crate) async fn start_unnamed(&self, repository: &Repository) -> Result<Upload, Error> {
        self.create(repository, false).await
    }

    async fn create(&self, repository: &Repository, named: bool) -> Result<Upload, Error> {
        let id = Uuid::new_v4();
        let path = self.repositories.layout.upload(repository, id);
        let (repositories, file) = (Arc::clone(&self.repositories), path.clone());
        blocking(move || {
            let _adding = repositories.adding();
            repositories.files.touch(&file)
        })
        .await?;
        let progress = if named { self.entry(id) } else { Arc::default() };
        let progress = progress.lock_owned().await;
        let sync = self.repositories.files.sync;
        Ok(Upload { id, repository: repository.clone(), path, named, sync, progress })
    }

    /// Takes an upload in order to continue it.
    pub(crate) async fn resume(&self, repository: &Repository, id: &str) -> Result<Upload, Error> {
        let unknown = || Error::UploadUnknown { repository: repository.clone(), id: id.to_owned() };
        let uuid = Uuid::try_parse(id).map_err(|_| unknown())?;
        let path = self.repositories.layout.upload(repository, uuid);
        if !path.is_file() {
            return Err(unknown());
        }
        let lock = self.entry(uuid).lock_owned();
        let Ok(mut progress) = tokio::time::timeout(BUSY, lock).await else {
            return Err(Error::UploadBusy { id: uuid });
        };
        if progress.is_none() {
            let file = path.clone();
            // It may have been finished while this request waited.
            let hasher = blocking(move || receive::rehash(&file)).await.map_err(|_| {
                self.forget(uuid);
                unknown()
            })?;
            *progress = Some(hasher);
        }
        let sync = self.repositories.files.sync;
        Ok(Upload { id: uuid, repository: repository.clone(), path, named: true, sync, progress })
    }

    /// Checks a digest and makes the upload a blob. An upload with a wrong digest is gone: more bytes cannot mend it.
    pub(crate) async fn finish(&self, mut upload: Upload, expected: Digest) -> Result<(), Error> {
        let (found, _) = upload.progress.take().unwrap_or_default().finish();
        let repositories = Arc::clone(&self.repositories);
        let id = upload.id;
        let outcome = blocking(move || {
            if found != expected {
                repositories.files.remove(&upload.path)?;
                return Err(Mismatch::Digest { expected, found }.into());
            }
            repositories.files.sync_file(&fs::File::open(&upload.path)?)?;
            Ok(repositories.commit(&upload.repository, &upload.path, expected)?)
        })
        .await;
        self.forget(id);
        outcome
    }

    /// Gives an upload up.
    pub(crate) async fn cancel(&self, upload: Upload) -> Result<(), Error> {
        let (repositories, id) = (Arc::clone(&self.repositories), upload.id);
        blocking(move || repositories.files.remove(&upload.path)).await?;
        self.forget(id);
        Ok(())
    }

    fn entry(&self, id: Uuid) -> Arc<tokio::sync::Mutex<Progress>> {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(progress.entry(id).or_default())
    }

    fn forget(&self, id: Uuid) {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }
}

impl Upload {
    /// Bytes that arrived so far.
    pub(crate) fn size(&self) -> u64 {
        self.progress.as_ref().map_or(0, Hasher::size)
    }

    /// Adds the body of a request. What arrived before an interruption stays; a body of another size than `expected`
    /// leaves nothing. Goes on, and so leaves file and hash in step, when the caller is dropped.
    pub(crate) async fn append(mut self, body: Body, expected: Option<u64>) -> Result<Self, Error> {
        let task = tokio::spawn(async move {
            let before = self.progress.clone().unwrap_or_default();
            let outcome = self.receive(body).await;
            let found = self.size().saturating_sub(before.size());
            match (outcome, expected) {
                (Ok(()), Some(expected)) if found != expected => {
                    self.truncate(before).await?;
                    Err(Error::UploadSize { expected, found })
                }
                (outcome, _) => outcome.map(|()| self),
            }
        });
        task.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    }

    async fn receive(&mut self, body: Body) -> Result<(), Error> {
        // While bytes are under way, only the file knows how many there are.
        let hasher = self.progress.take().unwrap_or_default();
        let (hasher, outcome) = receive::append(&self.path, hasher, body, self.sync).await?;
        *self.progress = Some(hasher);
        outcome
    }

    async fn truncate(&mut self, before: Hasher) -> Result<(), Error> {
        *self.progress = None;
        let (path, size) = (self.path.clone(), before.size());
        blocking(move || fs::OpenOptions::new().write(true).open(path)?.set_len(size)).await?;
        *self.progress = Some(before);
        Ok(())
    }
}
