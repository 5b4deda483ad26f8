//! Servers on loopback, each on a thread of its own, so that tests with and without a runtime can use them.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use crate::answer::Body;

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
    stop: Option<oneshot::Sender<()>>,
}

impl Server {
    /// Starts on a free port, with TLS or without.
    pub(crate) fn start(handler: Arc<impl Handler>, tls: Option<TlsAcceptor>) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime can be made");
            runtime.block_on(async {
                let listener =
                    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("loopback has free ports");
                let address = listener.local_addr().expect("a bound socket has an address");
                if sender.send(address).is_ok() {
                    tokio::select! {
                        () = serve(listener, handler, tls) => {}
                        _ = stopped => {}
                    }
                }
            });
        });
        let address = receiver.recv().expect("the server's thread sends its address");
        Self { address, stop: Some(stop) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
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
