//! `builder plan push`: what `bazel run` of a push target will do.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, anyhow};
use blob::AtomicFile;
use oci::{Digest, Index, Manifest, RegistryHost, Repository, Tag, media_type};
use plan::{Blob, CrossMount, Kind, Operation, Original, Plan, Push, Root, Source, Strategy};
use serde::Deserialize;
use tool::{Failure, FailureContext as _, Outcome};

use crate::cli::PlanPushArgs;
use crate::expansion::{BuildSettings, Expansion};
use crate::{documents, entries, values};

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
    strategy: Strategy,
    #[serde(default)]
    original: Option<Original>,
    #[serde(default)]
    cross_mount: CrossMount,
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
    let name = match values.spec.as_str() {
        "" => values.label.clone(),
        spec => format!("{}: {spec}", values.label),
    };
    build(args, values).map_err(|failure| values::named(&name, failure))
}

fn build(args: &PlanPushArgs, values: Values) -> Outcome {
    let root = documents::read_descriptor(&args.root_descriptor)?;
    let mut plan = Plan::default();
    add_blobs(&mut plan, &args.entries)?;
    if !plan.blobs.contains_key(&root.digest) {
        let error = anyhow!("the plan lacks the document `{}` that is to be pushed", root.digest);
        return Err(error.into());
    }
    let expansion = expansion(args, &values, root.digest)?;
    let (registry, repository) = destination(args, &values, &expansion)?;
    plan.operations.push(Operation::Push(Push {
        tags: tags(args, &values.tags, &expansion)?,
        label: values.label,
        strategy: values.strategy,
        registry: registry.to_string(),
        repository: repository.to_string(),
        root: Root { media_type: root.media_type, digest: root.digest, size: root.size },
        original: values.original,
        cross_mount: values.cross_mount,
        manifest_tags: BTreeMap::new(),
        referrers: Vec::new(),
        mount_from: Vec::new(),
        staging_repository: None,
        forbid_layer_push: false,
        deduplicate: None,
    }));
    AtomicFile::write(&args.output, plan.to_json().as_bytes())?;
    Ok(())
}

/// What templates in registry, repository and tags may refer to.
fn expansion(args: &PlanPushArgs, values: &Values, digest: Digest) -> Result<Expansion, Failure> {
    let mut settings = BuildSettings::new();
    settings.insert("image_target_package".to_owned(), values.image_target_package.clone().into());
    settings.insert("image_target_name".to_owned(), values.image_target_name.clone().into());
    settings.extend(values.build_settings.clone());
    let mut expansion = Expansion::new(None, &args.stamp, &settings)?;
    if values.tracks_content {
        expansion.define("digest", &digest.to_string());
    }
    Ok(expansion)
}

/// Where to push, from the attributes or from a file with `registry/repository`.
fn destination(
    args: &PlanPushArgs,
    values: &Values,
    expansion: &Expansion,
) -> Result<(RegistryHost, Repository), Failure> {
    let (registry, repository, from) = if let Some(path) = &args.destination_file {
        let text = fs_err::read_to_string(path)?;
        let text = text.trim();
        let (registry, repository) = text
            .split_once('/')
            .ok_or_else(|| anyhow!("`{text}` in `{}` is not `registry/repository`", path.display()))
            .or_usage()?;
        (registry.to_owned(), repository.to_owned(), "destination_file")
    } else {
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
        repository.parse().context(attribute("repository")).or_usage()?,
    ))
}

/// The tags of the attribute and of files, each once, in the order in which they were given. A template that expands to
/// nothing is no tag.
fn tags(args: &PlanPushArgs, attribute: &[String], expansion: &Expansion) -> Result<Vec<String>, Failure> {
    let mut found: Vec<(String, String)> =
        attribute.iter().map(|tag| (tag.clone(), "`tag`".to_owned())).collect();
    for path in &args.tag_file {
        let text = fs_err::read_to_string(path)?;
        let from = format!("`tag_file` `{}`", path.display());
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        found.extend(lines.map(|line| (line.to_owned(), from.clone())));
    }
    let mut tags: Vec<String> = Vec::new();
    for (template, from) in found {
        let tag = expansion.text(&from, &template)?;
        if tag.is_empty() && !template.is_empty() {
            continue;
        }
        let tag: Tag = tag.parse().context(from).or_usage()?;
        if !tags.iter().any(|known| known == tag.as_str()) {
            tags.push(tag.to_string());
        }
    }
    Ok(tags)
}

/// Reads the list of documents and layers.
fn add_blobs(plan: &mut Plan, list: &Path) -> Outcome {
    // Only a manifest knows what its configuration is.
    let mut config_types: BTreeMap<Digest, String> = BTreeMap::new();
    let mut configs = Vec::new();
    for fields in entries::read_fields(list)? {
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        match fields.as_slice() {
            ["manifest", file, runfile] => {
                let (manifest, bytes) = documents::read_manifest(Path::new(file))?;
                config_types.insert(manifest.config.digest, manifest.config.media_type);
                let media_type = manifest.media_type.as_deref().unwrap_or(media_type::OCI_MANIFEST);
                add_document(plan, Kind::Manifest, media_type, &bytes, runfile);
            }
            ["index", file, runfile] => {
                let bytes = documents::read(Path::new(file), oci::MAX_MANIFEST_SIZE)?;
                let index: Index =
                    serde_json::from_slice(&bytes).about(format!("`{file}` is not an image index"))?;
                let media_type = index.media_type.as_deref().unwrap_or(media_type::OCI_INDEX);
                add_document(plan, Kind::Index, media_type, &bytes, runfile);
            }
            ["config", file, runfile] => {
                configs
                    .push((documents::read(Path::new(file), oci::MAX_CONFIG_SIZE)?, (*runfile).to_owned()));
            }
            ["layer", file, runfile, label] => add_layer(plan, Path::new(file), runfile, label)?,
            ["base-layers", file, sources] => add_base_layers(plan, Path::new(file), sources)?,
            _ => {
                let error =
                    anyhow!("`{}` in `{}` is not an entry of a plan", fields.join(" "), list.display());
                return Err(Failure::usage(error));
            }
        }
    }
    for (bytes, runfile) in configs {
        let known = config_types.get(&blob::digest_of(&bytes)).map(String::as_str);
        add_document(plan, Kind::Config, known.unwrap_or(media_type::OCI_CONFIG), &bytes, &runfile);
    }
    Ok(())
}

fn given(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

fn add_document(plan: &mut Plan, kind: Kind, media_type: &str, bytes: &[u8], path: &str) {
    let descriptor = documents::describe(media_type, bytes);
    let blob = Blob {
        media_type: descriptor.media_type,
        size: descriptor.size,
        kind,
        runfile: given(path),
        label: None,
        sources: Vec::new(),
    };
    plan.add_blob(descriptor.digest, blob);
}

fn add_layer(plan: &mut Plan, metadata: &Path, path: &str, label: &str) -> Outcome {
    let layer = documents::read_layer(metadata)?.descriptor();
    let blob = Blob {
        media_type: layer.media_type,
        size: layer.size,
        kind: Kind::Layer,
        runfile: given(path),
        label: given(label),
        sources: Vec::new(),
    };
    plan.add_blob(layer.digest, blob);
    Ok(())
}

fn add_base_layers(plan: &mut Plan, manifest: &Path, sources: &str) -> Outcome {
    let sources: Vec<Source> =
        serde_json::from_str(sources).context(format!("`{sources}` is not a list of sources")).or_usage()?;
    let (manifest, _): (Manifest, _) = documents::read_manifest(manifest)?;
    // Nobody reads the config of an attestation before it is pushed on, so it may not be part of the build.
    let config = std::iter::once((Kind::Config, manifest.config));
    for (kind, descriptor) in config.chain(manifest.layers.into_iter().map(|layer| (Kind::Layer, layer))) {
        let blob = Blob {
            media_type: media_type::oci_layer(&descriptor.media_type).to_owned(),
            size: descriptor.size,
            kind,
            runfile: None,
            label: None,
            sources: sources.clone(),
        };
        plan.add_blob(descriptor.digest, blob);
    }
    Ok(())
}
