//! `builder plan push`: what `bazel run` of a push target will do.

mod destination;
mod referrers;
mod tags;

use anyhow::anyhow;
use blob::AtomicFile;
use plan::{CrossMount, Deduplicate, Operation, Original, Push, Root, Source, Strategy};
use serde::Deserialize;
use tool::{Failure, Outcome};

use super::content::Content;
use super::templates::Variables;
use crate::cli::PlanPushArgs;
use crate::expansion::BuildSettings;
use crate::{documents, values};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Values {
    label: String,
    /// Of the target that says where to push to, if that is not the one with the label.
    #[serde(default)]
    spec: String,
    #[serde(default)]
    registry: String,
    #[serde(default)]
    repository: String,
    #[serde(default)]
    tags: Vec<String>,
    /// Tags of each image in an index.
    #[serde(default)]
    manifest_tags: Vec<String>,
    strategy: Strategy,
    #[serde(default)]
    original: Option<Original>,
    #[serde(default)]
    cross_mount: CrossMount,
    #[serde(default)]
    forbid_layer_push: bool,
    #[serde(default)]
    deduplicate: Option<Deduplicate>,
    /// Where the build puts layers; empty: into the destination, or nowhere.
    #[serde(default)]
    staging_repository: String,
    /// Where to push to instead of the destination's repository, in its registry.
    #[serde(default)]
    manifest_repository: String,
    /// Of the image: for templates. Everything else of that name wins.
    #[serde(default)]
    image_target_package: String,
    #[serde(default)]
    image_target_name: String,
    /// Whether templates may have the image's digest.
    #[serde(default)]
    tracks_content: bool,
    #[serde(default)]
    build_settings: BuildSettings,
}

pub(crate) fn run(args: &PlanPushArgs) -> Outcome {
    let values: Values = values::parse(&args.values)?;
    let name = values::with_spec(&values.label, &values.spec);
    build(args, values).map_err(|failure| values::named(&name, failure))
}

fn build(args: &PlanPushArgs, values: Values) -> Outcome {
    let root = documents::read_descriptor(&args.root_descriptor)?;
    let mut content = Content::read(&args.entries, root.digest)?;
    let referrers = referrers::check(&content, root.digest)?;
    let variables = Variables {
        stamp: &args.stamp,
        image_target_package: &values.image_target_package,
        image_target_name: &values.image_target_name,
        build_settings: &values.build_settings,
        digest: values.tracks_content.then_some(root.digest),
    };
    let tags = tags::of_the_root(&variables.tags(&values.tags, &args.tag_file)?)?;
    let of_manifests = tags::OfManifests { templates: &values.manifest_tags, variables: &variables };
    let manifest_tags = of_manifests.of(root.digest, &content, &tags)?;
    let to = destination::Destinations::new(args, &values, &variables)?;
    if let Some(path) = &args.destination {
        AtomicFile::write(path, to.of_blobs()?.as_bytes())?;
    }
    content.plan.operations.push(Operation::Push(Push {
        tags,
        manifest_tags,
        referrers,
        mount_from: mount_from(args)?,
        staging_repository: to.staging.map(|repository| repository.to_string()),
        forbid_layer_push: values.forbid_layer_push,
        deduplicate: deduplicate(values.deduplicate)?,
        label: values.label,
        strategy: values.strategy,
        registry: to.registry.to_string(),
        repository: to.repository.to_string(),
        root: Root { media_type: root.media_type, digest: root.digest, size: root.size },
        original: values.original,
        cross_mount: values.cross_mount,
    }));
    AtomicFile::write(&args.output, content.plan.to_json().as_bytes())?;
    Ok(())
}

/// How layers are sent once; the repository is one that a registry can have.
fn deduplicate(deduplicate: Option<Deduplicate>) -> Result<Option<Deduplicate>, Failure> {
    let pinned = deduplicate.as_ref().and_then(|deduplicate| deduplicate.repository.as_ref());
    if let Some(repository) = pinned {
        destination::repository(repository, "`deduplicated_push_blob_repository`")?;
    }
    Ok(deduplicate)
}

/// The destinations of other pushes.
fn mount_from(args: &PlanPushArgs) -> Result<Vec<Source>, Failure> {
    let mut sources = Vec::new();
    for path in &args.cross_mount_from {
        let plan = super::merge::read(path)?;
        if !plan.operations.iter().any(|operation| operation.as_push().is_some()) {
            let error = anyhow!("`cross_mount_from`: nothing is pushed by the plan `{}`", path.display());
            return Err(
                Failure::usage(error).hint("name an `image_push` target, or an image with `push_specs`")
            );
        }
        for push in plan.operations.iter().filter_map(Operation::as_push) {
            let source = Source { registry: push.registry.clone(), repository: push.repository.clone() };
            if !sources.contains(&source) {
                sources.push(source);
            }
        }
    }
    Ok(sources)
}
