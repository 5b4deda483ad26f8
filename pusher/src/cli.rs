//! What users type after `bazel run //:push --` and `bazel run //:load --`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use deploy::{DeduplicateOverrides, Overrides};
use load::Platforms;
use tool::env;

/// Push images that Bazel built, or load them into a container runtime.
///
/// Reads the plan beside the program. Pushing: asks the registry what it has, mounts what lies in another of its
/// repositories, and uploads only what is missing, each blob once. Loading: asks the runtime what it has, and sends
/// only what is missing where the runtime can take that. Prints the references that now exist on standard output.
#[derive(Debug, Parser)]
#[command(version = None, about, long_about, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    /// Set this tag, too; of images that are loaded under whole names, a whole name; may be given several times
    #[arg(short, long = "tag", value_name = "TAG")]
    pub(crate) tags: Vec<String>,
    /// Push to this registry, or name loaded images after it, instead of the one in the BUILD file
    #[arg(long, value_name = "HOST[:PORT]")]
    pub(crate) registry: Option<String>,
    /// Push to this repository, or name loaded images after it, instead of the one in the BUILD file
    #[arg(long, value_name = "PATH")]
    pub(crate) repository: Option<String>,
    /// When loading an index: the images for these platforms, separated by commas, or `all`
    #[arg(long, value_name = "OS/ARCHITECTURE[/VARIANT]")]
    pub(crate) platform: Option<Platforms>,
    /// Ask the registry or runtime, say what would be sent, and change nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// Transfers that run at the same time
    #[arg(short, long, value_name = "N", default_value = "16")]
    pub(crate) jobs: NonZeroUsize,
    /// With the strategy lazy: Bazel's remote cache, written as Bazel's own option has it
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) remote_cache: Option<String>,
    /// With the strategy lazy: Bazel's disk cache, asked before the remote one
    #[arg(long, value_name = "DIR")]
    pub(crate) disk_cache: Option<PathBuf>,
    /// With the strategy bes: how long to wait until the build event service has pushed the image
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub(crate) wait: u64,
    /// With the strategy `cas_registry`: the gRPC port of the registry, written like `grpc://HOST:PORT`
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) blob_cache: Option<String>,
    /// Upload what several repositories of a registry need once, and mount it elsewhere: instead of what targets say
    #[arg(long, value_name = "MODE")]
    pub(crate) deduplicated_push: Option<DeduplicationMode>,
    /// Repository that gets what is shared, instead of one that is chosen
    #[arg(long, value_name = "PATH")]
    pub(crate) deduplicated_push_blob_repository: Option<String>,
    /// What is put into that repository
    #[arg(long, value_name = "WHAT")]
    pub(crate) deduplicated_push_content: Option<DeduplicationContent>,
    /// How to show progress
    #[arg(long, value_name = "HOW")]
    pub(crate) progress: Option<ProgressMode>,
    /// Print one JSON object instead of references
    #[arg(long)]
    pub(crate) json: bool,
    /// Use plain HTTP, and do not check TLS certificates
    #[arg(long)]
    pub(crate) insecure: bool,
    /// Plan to use instead of the one beside the program
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: Option<PathBuf>,
}

const AFTER_HELP: &str = "\
Examples:
  bazel run //:push                        as the BUILD file says
  bazel run //:push -- --dry-run           what would be sent
  bazel run //:push -- --tag v1.2 -t test  two more tags
  bazel run //:load                        for this machine's platform
  bazel run //:load -- --platform all      all of an index

Credentials come from docker's config.json or REGISTRY_AUTH_FILE.

Exit status: 0 all was done; 1 something failed, and all the rest was done; 2 wrong usage, and nothing was done;
3 a layer is no longer in any cache.";

/// Whether shared layers are uploaded once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum DeduplicationMode {
    /// Yes; a registry that refuses to mount them is an error.
    Enabled,
    /// Yes; what a registry refuses to mount is uploaded again.
    BestEffort,
    /// Nothing is promised.
    Disabled,
}

/// What is put into the repository that shared layers are mounted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum DeduplicationContent {
    /// The layers.
    Blobs,
    /// The layers, and manifests that keep them from being collected as garbage.
    BlobsAndArtificialManifests,
}

impl Cli {
    /// What is said about loads; the environment says the rest.
    pub(crate) fn load_options(&self) -> load::Options {
        let expected = "a platform such as `linux/arm64`";
        load::Options {
            platforms: self.platform.clone().unwrap_or_default(),
            default_platform: env::DOCKER_DEFAULT_PLATFORM.parse(expected, |text| text.parse().ok()),
            tags: self.tags.clone(),
            registry: self.registry.clone(),
            repository: self.repository.clone(),
            loader: env::LOADER_BINARY.text(),
            containerd: env::CONTAINERD_ADDRESS.text(),
            runtime_dir: env::XDG_RUNTIME_DIR.get().map(PathBuf::from),
        }
    }

    /// What is said about pushes.
    pub(crate) fn into_overrides(self) -> Overrides {
        let mode = self.deduplicated_push.map(|mode| match mode {
            DeduplicationMode::Enabled => Some(plan::DeduplicateMode::Enabled),
            DeduplicationMode::BestEffort => Some(plan::DeduplicateMode::BestEffort),
            DeduplicationMode::Disabled => None,
        });
        let content = self.deduplicated_push_content.map(|content| match content {
            DeduplicationContent::Blobs => plan::DeduplicatedContent::Blobs,
            DeduplicationContent::BlobsAndArtificialManifests => {
                plan::DeduplicatedContent::BlobsAndArtificialManifests
            }
        });
        let repository = self.deduplicated_push_blob_repository;
        Overrides {
            registry: self.registry,
            repository: self.repository,
            tags: self.tags,
            deduplicate: DeduplicateOverrides { mode, repository, content },
        }
    }
}

/// How to show progress on standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressMode {
    /// Bars on a terminal, lines elsewhere.
    #[default]
    Auto,
    /// Bars.
    Bar,
    /// A line for each blob that was sent, and for each of several images.
    Log,
    /// Nothing but the summary.
    None,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }
}
