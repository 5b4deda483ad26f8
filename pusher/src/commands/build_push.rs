//! `pusher build-push`: the build itself pushes, in actions. It is called by our rules and by nobody else; docs/design/architecture.md
//! is its specification.
//!
//! An action has files instead of runfiles, and an output that says what was pushed where. The output has to be there also
//! when a push failed whose success is not asked for.

mod image;
mod layer;

use std::path::{Path, PathBuf};

use blob::AtomicFile;
use clap::{Args, Parser, Subcommand};
use oci::Digest;
use registry::Remote;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tool::{Failure, FailureContext as _, Outcome};

/// The word that a build action begins with.
pub(crate) const NAME: &str = "build-push";

/// Pushes in build actions.
#[derive(Debug, Parser)]
#[command(name = "pusher", disable_version_flag = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Push in a build action.
    #[command(subcommand)]
    BuildPush(Verb),
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Put one layer into a registry.
    Layer(layer::LayerArgs),
    /// Push an image whose layers are in the registry.
    Image(image::ImageArgs),
}

#[derive(Debug, Args)]
struct Common {
    /// The target, for messages.
    #[arg(long)]
    label: String,
    /// JSON file that says where layers go.
    #[arg(long)]
    destination: PathBuf,
    /// File that says what was pushed.
    #[arg(long)]
    output: PathBuf,
    /// Report a push that fails, and succeed.
    #[arg(long)]
    best_effort: bool,
}

/// A registry and a repository, as the builder writes them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Destination {
    registry: String,
    repository: String,
}

/// Where a blob was put.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PushedBlob {
    registry: String,
    repository: String,
    digest: Digest,
    media_type: String,
    size: u64,
    /// Whether it could not be put there, and nobody minds.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    failed: bool,
}

pub(crate) fn run(cli: Cli) -> Outcome {
    let Command::BuildPush(verb) = cli.command;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match verb {
        Verb::Layer(args) => runtime.block_on(layer::run(&args)),
        Verb::Image(args) => runtime.block_on(image::run(&args)),
    }
}

impl Common {
    fn destination(&self) -> Result<Destination, Failure> {
        read_json(&self.destination, "a destination")
    }

    /// Writes the output; a failure that does not count leaves the text that says so.
    fn finish(&self, pushed: Result<String, Failure>, failed: impl FnOnce() -> String) -> Outcome {
        let text = match pushed {
            Ok(text) => text,
            Err(failure) if self.best_effort => {
                let message = failure.context(self.label.clone()).message();
                tracing::warn!("{}", message.trim_start_matches("error: ").trim_end());
                failed()
            }
            Err(failure) => {
                return Err(failure.context(format!("failed to push `{}` during the build", self.label)));
            }
        };
        AtomicFile::write(&self.output, text.as_bytes())?;
        Ok(())
    }
}

impl Destination {
    fn remote(&self) -> Result<Remote, Failure> {
        Ok(Remote::new(
            self.registry.parse().about("registry").or_usage()?,
            self.repository.parse().about("repository").or_usage()?,
        ))
    }
}

fn client() -> Result<registry::Client, Failure> {
    connect::client(&connect::Options::default())
}

fn read_json<T: DeserializeOwned>(path: &Path, what: &str) -> Result<T, Failure> {
    let bytes = fs_err::read(path)?;
    serde_json::from_slice(&bytes).about(format!("`{}` is not {what}", path.display())).or_usage()
}

/// A registry's error with its hints.
fn refused(error: registry::Error) -> Failure {
    let hints = error.hints();
    Failure::new(error).hints(hints)
}
