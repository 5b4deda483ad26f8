//! Asking a registry to show blobs of its remote cache.

use std::collections::{BTreeMap, BTreeSet};

use blobcache::{CommitRequest, CommitResponse, RepositoryBlobs, SERVICE, SHA256};
use oci::Digest;

use crate::budget::Budget;
use crate::find_missing::digest_from_hex;
use crate::{Blob, Cause, Client, Error, Operation};

/// Blobs by the repository that they shall be visible in.
pub type Wanted = BTreeMap<String, BTreeSet<Blob>>;

/// Most blobs in a message: 800 KB of them, and names of repositories besides.
const BATCH: usize = 10_000;

impl Client {
    /// Asks a registry, whose blob cache service this is a client of, to show blobs that its remote cache has. Returns
    /// those that it cannot show. With `only_ask` nothing changes.
    pub async fn commit(
        &self,
        wanted: &Wanted,
        only_ask: bool,
    ) -> Result<BTreeMap<String, BTreeSet<Digest>>, Error> {
        let mut missing: BTreeMap<String, BTreeSet<Digest>> = BTreeMap::new();
        // One after the other: more than one is rare, and the registry writes for each blob.
        for repositories in batches(wanted) {
            let number = repositories.iter().map(|repository| repository.blobs.len()).sum();
            let mut budget = Budget::new(self, Operation::Commit(number));
            let answer = loop {
                let request =
                    CommitRequest { digest_function: SHA256, repositories: repositories.clone(), only_ask };
                match self.try_commit(request).await {
                    Ok(answer) => break answer,
                    Err(cause) => budget.spend(cause).await?,
                }
            };
            for RepositoryBlobs { name, blobs } in answer.missing {
                let digests: Result<Vec<_>, _> =
                    blobs.iter().map(|blob| digest_from_hex(&blob.hash)).collect();
                missing.entry(name).or_default().extend(digests.map_err(|cause| budget.error(cause))?);
            }
        }
        Ok(missing)
    }

    async fn try_commit(&self, message: CommitRequest) -> Result<CommitResponse, Cause> {
        let request = self.request(SERVICE, message).await?;
        let channel = self.channel().await?;
        self.answer(self.config().call_timeout, blobcache::commit(channel, request)).await
    }
}

/// Messages that each have a bounded number of blobs, in order.
fn batches(wanted: &Wanted) -> Vec<Vec<RepositoryBlobs>> {
    let pairs: Vec<(&String, Blob)> =
        wanted.iter().flat_map(|(name, blobs)| blobs.iter().map(move |blob| (name, *blob))).collect();
    let message = |pairs: &[(&String, Blob)]| {
        let parts = pairs.chunk_by(|(one, _), (other, _)| one == other);
        parts
            .map(|part| RepositoryBlobs {
                name: part[0].0.clone(),
                blobs: part.iter().map(|(_, blob)| (*blob).into()).collect(),
            })
            .collect()
    };
    pairs.chunks(BATCH).map(message).collect()
}

impl From<Blob> for blobcache::Digest {
    fn from(blob: Blob) -> Self {
        Self { hash: blob.digest.hex(), size_bytes: i64::try_from(blob.size).unwrap_or(i64::MAX) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_bounded_and_lose_nothing() {
        let blobs = |range: std::ops::Range<u64>| {
            range.map(|size| Blob { digest: Digest::from_bytes([1; 32]), size }).collect()
        };
        let wanted =
            Wanted::from([("a".to_owned(), blobs(0..4)), ("b".to_owned(), blobs(0..2 * BATCH as u64))]);
        let batches: Vec<Vec<(String, usize)>> = batches(&wanted)
            .into_iter()
            .map(|batch| batch.into_iter().map(|part| (part.name, part.blobs.len())).collect())
            .collect();
        let part = |name: &str, number| (name.to_owned(), number);
        assert_eq!(
            batches,
            [vec![part("a", 4), part("b", BATCH - 4)], vec![part("b", BATCH)], vec![part("b", 4)]]
        );
    }
}
