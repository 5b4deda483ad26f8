//! The calling end.

use http::uri::PathAndQuery;
use tonic::client::Grpc;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

use crate::{COMMIT, CommitRequest, CommitResponse};

/// Makes the call once.
pub async fn commit(
    channel: Channel,
    request: Request<CommitRequest>,
) -> Result<Response<CommitResponse>, Status> {
    let mut grpc = Grpc::new(channel);
    grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
    grpc.unary(request, PathAndQuery::from_static(COMMIT), ProstCodec::default()).await
}
