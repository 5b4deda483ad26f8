//! From listening to the last push.

use std::sync::Arc;
use std::time::Duration;

use serving::Listener;
use tokio::sync::watch;
use tonic::transport::Server;
use tool::{FailureContext as _, Outcome};

use crate::cli::{CommitMode, Options};
use crate::connection::Service;
use crate::pushes::Pushes;
use crate::wire::Wire;

/// A connection over which nothing comes may be dead; a build that waits for its pushes has a quiet one.
const PING: Duration = Duration::from_mins(1);

/// Serves until a signal comes.
pub(crate) fn run(options: Options) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(serve(options));
    runtime.shutdown_timeout(Duration::from_secs(1));
    outcome
}

async fn serve(options: Options) -> Outcome {
    if options.mode == CommitMode::Background && options.setup.journal.is_none() {
        tracing::warn!(
            "when this program is killed, pushes that still run are lost; --journal DIR keeps them"
        );
    }
    let listener = Listener::bind(options.address, "--port", options.tls).await?;
    let pushes = Pushes::new(options.setup);
    pushes.resume()?;
    let signals = serving::Signals::new()?;
    let (end, ending) = watch::channel(false);
    tokio::spawn(async move {
        signals.wait().await;
        let _ = end.send(true);
    });
    serving::announce(&listener, "grpc")?;

    let service = Service { pushes: pushes.clone(), mode: options.mode, ending: ending.clone() };
    let (mut asked, mut limited) = (ending.clone(), ending);
    let server = Server::builder()
        .http2_keepalive_interval(Some(PING))
        .add_service(Wire(Arc::new(service)))
        .serve_with_incoming_shutdown(listener.into_connections(), async move {
            asked_to_end(&mut asked).await;
        });
    let finish = async {
        server.await.about("failed to serve")?;
        pushes.idle().await;
        Ok(())
    };
    let limit = async {
        asked_to_end(&mut limited).await;
        tokio::time::sleep(options.grace).await;
    };
    tokio::select! {
        outcome = finish => outcome,
        () = limit => {
            let seconds = options.grace.as_secs();
            tracing::warn!("{} plans were still worked on {seconds} seconds after the signal to end", pushes.count());
            Ok(())
        }
    }
}

/// Waits for the signal to end.
pub(crate) async fn asked_to_end(ending: &mut watch::Receiver<bool>) {
    // Without a sender, nobody can ask any more; that is the end, too.
    let _ = ending.wait_for(|ending| *ending).await;
}
