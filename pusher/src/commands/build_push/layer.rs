//! `pusher build-push layer`: one layer of an image, which other images may have as well.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use oci::Descriptor;
use registry::{BlobPush, FileContent};
use tool::{Failure, FailureContext as _, Outcome};

use super::{Common, Destination, PushedBlob, client, read_json, refused};

#[derive(Debug, Args)]
pub(super) struct LayerArgs {
    #[command(flatten)]
    common: Common,
    /// What the layer says about itself.
    #[arg(long)]
    metadata: PathBuf,
    /// The layer.
    #[arg(long)]
    blob: PathBuf,
}

pub(super) async fn run(args: &LayerArgs) -> Outcome {
    let layer: Descriptor = read_json(&args.metadata, "the metadata of a layer")?;
    let destination = args.common.destination()?;
    let pushed = push(args, &layer, &destination).await;
    let pushed = pushed.and_then(|()| describe(&layer, &destination, false));
    let failed = describe(&layer, &destination, true)?;
    args.common.finish(pushed, || failed)
}

async fn push(args: &LayerArgs, layer: &Descriptor, destination: &Destination) -> Outcome {
    let client = client()?;
    let to = destination.remote()?;
    client.expect_push(&to, &[]);
    let about = || format!("layer `{}` to `{to}`", layer.digest);
    if client.head_blob(&to, layer.digest).await.map_err(refused).about(about())? {
        return Ok(());
    }
    let content = Arc::new(FileContent(args.blob.clone()));
    let blob = BlobPush { digest: layer.digest, size: layer.size, begun: None, content };
    client.push_blob(&to, &blob).await.map_err(refused).about(about())
}

fn describe(layer: &Descriptor, destination: &Destination, failed: bool) -> Result<String, Failure> {
    let pushed = PushedBlob {
        registry: destination.registry.clone(),
        repository: destination.repository.clone(),
        digest: layer.digest,
        media_type: layer.media_type.clone(),
        size: layer.size,
        failed,
    };
    Ok(serde_json::to_string(&pushed)? + "\n")
}
