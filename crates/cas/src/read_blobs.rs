//! Small blobs, many in one answer.

use std::collections::BTreeMap;

use bazel_remote_apis::build::bazel::remote::execution::v2 as reapi;
use bytes::Bytes;
use futures_util::future::try_join_all;
use oci::Digest;
use reapi::content_addressable_storage_client::ContentAddressableStorageClient;
use reapi::{BatchReadBlobsRequest, compressor, digest_function};
use tonic::{Code, Status};

use crate::budget::Budget;
use crate::find_missing::{SERVICE, digest_of};
use crate::{Blob, Cause, Client, Encoding, Error, Operation};

/// What an answer needs around each blob: its digest, a status, lengths.
const OVERHEAD: u64 = 256;

impl Client {
    /// Fetches blobs that fit into memory, several in one answer as the server allows; those that are too large for
    /// that, each in a stream. Verified. What is missing is not in the result.
    pub async fn read_blobs(&self, blobs: &[Blob]) -> Result<BTreeMap<Digest, Bytes>, Error> {
        if blobs.is_empty() {
            return Ok(BTreeMap::new());
        }
        let limit = self.capabilities().await?.batch_size;
        let (small, large): (Vec<Blob>, Vec<Blob>) =
            blobs.iter().partition(|blob| blob.size.saturating_add(OVERHEAD) <= limit);
        let batches = split(small, limit).into_iter().map(|batch| self.read_batch(batch));
        let streams = large.into_iter().map(|blob| self.read_large(blob));
        let (batches, streams) =
            futures_util::future::try_join(try_join_all(batches), try_join_all(streams)).await?;
        Ok(batches.into_iter().flatten().chain(streams.into_iter().flatten()).collect())
    }

    async fn read_large(&self, blob: Blob) -> Result<Option<(Digest, Bytes)>, Error> {
        match self.read_to_end(blob, Encoding::Identity).await {
            Ok(bytes) => Ok(Some((blob.digest, bytes))),
            Err(error) if matches!(error.cause(), Cause::Missing) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn read_batch(&self, batch: Vec<Blob>) -> Result<Vec<(Digest, Bytes)>, Error> {
        let mut budget = Budget::new(self, Operation::ReadBlobs(batch.len()));
        let mut wanted = batch;
        let mut found = Vec::new();
        // What an answer holds is kept, and only the rest is asked for again.
        while !wanted.is_empty() {
            if let Err(cause) = self.try_read_batch(&mut wanted, &mut found).await {
                budget.spend(cause).await?;
            }
        }
        Ok(found)
    }

    async fn try_read_batch(
        &self,
        wanted: &mut Vec<Blob>,
        found: &mut Vec<(Digest, Bytes)>,
    ) -> Result<(), Cause> {
        let message = BatchReadBlobsRequest {
            instance_name: self.config().instance.clone(),
            digests: wanted.iter().map(|blob| (*blob).into()).collect(),
            acceptable_compressors: vec![compressor::Value::Identity.into()],
            digest_function: digest_function::Value::Sha256.into(),
        };
        let request = self.request(SERVICE, message).await?;
        let service = ContentAddressableStorageClient::new(self.channel().await?);
        let mut service = service.max_decoding_message_size(crate::client::MAX_MESSAGE_SIZE);
        let answer = self.answer(self.config().call_timeout, service.batch_read_blobs(request)).await?;
        let mut failed = None;
        for response in answer.responses {
            let digest = digest_of(&response.digest.unwrap_or_default())?;
            let Some(position) = wanted.iter().position(|blob| blob.digest == digest) else {
                return Err(Cause::Protocol("a blob that was not asked for, or twice"));
            };
            let status = response.status.unwrap_or_default();
            match Code::from(status.code) {
                Code::Ok => {
                    blob::verify_bytes(&response.data, digest, Some(wanted[position].size))?;
                    found.push((digest, response.data.into()));
                }
                Code::NotFound => {}
                code => {
                    failed = Some(Cause::from(Status::new(code, status.message)));
                    continue;
                }
            }
            wanted.swap_remove(position);
        }
        match failed {
            Some(cause) => Err(cause),
            None if wanted.is_empty() => Ok(()),
            None => Err(Cause::Protocol("an answer without all of the blobs")),
        }
    }
}

/// Batches whose answers each fit the limit.
fn split(blobs: Vec<Blob>, limit: u64) -> Vec<Vec<Blob>> {
    let mut batches: Vec<Vec<Blob>> = Vec::new();
    let mut left = 0;
    for blob in blobs {
        let length = blob.size + OVERHEAD;
        match batches.last_mut() {
            Some(batch) if length <= left => {
                left -= length;
                batch.push(blob);
            }
            _ => {
                left = limit.saturating_sub(length);
                batches.push(vec![blob]);
            }
        }
    }
    batches
}
