//! The call by which a client, having put blobs into the remote cache, has them shown here: docs/design/registry.md.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use blobcache::{Blobs, COMMIT, CommitRequest, CommitResponse, RepositoryBlobs, SHA256};
use cas::Blob;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use oci::{Digest, Repository};
use prost::Message as _;
use tonic::{Request, Status};

use crate::api::App;
use crate::store::CachedBlobs;

/// Blobs that are written down at a time. Each waits for the disk, and a disk serves many as fast as one.
const AT_ONCE: usize = 16;

/// The service.
pub(crate) struct Commits {
    pub(crate) app: Arc<App>,
    pub(crate) cached: Arc<CachedBlobs>,
}

type Pair = (Repository, Blob);

impl Blobs for Commits {
    async fn commit(&self, request: Request<CommitRequest>) -> Result<CommitResponse, Status> {
        let request = request.into_inner();
        let entry = self.app.log.as_ref().map(|log| log.begin("POST", COMMIT));
        let size = request.encoded_len();
        let outcome = self.answer(request).await;
        if let Some(entry) = entry {
            // gRPC says in another place how it went.
            entry.answered(200, size, outcome.as_ref().map_or(0, prost::Message::encoded_len));
        }
        outcome
    }
}

impl Commits {
    async fn answer(&self, request: CommitRequest) -> Result<CommitResponse, Status> {
        if self.app.read_only && !request.only_ask {
            return Err(Status::failed_precondition("this registry is read-only"));
        }
        let wanted = parse(&request)?;
        let wanted = self.without_content(wanted).await;
        let unique: BTreeSet<Blob> = wanted.iter().map(|(_, blob)| *blob).collect();
        let unique: Vec<Blob> = unique.into_iter().collect();
        // The call was tried often enough; that the client tries all of it again would help nobody.
        let missing = self.cached.missing(&unique).await.map_err(|error| {
            let message = tool::chain(&error);
            tracing::warn!("{message}");
            Status::failed_precondition(message)
        })?;
        let (gone, there): (Vec<Pair>, Vec<Pair>) =
            wanted.into_iter().partition(|(_, blob)| missing.contains(&blob.digest));
        let refused = self.adopt(there, request.only_ask).await.map_err(|error| {
            tracing::error!("commit failed: {error}");
            Status::internal("internal error")
        })?;
        Ok(response(gone.into_iter().chain(refused)))
    }

    /// What the repositories have on this disk need not be asked for.
    async fn without_content(&self, mut wanted: Vec<Pair>) -> Vec<Pair> {
        let keep = move |store: &crate::store::Repositories| {
            wanted.retain(|(repository, blob)| !store.has_content(repository, blob.digest));
            wanted
        };
        self.app.store.run(keep).await
    }

    /// Links blobs; returns those that are known with another size.
    async fn adopt(&self, blobs: Vec<Pair>, only_ask: bool) -> std::io::Result<Vec<Pair>> {
        let adopt = |(repository, blob): Pair| {
            self.app.store.run(move |store| {
                let fits = if only_ask {
                    store.known_size(blob.digest)?.is_none_or(|size| size == blob.size)
                } else {
                    store.adopt(&repository, blob)?
                };
                Ok((!fits).then_some((repository, blob)))
            })
        };
        let refused = stream::iter(blobs).map(adopt).buffered(AT_ONCE);
        refused.try_filter_map(async |refused| Ok(refused)).try_collect().await
    }
}

fn parse(request: &CommitRequest) -> Result<Vec<Pair>, Status> {
    if request.digest_function != SHA256 {
        let message = format!("digest function {}; expected 1 (SHA256)", request.digest_function);
        return Err(Status::invalid_argument(message));
    }
    let mut wanted = Vec::new();
    for RepositoryBlobs { name, blobs } in &request.repositories {
        let repository: Repository =
            name.parse().map_err(|error: oci::ReferenceError| Status::invalid_argument(error.to_string()))?;
        for blob in blobs {
            let digest = Digest::from_hex(&blob.hash)
                .map_err(|error| Status::invalid_argument(format!("`{}`: {error}", blob.hash)))?;
            let size = u64::try_from(blob.size_bytes)
                .map_err(|_| Status::invalid_argument(format!("`{digest}` has a negative size")))?;
            wanted.push((repository.clone(), Blob { digest, size }));
        }
    }
    Ok(wanted)
}

fn response(missing: impl Iterator<Item = Pair>) -> CommitResponse {
    let mut by_repository: BTreeMap<Repository, BTreeSet<Blob>> = BTreeMap::new();
    for (repository, blob) in missing {
        by_repository.entry(repository).or_default().insert(blob);
    }
    let missing = by_repository.into_iter().map(|(repository, blobs)| RepositoryBlobs {
        name: repository.to_string(),
        blobs: blobs.into_iter().map(Into::into).collect(),
    });
    CommitResponse { missing: missing.collect() }
}
