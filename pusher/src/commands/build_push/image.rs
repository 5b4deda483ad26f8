//! `pusher build-push image`: configs, manifests, indexes and tags, behind the layers that other actions have put into the
//! registry.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use deploy::{Caches, Context, Overrides, Silent};
use plan::{Blob, Kind, Operation, Plan, Push, Source};
use registry::Remote;
use tokio::sync::Semaphore;
use tool::runfiles::Runfiles;
use tool::{Failure, FailureContext as _, Outcome};

use super::{Common, PushedBlob, client, read_json};

/// Transfers at a time: an action has a machine to itself as little as any other.
const JOBS: usize = 4;

#[derive(Debug, Args)]
pub(super) struct ImageArgs {
    #[command(flatten)]
    common: Common,
    /// What to push where.
    #[arg(long)]
    plan: PathBuf,
    /// What another action has put into the registry.
    #[arg(long)]
    layer: Vec<PathBuf>,
    /// The files of the plan: its path of a document and the file, separated by NUL, one document a line.
    #[arg(long)]
    files: PathBuf,
    /// Put configs and the layers of the base beside the other layers, and write no manifest.
    #[arg(long)]
    only_blobs: bool,
}

pub(super) async fn run(args: &ImageArgs) -> Outcome {
    let context = context(args)?;
    let [Operation::Push(operation)] = context.plan.operations.as_slice() else {
        return Err(Failure::usage(anyhow::anyhow!("`{}` is not the plan of one push", args.plan.display())));
    };
    let pushed = if args.only_blobs {
        push_blobs(args, &context, operation).await
    } else {
        push(&context, operation).await
    };
    let pushed = match pushed {
        Ok(text) => Ok(text),
        Err(failure) => Err(lost_layer(args, &context).await.unwrap_or(failure)),
    };
    args.common.finish(pushed, || "nothing was pushed\n".to_owned())
}

/// What an action said that was cached is no longer so: a registry deletes layers that no manifest names.
async fn lost_layer(args: &ImageArgs, context: &Context) -> Option<Failure> {
    for path in &args.layer {
        let pushed: PushedBlob = read_json(path, "what a push of a layer wrote").ok()?;
        let from = Remote::new(pushed.registry.parse().ok()?, pushed.repository.parse().ok()?);
        if !pushed.failed && !context.client.head_blob(&from, pushed.digest).await.ok()? {
            let label = &args.common.label;
            return Some(
                Failure::new(anyhow::anyhow!(
                    "the layer `{}`, which the build had put into `{from}`, is no longer there",
                    pushed.digest
                ))
                .hint(format!(
                    "`bazel run {label}` sends it, and so does a build that believes no cache: \
                     bazel clean && bazel build --noremote_accept_cached --disk_cache= {label}"
                )),
            );
        }
    }
    None
}

/// The plan, completed by where the layers are now.
fn context(args: &ImageArgs) -> Result<Context, Failure> {
    let mut plan =
        Plan::from_json(&fs_err::read(&args.plan)?).about(format!("`{}`", args.plan.display())).or_usage()?;
    for path in &args.layer {
        let pushed: PushedBlob = read_json(path, "what a push of a layer wrote")?;
        if let Some(blob) = plan.blobs.get_mut(&pushed.digest).filter(|_| !pushed.failed) {
            blob.sources.insert(0, Source { registry: pushed.registry, repository: pushed.repository });
        }
    }
    Ok(Context {
        client: client()?,
        caches: Caches::default(),
        runfiles: Runfiles::listed(files(args)?),
        plan,
        // An action that succeeds says nothing.
        progress: Box::new(Silent),
        transfers: Semaphore::new(JOBS).into(),
        dry_run: false,
        overrides: Overrides::default(),
    })
}

fn files(args: &ImageArgs) -> Result<BTreeMap<String, PathBuf>, Failure> {
    let mut files = BTreeMap::new();
    for line in tool::args::read_lines(&args.files).or_usage()? {
        let line = line.to_string_lossy();
        let (path, file) = line
            .split_once('\0')
            .ok_or_else(|| anyhow::anyhow!("`{line}` in `{}` is not a path and a file", args.files.display()))
            .or_usage()?;
        files.insert(path.to_owned(), PathBuf::from(file));
    }
    Ok(files)
}

/// The whole image; returns its names.
async fn push(context: &Context, operation: &Push) -> Result<String, Failure> {
    let report = deploy::push(context, operation).await?;
    Ok(report.references.join("\n") + "\n")
}

/// What the actions of single layers leave over, in the repository where these have put them; returns the digests.
async fn push_blobs(args: &ImageArgs, context: &Context, operation: &Push) -> Result<String, Failure> {
    let to = args.common.destination()?;
    let operation = Push {
        registry: to.registry.clone(),
        repository: to.repository.clone(),
        staging_repository: None,
        tags: Vec::new(),
        manifest_tags: BTreeMap::new(),
        ..operation.clone()
    };
    deploy::push_blobs(context, &operation).await?;
    let is_pushed = |blob: &Blob| {
        matches!(blob.kind, Kind::Config | Kind::Layer) && !oci::media_type::is_foreign(&blob.media_type)
    };
    let blobs = context.plan.blobs.iter().filter(|(_, blob)| is_pushed(blob));
    let to = to.remote()?;
    let names: Vec<String> = blobs.map(|(digest, _)| format!("{to}@{digest}")).collect();
    Ok(names.join("\n") + "\n")
}
