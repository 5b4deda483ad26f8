//! The three services of a remote cache that is only read.

use std::io;
use std::pin::Pin;

use bazel_remote_apis::build::bazel::remote::execution::v2 as reapi;
use bazel_remote_apis::google::bytestream as stream;
use bazel_remote_apis::google::rpc;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use reapi::batch_read_blobs_response;
use tokio::io::{AsyncRead, AsyncWrite};
use tonic::transport::Server;
use tonic::transport::server::Connected;
use tonic::{Code, Request, Response, Status, Streaming};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::{Call, Failure, Shared};

/// Bytes in a message of a stream.
const CHUNK: usize = 64 << 10;

type BoxedStream<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[derive(Clone)]
pub(crate) struct Services(pub(crate) Shared);

impl Services {
    pub(crate) async fn serve<C>(
        self,
        mut server: Server,
        incoming: impl Stream<Item = io::Result<C>>,
    ) -> Result<(), tonic::transport::Error>
    where
        C: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
    {
        use reapi::capabilities_server::CapabilitiesServer;
        use reapi::content_addressable_storage_server::ContentAddressableStorageServer;
        server
            .add_service(CapabilitiesServer::new(self.clone()))
            .add_service(ContentAddressableStorageServer::new(self.clone()))
            .add_service(blobcache::BlobsServer::new(self.clone()))
            .add_service(stream::byte_stream_server::ByteStreamServer::new(self))
            .serve_with_incoming(incoming)
            .await
    }

    /// Remembers a call; returns how to fail at it, if that is wanted.
    pub(super) fn note<T>(
        &self,
        request: &Request<T>,
        method: &'static str,
        about: String,
    ) -> Result<Option<Failure>, Status> {
        let authorization = request.metadata().get("authorization").and_then(|value| value.to_str().ok());
        let mut state = self.0.lock();
        state.calls.push(Call { method, about, authorization: authorization.unwrap_or_default().to_owned() });
        let due = state.failures.iter_mut().find(|(name, _, times)| *name == method && *times > 0);
        let failure = due.map(|(_, failure, times)| {
            *times -= 1;
            failure.clone()
        });
        match failure {
            Some(Failure::Code(code)) => Err(Status::new(Code::from(code), "told to fail")),
            Some(Failure::NotFound) => Err(Status::not_found("evicted")),
            Some(Failure::Unauthenticated) => Err(Status::unauthenticated("who are you?")),
            Some(Failure::Unavailable(None)) => Err(Status::unavailable("busy")),
            Some(Failure::Unavailable(Some(delay))) => {
                let details = ErrorDetails::with_retry_info(Some(delay));
                Err(Status::with_error_details(Code::Unavailable, "busy", details))
            }
            other => Ok(other),
        }
    }

    pub(super) fn has(&self, hex: &str) -> bool {
        self.0.lock().blobs.contains_key(hex)
    }

    fn blob(&self, hex: &str) -> Result<Bytes, Status> {
        self.0.lock().blobs.get(hex).cloned().ok_or_else(|| Status::not_found(format!("no blob {hex}")))
    }
}

/// The bytes with the failure in them.
fn spoiled(bytes: Bytes, failure: Option<&Failure>) -> Bytes {
    let mut spoiled = bytes.to_vec();
    match failure {
        Some(Failure::Flip) => {
            let middle = spoiled.len() / 2;
            spoiled[middle] ^= 1;
        }
        Some(Failure::Short) => {
            spoiled.pop();
        }
        Some(Failure::Long) => spoiled.push(0),
        Some(Failure::WrongThenDrop(_)) => spoiled[0] ^= 1,
        Some(Failure::Other) => spoiled.fill(b'x'),
        _ => return bytes,
    }
    spoiled.into()
}

#[tonic::async_trait]
impl reapi::capabilities_server::Capabilities for Services {
    async fn get_capabilities(
        &self,
        request: Request<reapi::GetCapabilitiesRequest>,
    ) -> Result<Response<reapi::ServerCapabilities>, Status> {
        self.note(&request, "GetCapabilities", request.get_ref().instance_name.clone())?;
        let offer = self.0.lock().offer.clone();
        let cache = reapi::CacheCapabilities {
            digest_functions: offer.digest_functions,
            max_batch_total_size_bytes: offer.max_batch,
            supported_compressors: offer
                .zstd
                .then_some(reapi::compressor::Value::Zstd.into())
                .into_iter()
                .collect(),
            ..Default::default()
        };
        let cache_capabilities = offer.is_cache.then_some(cache);
        Ok(Response::new(reapi::ServerCapabilities { cache_capabilities, ..Default::default() }))
    }
}

#[tonic::async_trait]
impl reapi::content_addressable_storage_server::ContentAddressableStorage for Services {
    async fn find_missing_blobs(
        &self,
        request: Request<reapi::FindMissingBlobsRequest>,
    ) -> Result<Response<reapi::FindMissingBlobsResponse>, Status> {
        let number = request.get_ref().blob_digests.len().to_string();
        self.note(&request, "FindMissingBlobs", number)?;
        let state = self.0.lock();
        let mut missing_blob_digests = request.into_inner().blob_digests;
        missing_blob_digests.retain(|digest| !state.blobs.contains_key(&digest.hash));
        Ok(Response::new(reapi::FindMissingBlobsResponse { missing_blob_digests }))
    }

    async fn batch_read_blobs(
        &self,
        request: Request<reapi::BatchReadBlobsRequest>,
    ) -> Result<Response<reapi::BatchReadBlobsResponse>, Status> {
        let number = request.get_ref().digests.len().to_string();
        let failure = self.note(&request, "BatchReadBlobs", number)?;
        let answer = |digest: reapi::Digest| {
            let blob = self.blob(&digest.hash);
            let code = if blob.is_ok() { Code::Ok } else { Code::NotFound };
            batch_read_blobs_response::Response {
                digest: Some(digest),
                data: blob.map(|bytes| spoiled(bytes, failure.as_ref()).to_vec()).unwrap_or_default(),
                status: Some(rpc::Status { code: code.into(), ..Default::default() }),
                ..Default::default()
            }
        };
        let responses = request.into_inner().digests.into_iter().map(answer).collect();
        Ok(Response::new(reapi::BatchReadBlobsResponse { responses }))
    }

    async fn batch_update_blobs(
        &self,
        _: Request<reapi::BatchUpdateBlobsRequest>,
    ) -> Result<Response<reapi::BatchUpdateBlobsResponse>, Status> {
        Err(read_only())
    }

    type GetTreeStream = BoxedStream<reapi::GetTreeResponse>;

    async fn get_tree(
        &self,
        _: Request<reapi::GetTreeRequest>,
    ) -> Result<Response<Self::GetTreeStream>, Status> {
        Err(read_only())
    }

    async fn split_blob(
        &self,
        _: Request<reapi::SplitBlobRequest>,
    ) -> Result<Response<reapi::SplitBlobResponse>, Status> {
        Err(read_only())
    }

    type GetChunkMappingStream = BoxedStream<reapi::GetChunkMappingResponse>;

    async fn get_chunk_mapping(
        &self,
        _: Request<reapi::GetChunkMappingRequest>,
    ) -> Result<Response<Self::GetChunkMappingStream>, Status> {
        Err(read_only())
    }

    async fn splice_blob(
        &self,
        _: Request<reapi::SpliceBlobRequest>,
    ) -> Result<Response<reapi::SpliceBlobResponse>, Status> {
        Err(read_only())
    }

    async fn register_chunk_mapping(
        &self,
        _: Request<Streaming<reapi::RegisterChunkMappingRequest>>,
    ) -> Result<Response<reapi::RegisterChunkMappingResponse>, Status> {
        Err(read_only())
    }
}

#[tonic::async_trait]
impl stream::byte_stream_server::ByteStream for Services {
    type ReadStream = BoxedStream<stream::ReadResponse>;

    async fn read(
        &self,
        request: Request<stream::ReadRequest>,
    ) -> Result<Response<Self::ReadStream>, Status> {
        let stream::ReadRequest { resource_name, read_offset, .. } = request.get_ref().clone();
        let failure = self.note(&request, "Read", format!("{resource_name} from {read_offset}"))?;
        let parts: Vec<&str> = resource_name.split('/').collect();
        let hex = parts.get(parts.len().wrapping_sub(2)).copied().unwrap_or_default();
        let bytes = spoiled(self.blob(hex)?, failure.as_ref());
        let offset = usize::try_from(read_offset).unwrap_or_default().min(bytes.len());
        let mut bytes = bytes.slice(offset..);
        if parts.contains(&"zstd") {
            bytes = zstd::encode_all(&bytes[..], 1).map_err(|_| Status::internal("zstd"))?.into();
        }
        Ok(Response::new(chunks(&bytes, failure.as_ref())))
    }

    async fn write(
        &self,
        _: Request<Streaming<stream::WriteRequest>>,
    ) -> Result<Response<stream::WriteResponse>, Status> {
        Err(read_only())
    }

    async fn query_write_status(
        &self,
        _: Request<stream::QueryWriteStatusRequest>,
    ) -> Result<Response<stream::QueryWriteStatusResponse>, Status> {
        Err(read_only())
    }
}

fn chunks(bytes: &Bytes, failure: Option<&Failure>) -> BoxedStream<stream::ReadResponse> {
    let limit = match failure {
        Some(Failure::Drop(limit) | Failure::WrongThenDrop(limit) | Failure::Stall(limit)) => {
            usize::try_from(*limit).unwrap_or(usize::MAX)
        }
        _ => usize::MAX,
    };
    let sent = bytes.slice(..bytes.len().min(limit));
    let messages: Vec<_> =
        sent.chunks(CHUNK).map(|chunk| Ok(stream::ReadResponse { data: chunk.to_vec() })).collect();
    let messages = futures_util::stream::iter(messages);
    match failure {
        Some(Failure::Drop(_) | Failure::WrongThenDrop(_)) => {
            let broken = futures_util::stream::iter([Err(Status::unavailable("the stream broke"))]);
            messages.chain(broken).boxed()
        }
        Some(Failure::Stall(_)) => messages.chain(futures_util::stream::pending()).boxed(),
        _ => messages.boxed(),
    }
}

fn read_only() -> Status {
    Status::unimplemented("this cache is only read")
}
