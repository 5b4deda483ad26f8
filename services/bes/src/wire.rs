//! The gRPC service `google.devtools.build.v1.PublishBuildEvent`, as tonic's generator would write it: the crate that has its
//! messages has only its client.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::stream::BoxStream;
use googleapis_tonic_google_devtools_build_v1::google::devtools::build::v1 as api;
use tonic::codegen::{Body, BoxFuture, Service as HttpService, StdError, http};
use tonic::server::{Grpc, NamedService, StreamingService, UnaryService};
use tonic::{Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;

use crate::connection::{Answer, Service};

/// Single events may be large: the command line of a build, its metrics.
const MAX_MESSAGE_SIZE: usize = 64 << 20;

/// The service on the wire.
#[derive(Clone)]
pub(crate) struct Wire(pub(crate) Arc<Service>);

impl NamedService for Wire {
    const NAME: &'static str = "google.devtools.build.v1.PublishBuildEvent";
}

impl<B> HttpService<http::Request<B>> for Wire
where
    B: Body + Send + 'static,
    B::Error: Into<StdError> + Send + 'static,
{
    type Response = http::Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let wire = self.clone();
        Box::pin(async move {
            Ok(match request.uri().path() {
                "/google.devtools.build.v1.PublishBuildEvent/PublishLifecycleEvent" => {
                    Grpc::new(ProstCodec::default()).unary(Lifecycle, request).await
                }
                "/google.devtools.build.v1.PublishBuildEvent/PublishBuildToolEventStream" => {
                    let grpc = Grpc::new(ProstCodec::default());
                    grpc.apply_max_message_size_config(Some(MAX_MESSAGE_SIZE), None)
                        .streaming(wire, request)
                        .await
                }
                _ => Status::unimplemented("no such method").into_http(),
            })
        })
    }
}

/// Events about the life of a build, which no push depends on.
struct Lifecycle;

impl UnaryService<api::PublishLifecycleEventRequest> for Lifecycle {
    type Response = ();
    type Future = BoxFuture<Response<()>, Status>;

    fn call(&mut self, _: Request<api::PublishLifecycleEventRequest>) -> Self::Future {
        Box::pin(async { Ok(Response::new(())) })
    }
}

impl StreamingService<api::PublishBuildToolEventStreamRequest> for Wire {
    type Response = api::PublishBuildToolEventStreamResponse;
    type ResponseStream = BoxStream<'static, Answer>;
    type Future = BoxFuture<Response<Self::ResponseStream>, Status>;

    fn call(&mut self, request: Request<Streaming<api::PublishBuildToolEventStreamRequest>>) -> Self::Future {
        let answers = self.0.accept(request.into_inner());
        Box::pin(async move { Ok(Response::new(answers)) })
    }
}
