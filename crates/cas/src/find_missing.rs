//! Which blobs a cache does not have.

use std::collections::BTreeSet;

use bazel_remote_apis::build::bazel::remote::execution::v2 as reapi;
use futures_util::future::try_join_all;
use oci::Digest;
use prost::Message as _;
use reapi::content_addressable_storage_client::ContentAddressableStorageClient;
use reapi::{FindMissingBlobsRequest, digest_function};

use crate::budget::Budget;
use crate::{Blob, Cause, Client, Error, Operation};

pub(crate) const SERVICE: &str = "build.bazel.remote.execution.v2.ContentAddressableStorage";

/// gRPC's limit of a message, less room for what is around the digests.
const MAX_REQUEST_SIZE: usize = (4 << 20) - (64 << 10);

impl Client {
    /// Asks which of these blobs are missing, all at once; only a question too large for a message is split. Servers
    /// also take it as a wish to keep what is there for a while.
    pub async fn find_missing(&self, blobs: &[Blob]) -> Result<BTreeSet<Digest>, Error> {
        if blobs.is_empty() {
            return Ok(BTreeSet::new());
        }
        self.capabilities().await?;
        let unique: BTreeSet<Blob> = blobs.iter().copied().collect();
        let digests: Vec<reapi::Digest> = unique.into_iter().map(Into::into).collect();
        let batches = split(digests).into_iter().map(|batch| self.find_batch(batch));
        Ok(try_join_all(batches).await?.into_iter().flatten().collect())
    }

    async fn find_batch(&self, batch: Vec<reapi::Digest>) -> Result<Vec<Digest>, Error> {
        let mut budget = Budget::new(self, Operation::FindMissing(batch.len()));
        loop {
            match self.try_find_batch(batch.clone()).await {
                Ok(missing) => return Ok(missing),
                Err(cause) => budget.spend(cause).await?,
            }
        }
    }

    async fn try_find_batch(&self, blob_digests: Vec<reapi::Digest>) -> Result<Vec<Digest>, Cause> {
        let message = FindMissingBlobsRequest {
            instance_name: self.config().instance.clone(),
            blob_digests,
            digest_function: digest_function::Value::Sha256.into(),
        };
        let request = self.request(SERVICE, message).await?;
        let service = ContentAddressableStorageClient::new(self.channel().await?);
        let mut service = service.max_decoding_message_size(crate::client::MAX_MESSAGE_SIZE);
        let answer = self.answer(self.config().call_timeout, service.find_missing_blobs(request)).await?;
        answer.missing_blob_digests.iter().map(digest_of).collect()
    }
}

/// The digest that a message names.
pub(crate) fn digest_of(digest: &reapi::Digest) -> Result<Digest, Cause> {
    digest_from_hex(&digest.hash)
}

pub(crate) fn digest_from_hex(hash: &str) -> Result<Digest, Cause> {
    Digest::from_hex(hash).map_err(|_| Cause::Protocol("a digest that is no SHA-256"))
}

impl From<Blob> for reapi::Digest {
    fn from(blob: Blob) -> Self {
        Self { hash: blob.digest.hex(), size_bytes: i64::try_from(blob.size).unwrap_or(i64::MAX) }
    }
}

/// Batches that each fit a message, in order.
fn split(digests: Vec<reapi::Digest>) -> Vec<Vec<reapi::Digest>> {
    let mut batches = vec![Vec::new()];
    let mut size = 0;
    for digest in digests {
        // A field of a message: one byte for its number, one for its length.
        let length = digest.encoded_len() + 2;
        if size + length > MAX_REQUEST_SIZE {
            batches.push(Vec::new());
            size = 0;
        }
        size += length;
        if let Some(batch) = batches.last_mut() {
            batch.push(digest);
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_fit_a_message_and_lose_nothing() {
        let digest = reapi::Digest { hash: "0".repeat(64), size_bytes: i64::MAX };
        let batches = split(vec![digest; 120_000]);
        assert_eq!(batches.len(), 3);
        assert_eq!(batches.iter().map(Vec::len).sum::<usize>(), 120_000);
        for blob_digests in batches {
            let request = FindMissingBlobsRequest {
                instance_name: "instance".repeat(100),
                blob_digests,
                digest_function: 1,
            };
            assert!(request.encoded_len() < 4 << 20, "{}", request.encoded_len());
        }
    }
}
