//! The answering end.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use tonic::body::Body;
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;
use tower_service::Service;

use crate::{COMMIT, CommitRequest, CommitResponse, MAX_MESSAGE_SIZE, SERVICE};

/// What a server does when it is called.
pub trait Blobs: Send + Sync + 'static {
    /// Shows what it can, and says what it cannot.
    fn commit(
        &self,
        request: Request<CommitRequest>,
    ) -> impl Future<Output = Result<CommitResponse, Status>> + Send;
}

/// A [`Blobs`] as a service for `tonic::transport::Server`.
pub struct BlobsServer<T>(Arc<T>);

impl<T> BlobsServer<T> {
    /// Calls go to this.
    pub fn new(blobs: T) -> Self {
        Self(Arc::new(blobs))
    }
}

impl<T> Clone for BlobsServer<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> NamedService for BlobsServer<T> {
    const NAME: &'static str = SERVICE;
}

impl<T: Blobs> Service<http::Request<Body>> for BlobsServer<T> {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let commit = Commit(Arc::clone(&self.0));
        Box::pin(async move {
            if request.uri().path() != COMMIT {
                return Ok(Status::unimplemented("there is only `Commit`").into_http());
            }
            let mut grpc = Grpc::new(ProstCodec::default()).max_decoding_message_size(MAX_MESSAGE_SIZE);
            Ok(grpc.unary(commit, request).await)
        })
    }
}

struct Commit<T>(Arc<T>);

impl<T: Blobs> UnaryService<CommitRequest> for Commit<T> {
    type Response = CommitResponse;
    type Future = BoxFuture<'static, Result<Response<CommitResponse>, Status>>;

    fn call(&mut self, request: Request<CommitRequest>) -> Self::Future {
        let blobs = Arc::clone(&self.0);
        Box::pin(async move { blobs.commit(request).await.map(Response::new) })
    }
}
