//! `fetcher pull`

use std::io::Write as _;
use std::time::Duration;

use registry::ManifestName;
use tool::{Failure, FailureContext as _, Outcome};

use crate::cli::{Pull, PullRequest};
use crate::pull::{PullError, Sources, Store, pull};

/// After this long somebody may wonder whether anything happens.
const SLOW: Duration = Duration::from_secs(3);

pub(crate) fn run(arguments: Pull) -> Outcome {
    let request = PullRequest::try_from(arguments).or_usage()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let credential_helper = request.credential_helper.clone();
        let options = connect::Options { credential_helper, ..connect::Options::default() };
        let client = connect::client(&options)?;
        let sources = Sources::new(client, request.sources.clone());
        let store = Store::open(&request.output)?;
        let work = pull(&sources, &store, &request.name);
        let report = match with_notice(&sources, work).await {
            Ok(report) => report,
            Err(error) => {
                let moved = moved_tag(&request, &sources, &error).await;
                return Err(failure(&request, error).hints(moved));
            }
        };
        store.write_report(&report)?;
        Ok(())
    })
}

/// One line if it takes long, and silence otherwise.
async fn with_notice<F: Future>(sources: &Sources, work: F) -> F::Output {
    let mut work = std::pin::pin!(work);
    if let Ok(output) = tokio::time::timeout(SLOW, &mut work).await {
        return output;
    }
    let stats = sources.client().stats();
    let text = format!("still fetching from `{}`, {} requests so far\n", sources.first(), stats.requests);
    // Progress that nobody can see is no reason to fail.
    drop(std::io::stderr().write_all(text.as_bytes()));
    work.await
}

/// Registries forget a digest when its tag moves on; where the tag points to now helps whoever has to update it.
async fn moved_tag(request: &PullRequest, sources: &Sources, error: &PullError) -> Option<String> {
    let (ManifestName::Digest(pinned), Some(tag)) = (&request.name, &request.tag) else { return None };
    if !error.is_gone(*pinned) {
        return None;
    }
    let asked = sources.ask(async |client, remote| client.head_manifest(remote, tag.clone()).await).await;
    let digest = asked.ok()?.0?.digest?;
    Some(format!("the tag `{tag}` points to `{digest}` now; to follow it, write digest = \"{digest}\""))
}

fn failure(request: &PullRequest, error: PullError) -> Failure {
    let hints = error.hints();
    let failure = Failure::new(error).hints(hints);
    match request.sources.as_slice() {
        [] | [_] => failure,
        sources => {
            failure.hint(format!("{} registries were asked; see the warnings for the others", sources.len()))
        }
    }
}
