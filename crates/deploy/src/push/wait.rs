//! The strategy bes: a build event service pushes, and this only looks whether it did.

use std::time::{Duration, Instant};

use oci::{Digest, Tag};
use tokio::time::sleep;
use tool::Failure;

use crate::content::failure;
use crate::context::Context;
use crate::failed::{FailedOperation, Pushed};
use crate::push::destination::Destination;
use crate::summary::{Counts, Report};

/// From the first to the longest pause between two looks.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(3));

/// Waits until the image is in its repository under all of its tags, at most so long; after that it is an error that says
/// what was found instead.
pub async fn wait(context: &Context, operation: &plan::Push, patience: Duration) -> Pushed {
    look(context, operation, patience).await.map_err(|failure| FailedOperation {
        what: "failed to find what the build event service pushed for",
        ..FailedOperation::new(&operation.label, failure)
    })
}

async fn look(context: &Context, operation: &plan::Push, patience: Duration) -> Result<Report, Failure> {
    let overrides = &context.overrides;
    if overrides.registry.is_some() || overrides.repository.is_some() || !overrides.tags.is_empty() {
        let error = anyhow::anyhow!("--registry, --repository and --tag have no effect");
        return Err(Failure::usage(error).hint(
            "the build event service pushes what the BUILD file says; for another destination choose another \
             strategy: --@rules_img//img/settings:push_strategy=lazy",
        ));
    }
    let start = Instant::now();
    let to = Destination::new(operation, overrides)?;
    let mut pause = PAUSES.0;
    while let Some(lacking) = lacking(context, operation.root.digest, &to).await? {
        if start.elapsed() >= patience {
            return Err(not_there(operation, &lacking, patience));
        }
        sleep(pause.min(patience.saturating_sub(start.elapsed()))).await;
        pause = (pause * 3 / 2).min(PAUSES.1);
    }
    Ok(Report {
        label: operation.label.clone(),
        references: to.references(operation.root.digest),
        unchanged: true,
        dry_run: context.dry_run,
        counts: Counts::default(),
        seconds: Report::seconds(start.elapsed()),
    })
}

/// What is not yet as it shall be; nothing if all is.
async fn lacking(context: &Context, digest: Digest, to: &Destination) -> Result<Option<String>, Failure> {
    if to.tags.is_empty() {
        let head = context.client.head_manifest(&to.remote, digest).await.map_err(failure)?;
        return Ok(head.is_none().then(|| format!("`{}@{digest}` is not there", to.remote)));
    }
    for tag in &to.tags {
        if let Some(lacking) = tag_lacking(context, digest, to, tag).await? {
            return Ok(Some(lacking));
        }
    }
    Ok(None)
}

async fn tag_lacking(
    context: &Context,
    digest: Digest,
    to: &Destination,
    tag: &Tag,
) -> Result<Option<String>, Failure> {
    let head = context.client.head_manifest(&to.remote, tag.clone()).await.map_err(failure)?;
    Ok(match head.map(|head| head.digest) {
        Some(Some(found)) if found == digest => None,
        Some(Some(found)) => Some(format!("`{}:{tag}` is `{found}` and not `{digest}`", to.remote)),
        // A registry that does not say what it has cannot be asked better.
        Some(None) => None,
        None => Some(format!("`{}:{tag}` is not there", to.remote)),
    })
}

fn not_there(operation: &plan::Push, lacking: &str, patience: Duration) -> Failure {
    Failure::new(anyhow::anyhow!("{lacking} after {} seconds", patience.as_secs()))
        .hint(format!(
            "the push is part of the build: bazel build {} --bes_backend=grpc://HOST:PORT, where `bes` of rules_img listens",
            operation.label
        ))
        .hint("what `bes` could not push is in its log; with --commit-mode=per-stream, Bazel says it, too")
}
