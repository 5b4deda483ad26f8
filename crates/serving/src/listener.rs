//! Connections, with TLS and without.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{Stream, stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::server::TlsStream;
use tonic::transport::server::Connected;
use tool::{Failure, FailureContext as _};

use crate::Tls;

/// How long a client may take for the handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How long to wait where there is no room for a connection, such as when too many files are open.
const PAUSE: Duration = Duration::from_secs(1);

/// Where clients connect. Nobody waits for the handshake of somebody else.
#[derive(Debug)]
pub struct Listener {
    tcp: TcpListener,
    tls: Option<Tls>,
    handshakes: JoinSet<Option<(Connection, SocketAddr)>>,
}

impl Listener {
    /// Listens; connections wait until somebody accepts them. `option` is what names the port, for messages.
    pub async fn bind(address: SocketAddr, option: &str, tls: Option<Tls>) -> Result<Self, Failure> {
        let tcp = TcpListener::bind(address)
            .await
            .about(format!("failed to listen on `{address}`"))
            .or_hint(format!("choose another {option}; 0 takes one that is free"))?;
        Ok(Self { tcp, tls, handshakes: JoinSet::new() })
    }

    /// Where that is.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// The same with its scheme, which is `plain`, or that with an `s` where TLS is spoken.
    pub fn url(&self, plain: &str) -> io::Result<String> {
        let s = if self.tls.is_some() { "s" } else { "" };
        Ok(format!("{plain}{s}://{}", self.local_addr()?))
    }

    /// The next connection, after its handshake. May be given up and called again.
    pub async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            tokio::select! {
                Some(shaken) = self.handshakes.join_next() => {
                    if let Ok(Some(connection)) = shaken {
                        return connection;
                    }
                }
                accepted = self.tcp.accept() => match accepted {
                    Ok((stream, peer)) => {
                        // Answers are small and waited for. A failure costs milliseconds.
                        drop(stream.set_nodelay(true));
                        match &self.tls {
                            None => return (Connection::Plain(stream), peer),
                            Some(tls) => drop(self.handshakes.spawn(shake(tls.clone(), stream, peer))),
                        }
                    }
                    Err(error) if is_of_the_client(&error) => {}
                    Err(error) => {
                        tracing::warn!("failed to accept a connection: {error}");
                        tokio::time::sleep(PAUSE).await;
                    }
                },
            }
        }
    }

    /// All connections from now on, as tonic takes them.
    pub fn into_connections(self) -> impl Stream<Item = io::Result<Connection>> + Send {
        stream::unfold(self, async |mut listener| {
            let (connection, _) = listener.accept().await;
            Some((Ok(connection), listener))
        })
    }
}

/// What a client that is gone already leaves.
fn is_of_the_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn shake(tls: Tls, stream: TcpStream, peer: SocketAddr) -> Option<(Connection, SocketAddr)> {
    match tokio::time::timeout(HANDSHAKE, tls.0.accept(stream)).await {
        Ok(Ok(stream)) => Some((Connection::Tls(Box::new(stream)), peer)),
        Ok(Err(error)) => {
            tracing::info!("no TLS with {peer}: {error}");
            None
        }
        Err(_) => None,
    }
}

/// A connection of a client.
#[derive(Debug)]
pub enum Connection {
    /// In the clear.
    Plain(TcpStream),
    /// Encrypted.
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(context, bytes),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

/// Services are told nothing about whom they serve.
impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) -> Self::ConnectInfo {}
}
