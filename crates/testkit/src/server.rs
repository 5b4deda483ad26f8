//! HTTP servers in the background.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::answer::Body;
use crate::background::{Background, listen};

/// What answers requests. An error cuts the connection.
pub(crate) trait Handler: Send + Sync + 'static {
    fn handle(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<Body>, io::Error>> + Send;
}

/// A running server; it ends when this is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    _background: Background,
}

impl Server {
    /// Starts on a free port, with TLS or without.
    pub(crate) fn start(handler: Arc<impl Handler>, tls: Option<TlsAcceptor>) -> Self {
        let (background, address) = Background::start(async || {
            let (listener, address) = listen().await;
            (address, serve(listener, handler, tls))
        });
        Self { address, _background: background }
    }
}

/// Answers until the end of time.
pub(crate) async fn serve(listener: TcpListener, handler: Arc<impl Handler>, tls: Option<TlsAcceptor>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        drop(stream.set_nodelay(true));
        let (handler, tls) = (Arc::clone(&handler), tls.clone());
        tokio::spawn(async move {
            // A connection that breaks is what many tests are about.
            match tls {
                None => answer(stream, handler).await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        answer(stream, handler).await;
                    }
                }
            }
        });
    }
}

async fn answer(stream: impl AsyncRead + AsyncWrite + Unpin, handler: Arc<impl Handler>) {
    let service = service_fn(move |request| Arc::clone(&handler).handle(request));
    drop(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
}
