//! `builder plan load`: what `bazel run` of a load target will do.

use anyhow::{Context as _, anyhow};
use blob::AtomicFile;
use oci::{ImageName, RegistryHost, Repository, Tag};
use plan::{Daemon, Load, Name, Operation, Original, Root, Strategy};
use serde::Deserialize;
use tool::{Failure, FailureContext as _, Outcome};

use super::content::Content;
use super::templates::Variables;
use crate::cli::PlanLoadArgs;
use crate::expansion::BuildSettings;
use crate::{documents, values};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Values {
    label: String,
    /// Of the target that says what the image is loaded into, if that is not the one with the label.
    #[serde(default)]
    spec: String,
    daemon: Daemon,
    #[serde(default)]
    registry: String,
    #[serde(default)]
    repository: String,
    #[serde(default)]
    tags: Vec<String>,
    strategy: Strategy,
    #[serde(default)]
    original: Option<Original>,
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

pub(crate) fn run(args: &PlanLoadArgs) -> Outcome {
    let values: Values = values::parse(&args.values)?;
    let name = values::with_spec(&values.label, &values.spec);
    build(args, values).map_err(|failure| values::named(&name, failure))
}

fn build(args: &PlanLoadArgs, values: Values) -> Outcome {
    let root = documents::read_descriptor(&args.root_descriptor)?;
    let mut content = Content::read(&args.entries, root.digest)?;
    let variables = Variables {
        stamp: &args.stamp,
        image_target_package: &values.image_target_package,
        image_target_name: &values.image_target_name,
        build_settings: &values.build_settings,
        digest: values.tracks_content.then_some(root.digest),
    };
    let name = name(args, &values, &variables)?;
    if let Some(path) = &args.names {
        AtomicFile::write(path, lines(&name)?.as_bytes())?;
    }
    content.plan.operations.push(Operation::Load(Load {
        name,
        label: values.label,
        strategy: values.strategy,
        daemon: values.daemon,
        root: Root { media_type: root.media_type, digest: root.digest, size: root.size },
        original: values.original,
    }));
    AtomicFile::write(&args.output, content.plan.to_json().as_bytes())?;
    Ok(())
}

/// What the image is called, each name or tag once, in the order in which they were given.
fn name(args: &PlanLoadArgs, values: &Values, variables: &Variables<'_>) -> Result<Name, Failure> {
    let given = variables.tags(&values.tags, &args.tag_file)?;
    let expansion = variables.expansion(&[])?;
    let registry = expansion.text("`registry`", &values.registry)?;
    let repository = expansion.text("`repository`", &values.repository)?;
    match (registry.is_empty(), repository.is_empty()) {
        (true, true) => Ok(Name::Whole(each_once(given, |text| Ok(text.parse::<ImageName>()?.to_string()))?)),
        (false, false) => {
            // Only checked: another spelling would be another name.
            registry.parse::<RegistryHost>().context("`registry`").or_usage()?;
            repository.parse::<Repository>().context("`repository`").or_usage()?;
            let tags = each_once(given, |text| Ok(text.parse::<Tag>()?.to_string()))?;
            Ok(Name::Parts { registry, repository, tags })
        }
        (no_registry, _) => {
            let (empty, other) =
                if no_registry { ("registry", "repository") } else { ("repository", "registry") };
            let error = anyhow!("`{empty}` is empty, but `{other}` is not");
            Err(Failure::usage(error).hint("write both, or neither and whole names into `tag`"))
        }
    }
}

fn each_once(
    given: Vec<(String, String)>,
    parse: impl Fn(&str) -> Result<String, oci::ReferenceError>,
) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    for (text, from) in given {
        let name = parse(&text).context(from).or_usage()?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

/// The whole names, one a line.
fn lines(name: &Name) -> Result<String, Failure> {
    let names = match name {
        Name::Whole(names) => names.clone(),
        Name::Parts { registry, repository, tags } if tags.is_empty() => {
            vec![format!("{registry}/{repository}").parse::<ImageName>()?.to_string()]
        }
        Name::Parts { registry, repository, tags } => {
            tags.iter().map(|tag| format!("{registry}/{repository}:{tag}")).collect()
        }
    };
    Ok(names.into_iter().map(|name| name + "\n").collect())
}
