//! Servers on loopback, each on a thread of its own, so that tests with and without a runtime can use them.

use std::net::{Ipv4Addr, SocketAddr};

#[cfg(any(feature = "cas", feature = "containerd"))]
use futures_util::stream::{self, BoxStream, StreamExt as _};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// A thread with a runtime; what it does ends when this is dropped.
pub(crate) struct Background {
    stop: Option<oneshot::Sender<()>>,
}

impl Background {
    /// Starts what `begin` makes: what is to be known about it, once that is known, and the work itself.
    pub(crate) fn start<T, F>(begin: impl AsyncFnOnce() -> (T, F) + Send + 'static) -> (Self, T)
    where
        T: Send + 'static,
        F: Future<Output = ()>,
    {
        let (stop, stopped) = oneshot::channel();
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime can be made");
            runtime.block_on(async {
                let (about, work) = begin().await;
                if sender.send(about).is_ok() {
                    tokio::select! {
                        () = work => {}
                        _ = stopped => {}
                    }
                }
            });
        });
        let about = receiver.recv().expect("the thread says what it has begun");
        (Self { stop: Some(stop) }, about)
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }
}

/// A free port.
pub(crate) async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("loopback has free ports");
    let address = listener.local_addr().expect("a bound socket has an address");
    (listener, address)
}

/// Who connects to a socket of this machine.
#[cfg(any(feature = "cas", feature = "containerd"))]
pub(crate) fn listen_unix(
    path: &std::path::Path,
) -> BoxStream<'static, std::io::Result<tokio::net::UnixStream>> {
    let listener = tokio::net::UnixListener::bind(path).expect("tests name a free path");
    let accept = async |listener: tokio::net::UnixListener| {
        let connection = listener.accept().await.map(|(connection, _)| connection);
        Some((connection, listener))
    };
    stream::unfold(listener, accept).boxed()
}
