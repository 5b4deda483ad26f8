//! From requests to calls.

use std::convert::Infallible;
use std::task::{Context, Poll};

use containerd_api::{
    LEASE_HEADER, Method, NAMESPACE_HEADER, VersionResponse, content, images, leases, version,
};
use futures_util::Stream;
use futures_util::future::BoxFuture;
use tokio::net::UnixStream;
use tonic::body::Body;
use tonic::metadata::MetadataMap;
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::transport::Server;
use tonic::{Code, Request, Response, Status};
use tonic_prost::ProstCodec;
use tower_service::Service;

use super::write::Writes;
use super::{Failure, Shared, State};

/// The services, each with a part of the calls.
const SERVICES: [&str; 4] = [version::SERVICE, content::SERVICE, leases::SERVICE, images::SERVICE];

pub(super) async fn serve(shared: Shared, incoming: impl Stream<Item = std::io::Result<UnixStream>>) {
    let served = Server::builder()
        .add_service(Part::<0>(shared.clone()))
        .add_service(Part::<1>(shared.clone()))
        .add_service(Part::<2>(shared.clone()))
        .add_service(Part::<3>(shared))
        .serve_with_incoming(incoming);
    drop(served.await);
}

#[derive(Clone)]
struct Part<const NUMBER: usize>(Shared);

impl<const NUMBER: usize> NamedService for Part<NUMBER> {
    const NAME: &'static str = SERVICES[NUMBER];
}

impl<const NUMBER: usize> Service<http::Request<Body>> for Part<NUMBER> {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let shared = self.0.clone();
        Box::pin(async move { Ok(answer(shared, request).await) })
    }
}

async fn answer(shared: Shared, request: http::Request<Body>) -> http::Response<Body> {
    let path = request.uri().path().to_owned();
    if path == content::WRITE.path() {
        let mut grpc = Grpc::new(ProstCodec::default());
        return grpc.streaming(Writes(shared), request).await;
    }
    macro_rules! dispatch {
        ($($method:path => $call:expr),* $(,)?) => {
            $(if path == $method.path() {
                return unary(shared, &$method, $call, request).await;
            })*
        };
    }
    dispatch! {
        version::VERSION => |_, ()| Ok(VersionResponse { version: "2.1.9".to_owned() }),
        content::INFO => State::info,
        content::UPDATE => State::update,
        content::STATUS => State::status,
        content::ABORT => State::abort,
        leases::CREATE => State::create_lease,
        leases::DELETE => State::delete_lease,
        leases::ADD_RESOURCE => State::add_resource,
        images::GET => State::get_image,
        images::CREATE => State::create_image,
        images::UPDATE => State::update_image,
    }
    Status::unimplemented(path).into_http()
}

async fn unary<Q, A>(
    shared: Shared,
    method: &Method<Q, A>,
    call: fn(&mut State, &Q) -> Result<A, Status>,
    request: http::Request<Body>,
) -> http::Response<Body>
where
    Q: prost::Message + Default + 'static,
    A: prost::Message + Default + 'static,
{
    let path = method.path();
    Grpc::new(ProstCodec::<A, Q>::default()).unary(Unary { shared, path, call }, request).await
}

struct Unary<Q, A> {
    shared: Shared,
    path: &'static str,
    call: fn(&mut State, &Q) -> Result<A, Status>,
}

impl<Q: Send + 'static, A: 'static> UnaryService<Q> for Unary<Q, A> {
    type Response = A;
    type Future = BoxFuture<'static, Result<Response<A>, Status>>;

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let (shared, path, call) = (self.shared.clone(), self.path, self.call);
        Box::pin(async move {
            let failure = shared.note(path, request.metadata())?;
            match failure {
                Some(Failure::Code(code, message)) => Err(Status::new(Code::from(code), message)),
                Some(Failure::CodeAfter(code)) => {
                    call(&mut shared.lock(), request.get_ref())?;
                    Err(Status::new(Code::from(code), "done, but nobody shall know"))
                }
                Some(Failure::Hang) => std::future::pending().await,
                Some(Failure::Vanish) => {
                    let mut state = shared.lock();
                    let answer = call(&mut state, request.get_ref())?;
                    state.collect();
                    Ok(Response::new(answer))
                }
                _ => call(&mut shared.lock(), request.get_ref()).map(Response::new),
            }
        })
    }
}

impl Shared {
    /// Remembers a call; returns how to fail at it, if that is wanted.
    pub(super) fn note(&self, path: &str, headers: &MetadataMap) -> Result<Option<Failure>, Status> {
        let (service, method) = path.rsplit_once('/').unwrap_or_default();
        let service = service.rsplit('.').next().unwrap_or_default();
        let mut state = self.lock();
        state.calls.push(format!("{service}/{method}"));
        if path != version::VERSION.path() && headers.get(NAMESPACE_HEADER).is_none() {
            return Err(Status::failed_precondition("namespace is required"));
        }
        let due = state.failures.iter_mut().find(|(name, _, times)| {
            *times > 0 && (*name == method || name.split_once('/') == Some((service, method)))
        });
        Ok(due.map(|(_, failure, times)| {
            *times -= 1;
            failure.clone()
        }))
    }
}

/// The lease that a call is made under.
pub(super) fn lease(headers: &MetadataMap) -> Option<String> {
    headers.get(LEASE_HEADER).and_then(|value| value.to_str().ok()).map(str::to_owned)
}
