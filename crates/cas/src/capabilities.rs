//! What a server can do, asked once.

use bazel_remote_apis::build::bazel::remote::execution::v2 as reapi;
use reapi::capabilities_client::CapabilitiesClient;
use reapi::{GetCapabilitiesRequest, ServerCapabilities, compressor, digest_function};

use crate::budget::Budget;
use crate::{Cause, Client, Error, Operation};

const SERVICE: &str = "build.bazel.remote.execution.v2.Capabilities";

/// Where the server does not say how large a batch may be.
const DEFAULT_BATCH_SIZE: u64 = 1 << 20;

/// gRPC refuses larger messages unless both sides agree on it.
const MAX_BATCH_SIZE: u64 = 4 << 20;

/// What matters of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Capabilities {
    /// Bytes of blobs in one answer.
    pub(crate) batch_size: u64,
    /// Whether blobs are also to be had compressed.
    pub(crate) zstd: bool,
    /// Whether blobs may be known by BLAKE3, too.
    pub(crate) blake3: bool,
}

impl Client {
    /// What the server can do. It is asked when it is first needed; a server that cannot be used is an error.
    pub(crate) async fn capabilities(&self) -> Result<Capabilities, Error> {
        let ask = || async {
            let mut budget = Budget::new(self, Operation::Capabilities);
            loop {
                match self.try_capabilities().await {
                    Ok(answer) => return read(&answer).map_err(|cause| budget.error(cause)),
                    Err(cause) => budget.spend(cause).await?,
                }
            }
        };
        self.capabilities_cell().get_or_try_init(ask).await.copied()
    }

    /// Whether the server said that blobs may be known by BLAKE3, too. Then one that seems to be missing may be there under
    /// another name. `false` while it was not asked for anything.
    pub fn takes_blake3(&self) -> bool {
        self.capabilities_cell().get().is_some_and(|known| known.blake3)
    }

    async fn try_capabilities(&self) -> Result<ServerCapabilities, Cause> {
        let message = GetCapabilitiesRequest { instance_name: self.config().instance.clone() };
        let request = self.request(SERVICE, message).await?;
        let mut service = CapabilitiesClient::new(self.channel().await?);
        self.answer(self.config().call_timeout, service.get_capabilities(request)).await
    }
}

fn read(answer: &ServerCapabilities) -> Result<Capabilities, Cause> {
    let cache = answer.cache_capabilities.as_ref().ok_or(Cause::NotACache)?;
    let functions = &cache.digest_functions;
    // Servers from before there was a choice leave the list empty.
    if !functions.is_empty() && !functions.contains(&(digest_function::Value::Sha256 as i32)) {
        let names: Vec<&str> = cache.digest_functions().map(|function| function.as_str_name()).collect();
        return Err(Cause::DigestFunction { offered: names.join(", ") });
    }
    let batch_size = match u64::try_from(cache.max_batch_total_size_bytes) {
        Ok(0) | Err(_) => DEFAULT_BATCH_SIZE,
        Ok(size) => size.min(MAX_BATCH_SIZE),
    };
    let zstd = cache.supported_compressors.contains(&(compressor::Value::Zstd as i32));
    let blake3 = functions.contains(&(digest_function::Value::Blake3 as i32));
    Ok(Capabilities { batch_size, zstd, blake3 })
}
