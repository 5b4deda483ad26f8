//! From listening to the last response.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use blobcache::BlobsServer;
use serving::{Connection, Listener};
use tokio::sync::watch;
use tonic::transport::Server;
use tool::{FailureContext as _, Outcome};

use crate::api::{self, App};
use crate::cli::Options;
use crate::commit::Commits;
use crate::keepalive;
use crate::store::{CachedBlobs, Store};

/// How long requests in flight may go on after the signal to end.
const GRACE: Duration = Duration::from_secs(10);

/// Becomes true when the process shall end.
type Stop = watch::Receiver<bool>;

/// Serves until a signal comes.
pub(crate) fn run(options: Options) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(serve(options));
    // Requests that are still there had their time; what they leave is cleared at the next start.
    runtime.shutdown_timeout(Duration::from_secs(1));
    outcome
}

async fn serve(options: Options) -> Outcome {
    let read_only = options.open.read_only;
    let store = Store::open(&options.root, options.open)?;
    let cached = store.cached.clone();
    let app = Arc::new(App { store, read_only, log: options.log.map(Arc::new) });

    let http = Listener::bind(options.address, "--port", options.tls.clone()).await?;
    let grpc = match (options.grpc, &cached) {
        (Some(address), Some(cached)) => {
            Some((Listener::bind(address, "--grpc-port", options.tls).await?, Arc::clone(cached)))
        }
        _ => None,
    };
    // Handlers are in place before anybody learns that there is something to signal.
    let (ending, stop) = watch::channel(false);
    let signals = serving::Signals::new()?;
    tokio::spawn(async move {
        signals.wait().await;
        let _ = ending.send(true);
    });
    announce(&http, grpc.as_ref().map(|(listener, _)| listener))?;
    if let (Some(schedule), Some(cached)) = (options.keepalive, cached) {
        tokio::spawn(keepalive::run(Arc::clone(&app), cached, schedule));
    }

    let commits = async {
        match grpc {
            Some((listener, cached)) => take_commits(listener, Arc::clone(&app), cached, stop.clone()).await,
            None => Ok(()),
        }
    };
    let servers = async { tokio::try_join!(answer(http, Arc::clone(&app), stop.clone()), commits) };
    tokio::select! {
        outcome = servers => {
            outcome?;
        }
        () = async {
            stopped(stop.clone()).await;
            tokio::time::sleep(GRACE).await;
        } => tracing::warn!("requests were still in flight {} seconds after the signal to end", GRACE.as_secs()),
    }
    Ok(())
}

async fn answer(listener: Listener, app: Arc<App>, stop: Stop) -> Outcome {
    let router = Router::new().fallback(api::handle).with_state(app);
    axum::serve(Http(listener), router).with_graceful_shutdown(stopped(stop)).await.about("failed to serve")
}

/// A listener of which axum takes connections.
struct Http(Listener);

impl axum::serve::Listener for Http {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        self.0.accept().await
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

async fn take_commits(listener: Listener, app: Arc<App>, cached: Arc<CachedBlobs>, stop: Stop) -> Outcome {
    let server = Server::builder().add_service(BlobsServer::new(Commits { app, cached }));
    let connections = listener.into_connections();
    server.serve_with_incoming_shutdown(connections, stopped(stop)).await.about("failed to serve commits")
}

/// Waits for the signal to end; a sender that is gone will not send one.
async fn stopped(mut stop: Stop) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn announce(http: &Listener, grpc: Option<&Listener>) -> io::Result<()> {
    serving::announce(http, "http")?;
    grpc.map_or(Ok(()), |grpc| serving::say(&format!("blob cache on {}", grpc.url("grpc")?)))
}
