//! The command line, and what it means.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Parser, Subcommand};
use oci::{Digest, ReferenceError, RegistryHost, Repository, Tag};
use registry::{ManifestName, Remote};

/// Downloads manifests and configs of base images. Layers stay where they are.
#[derive(Debug, Parser)]
#[command(name = "fetcher", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    Pull(Pull),
}

/// Fetch the manifests and configs of an image into a folder.
///
/// Writes `blobs/sha256/<hex>` for every index, manifest and config, `descriptors/sha256/<hex>.json` for what is said of
/// manifests, and at last `pull.json`, which says what was pulled. Documents that are there already are kept. Attestations are fetched as manifests, without their configs.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("version").required(true).multiple(true).args(["digest", "tag"])))]
pub(crate) struct Pull {
    /// Repository, such as `library/ubuntu`.
    #[arg(long, value_parser = str::parse::<Repository>)]
    repository: Repository,
    /// Registry, such as `ghcr.io`; repeated, the first is asked first and the others when it fails.
    #[arg(long = "registry", value_name = "HOST", default_value = "index.docker.io", value_parser = str::parse::<RegistryHost>)]
    registries: Vec<RegistryHost>,
    /// Digest of the image.
    #[arg(long, value_parser = str::parse::<Digest>)]
    digest: Option<Digest>,
    /// Tag of the image; what it points to is written to `pull.json`. With a digest it only serves to say where the tag
    /// points to now when the digest is gone.
    #[arg(long, value_parser = str::parse::<Tag>)]
    tag: Option<Tag>,
    /// Folder to write to.
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
    /// Bazel credential helper for the registry; without it, the one that `IMG_CREDENTIAL_HELPER_OCI_REGISTRY` or
    /// `IMG_CREDENTIAL_HELPER` names, if any. Docker's and podman's configs are asked next.
    #[arg(long, value_name = "PROGRAM")]
    credential_helper: Option<PathBuf>,
}

/// What is to be pulled.
#[derive(Debug)]
pub(crate) struct PullRequest {
    /// Where it may be, in the order to ask.
    pub(crate) sources: Vec<Remote>,
    pub(crate) name: ManifestName,
    /// Beside a digest: the tag that it was once found by.
    pub(crate) tag: Option<Tag>,
    pub(crate) output: PathBuf,
    pub(crate) credential_helper: Option<PathBuf>,
}

impl TryFrom<Pull> for PullRequest {
    type Error = anyhow::Error;

    fn try_from(pull: Pull) -> Result<Self, anyhow::Error> {
        let (name, tag) = match (pull.digest, pull.tag) {
            (Some(digest), tag) => (ManifestName::Digest(digest), tag),
            (None, Some(tag)) => (ManifestName::Tag(tag), None),
            (None, None) => anyhow::bail!("neither `--digest` nor `--tag` is given"),
        };
        let mut sources: Vec<Remote> = Vec::new();
        for registry in pull.registries {
            let source = remote(registry, &pull.repository)?;
            if !sources.contains(&source) {
                sources.push(source);
            }
        }
        Ok(Self { sources, name, tag, output: pull.output, credential_helper: pull.credential_helper })
    }
}

/// Docker Hub keeps its one-part repositories under `library/`.
fn remote(registry: RegistryHost, repository: &Repository) -> Result<Remote, ReferenceError> {
    let bare = registry.is_docker_hub() && !repository.as_str().contains('/');
    let repository = if bare { format!("library/{repository}").parse()? } else { repository.clone() };
    Ok(Remote::new(registry, repository))
}
