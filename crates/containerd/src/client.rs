//! The client: the connection, and how a call is made.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use containerd_api::{Method, NAMESPACE_HEADER};
use http::uri::PathAndQuery;
use prost::Message;
use tonic::client::Grpc;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;
use tonic::{Request, Status};
use tonic_prost::ProstCodec;

use crate::{Answer, Error, Operation, Patience};

/// A client of one containerd and one namespace in it. Cheap to clone; any number of tasks may use it.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    channel: Channel,
    socket: PathBuf,
    namespace: MetadataValue<Ascii>,
    patience: Patience,
}

impl Client {
    /// Connects to the first of these sockets behind which a containerd answers. The error of none says why for each of
    /// them, and [`Error::is_unreachable`].
    pub async fn connect(sockets: &[PathBuf], namespace: &str) -> Result<Self, Error> {
        Self::connect_with(sockets, namespace, Patience::default()).await
    }

    /// The same, with another patience.
    pub async fn connect_with(
        sockets: &[PathBuf],
        namespace: &str,
        patience: Patience,
    ) -> Result<Self, Error> {
        let namespace = namespace.parse().map_err(|_| Error::Namespace(namespace.to_owned()))?;
        let (channel, socket) = find(sockets, &patience).await?;
        Ok(Self { shared: Arc::new(Shared { channel, socket, namespace, patience }) })
    }

    /// The socket that it is connected to.
    pub fn socket(&self) -> &Path {
        &self.shared.socket
    }

    pub(crate) fn patience(&self) -> &Patience {
        &self.shared.patience
    }

    pub(crate) fn grpc(&self) -> Grpc<Channel> {
        Grpc::new(self.shared.channel.clone())
    }

    /// A request with its headers.
    pub(crate) fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert(NAMESPACE_HEADER, self.shared.namespace.clone());
        request
    }

    /// Makes a call, again if that may help. `prepare` adds headers.
    pub(crate) async fn call<Q, A>(
        &self,
        method: &Method<Q, A>,
        message: Q,
        prepare: impl Fn(&mut Request<Q>),
    ) -> Result<A, Failed>
    where
        Q: Message + Clone + 'static,
        A: Message + Default + 'static,
    {
        let patience = self.patience();
        let mut attempts = 1;
        loop {
            let mut request = self.request(message.clone());
            prepare(&mut request);
            let call = unary(self.shared.channel.clone(), method, request);
            let answer = match tokio::time::timeout(patience.call, call).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(status)) => Answer::from(status),
                Err(_) => Answer::Idle(patience.call),
            };
            if !answer.is_transient() || attempts >= patience.attempts {
                return Err(Failed { answer, attempts });
            }
            tracing::debug!("attempt {attempts} of {}: {answer}", method.path());
            tokio::time::sleep(patience.delay(attempts)).await;
            attempts += 1;
        }
    }

    pub(crate) fn error(&self, operation: Operation, failed: Failed) -> Error {
        let Failed { answer, attempts } = failed;
        Error::Call { operation, socket: self.shared.socket.clone(), attempts, answer }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("socket", &self.shared.socket).finish_non_exhaustive()
    }
}

/// A call that failed for good.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) answer: Answer,
    pub(crate) attempts: u32,
}

/// Makes a call once.
pub(crate) async fn unary<Q, A>(
    channel: Channel,
    method: &Method<Q, A>,
    request: Request<Q>,
) -> Result<A, Status>
where
    Q: Message + 'static,
    A: Message + Default + 'static,
{
    let mut grpc = Grpc::new(channel);
    grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
    let path = PathAndQuery::from_static(method.path());
    Ok(grpc.unary(request, path, ProstCodec::<Q, A>::default()).await?.into_inner())
}

/// The first socket that answers. Those that say nothing get more time when no other one is of use.
#[cfg(unix)]
async fn find(sockets: &[PathBuf], patience: &Patience) -> Result<(Channel, PathBuf), Error> {
    use crate::probe::{Reason, Tried, probe};

    let mut tried: Vec<Tried> = Vec::new();
    let mut seen = Vec::new();
    for socket in sockets {
        // `/var/run` is a link to `/run`, as a rule.
        let place = tokio::fs::canonicalize(socket).await.unwrap_or_else(|_| socket.clone());
        if seen.contains(&place) {
            continue;
        }
        seen.push(place);
        match probe(socket, patience.probe).await {
            Ok(channel) => return Ok((channel, socket.clone())),
            Err(reason) => tried.push(Tried { socket: socket.clone(), reason }),
        }
    }
    for silent in &mut tried {
        if matches!(silent.reason, Reason::Silent(_)) {
            match probe(&silent.socket, patience.dial).await {
                Ok(channel) => return Ok((channel, silent.socket.clone())),
                Err(reason) => silent.reason = reason,
            }
        }
    }
    Err(Error::Unreachable { tried })
}

#[cfg(not(unix))]
async fn find(_: &[PathBuf], _: &Patience) -> Result<(Channel, PathBuf), Error> {
    std::future::ready(Err(Error::Unsupported)).await
}
