//! Where a push goes, and where the build puts its layers before.

use anyhow::{Context as _, anyhow};
use oci::{RegistryHost, Repository};
use serde::Serialize;
use tool::{Failure, FailureContext as _};

use super::super::templates::Variables;
use super::Values;
use crate::cli::PlanPushArgs;

/// One registry, and the repositories in it.
pub(super) struct Destinations {
    pub(super) registry: RegistryHost,
    /// Where the image goes.
    pub(super) repository: Repository,
    /// Where the build puts layers, if it is another repository.
    pub(super) staging: Option<Repository>,
    /// What the attributes name, whatever is said about manifests.
    named: Repository,
}

#[derive(Serialize)]
struct OfBlobs<'a> {
    registry: String,
    repository: &'a str,
}

impl Destinations {
    /// Reads attributes or files, and fills in templates.
    pub(super) fn new(
        args: &PlanPushArgs,
        values: &Values,
        variables: &Variables<'_>,
    ) -> Result<Self, Failure> {
        let (registry, named) = named(args, values, variables)?;
        let optional = |name: &str, attribute: &str| {
            (!name.is_empty()).then(|| repository(name, &format!("`{attribute}`"))).transpose()
        };
        let staging = optional(&values.staging_repository, "push_at_build_time_blob_repository")?;
        let instead = optional(&values.manifest_repository, "push_at_build_time_manifest_repository")?;
        Ok(Self { registry, repository: instead.unwrap_or_else(|| named.clone()), staging, named })
    }

    /// Where the build puts blobs, as JSON. It changes less often than the plan, so that blobs are not put again for each new
    /// tag.
    pub(super) fn of_blobs(&self) -> Result<String, Failure> {
        let repository = self.staging.as_ref().unwrap_or(&self.named).as_str();
        let registry = self.registry.to_string();
        Ok(serde_json::to_string(&OfBlobs { registry, repository })? + "\n")
    }
}

/// A repository that an attribute names.
pub(super) fn repository(name: &str, attribute: &str) -> Result<Repository, Failure> {
    name.parse().context(attribute.to_owned()).or_usage()
}

/// Where to push, from the attributes or from a file with `registry/repository`.
fn named(
    args: &PlanPushArgs,
    values: &Values,
    variables: &Variables<'_>,
) -> Result<(RegistryHost, Repository), Failure> {
    let (registry, repository, from) = if let Some(path) = &args.destination_file {
        let text = fs_err::read_to_string(path)?;
        let text = text.trim();
        let (registry, repository) = text
            .split_once('/')
            .ok_or_else(|| anyhow!("`{text}` in `{}` is not `registry/repository`", path.display()))
            .or_usage()?;
        (registry.trim().to_owned(), repository.trim().to_owned(), "destination_file")
    } else {
        let expansion = variables.expansion(&[])?;
        let registry = expansion.text("`registry`", &values.registry)?;
        (registry, expansion.text("`repository`", &values.repository)?, "")
    };
    let attribute =
        |name: &str| if from.is_empty() { format!("`{name}`") } else { format!("{name} in `{from}`") };
    if registry.is_empty() {
        let error = anyhow!("{} is empty", attribute("registry"));
        return Err(Failure::usage(error)
            .hint("set `registry`, or `--@rules_img//img/settings:destination_registry` for all targets"));
    }
    if repository.is_empty() {
        return Err(Failure::usage(anyhow!("{} is empty", attribute("repository"))).hint("set `repository`"));
    }
    Ok((
        registry.parse().context(attribute("registry")).or_usage()?,
        self::repository(&repository, &attribute("repository"))?,
    ))
}
