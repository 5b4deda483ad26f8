//! From listening to the last response.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt as _;
use tool::{FailureContext as _, Outcome};

use crate::api::{self, App};
use crate::cli::Options;
use crate::store::Store;

/// How long requests in flight may go on after the signal to end.
const GRACE: Duration = Duration::from_secs(10);

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
    let app = Arc::new(App { store, read_only, log: options.log.map(Arc::new) });

    let listener = serving::listen(options.address).await?;
    // Handlers are in place before anybody learns that there is something to signal.
    let (ending, stop) = tokio::sync::oneshot::channel();
    let signals = serving::Signals::new()?;
    tokio::spawn(async move {
        signals.wait().await;
        let _ = ending.send(());
    });
    serving::announce(&listener, "http")?;

    let deadline = Arc::new(tokio::sync::Notify::new());
    let begun = Arc::clone(&deadline);
    let listener = listener.tap_io(|connection| {
        // Responses are small and waited for. A failure costs milliseconds.
        let _ = connection.set_nodelay(true);
    });
    let router = Router::new().fallback(api::handle).with_state(app);
    let server = axum::serve(listener, router).with_graceful_shutdown(async move {
        let _ = stop.await;
        begun.notify_one();
    });
    tokio::select! {
        outcome = async { server.await } => outcome.about("failed to serve")?,
        () = async {
            deadline.notified().await;
            tokio::time::sleep(GRACE).await;
        } => tracing::warn!("requests were still in flight {} seconds after the signal to end", GRACE.as_secs()),
    }
    Ok(())
}
