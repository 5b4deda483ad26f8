//! The registries that an image may come from: each document is asked for in their order, until one has it.

use std::sync::atomic::{AtomicBool, Ordering};

use registry::{Cause, Client, Error, Remote, RetryPolicy};

/// How often a mirror is tried before the next registry is asked instead; the last one gets the whole budget.
const MIRROR_ATTEMPTS: u32 = 2;

struct Source {
    remote: Remote,
    client: Client,
    /// It failed in a way that has nothing to do with one document.
    down: AtomicBool,
}

/// Registries in the order to ask.
pub(crate) struct Sources {
    client: Client,
    sources: Vec<Source>,
}

impl Sources {
    /// At least one.
    pub(crate) fn new(client: Client, remotes: Vec<Remote>) -> Self {
        let last = remotes.len().saturating_sub(1);
        let impatient = RetryPolicy { max_attempts: MIRROR_ATTEMPTS, ..client.retry_policy() };
        let sources = remotes
            .into_iter()
            .enumerate()
            .map(|(position, remote)| {
                let client =
                    if position == last { client.clone() } else { client.with_retry_policy(impatient) };
                Source { remote, client, down: AtomicBool::new(false) }
            })
            .collect();
        Self { client, sources }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// The one that is asked first.
    pub(crate) fn first(&self) -> &Remote {
        &self.sources.first().expect("there is at least one source").remote
    }

    /// Asks one after the other; says in a warning why one was passed over.
    pub(crate) async fn ask<T>(
        &self,
        request: impl AsyncFn(&Client, &Remote) -> Result<T, Error>,
    ) -> Result<(T, &Remote), Error> {
        let last = self.sources.len().saturating_sub(1);
        let mut failure = None;
        for (position, source) in self.sources.iter().enumerate() {
            if source.down.load(Ordering::Relaxed) && position < last {
                continue;
            }
            match request(&source.client, &source.remote).await {
                Ok(answer) => return Ok((answer, &source.remote)),
                Err(error) if position < last => {
                    source.pass_over(&error);
                    failure = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        Err(failure.expect("there is at least one source, and the last one is always asked"))
    }
}

impl Source {
    fn pass_over(&self, error: &Error) {
        // Requests of one wave may fail together; one warning is enough.
        if concerns_whole_registry(error.cause()) && self.down.swap(true, Ordering::Relaxed) {
            return;
        }
        tracing::warn!("{}; the next registry is asked", tool::chain(error));
    }
}

/// Whether asking the same registry for another document is pointless.
fn concerns_whole_registry(cause: &Cause) -> bool {
    match cause {
        Cause::Status { status, .. } => status.as_u16() != 404,
        Cause::Mismatch(_) | Cause::TooLarge(_) | Cause::Document(_) | Cause::Content(_) => false,
        _ => true,
    }
}
