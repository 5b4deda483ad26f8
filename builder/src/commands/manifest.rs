//! `builder manifest`: layers, and what is inherited from a base, become an image.

use anyhow::anyhow;
use layer::Timestamp;
use oci::config::{Fragment, ImageConfig, RuntimeChanges};
use oci::{Annotations, Descriptor, Manifest, Platform, media_type};
use serde::Deserialize;
use tool::{Failure, FailureContext as _, Outcome};

use crate::base_image::BaseImage;
use crate::cli::ManifestArgs;
use crate::documents::{self, Root};
use crate::expansion::{BuildSettings, Expansion};
use crate::{kv_file, values};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Values {
    label: String,
    os: String,
    architecture: String,
    variant: String,
    env: Annotations,
    layer_env: Annotations,
    entrypoint: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
    user: Option<String>,
    working_dir: Option<String>,
    stop_signal: Option<String>,
    labels: Annotations,
    annotations: Annotations,
    base_name: String,
    config_media_type: String,
    artifact_type: String,
    created_timestamp: String,
    build_settings: BuildSettings,
}

pub(crate) fn run(args: &ManifestArgs) -> Outcome {
    let values: Values = values::parse(&args.values)?;
    let label = values.label.clone();
    build(args, &values).map_err(|failure| values::named(&label, failure))
}

fn build(args: &ManifestArgs, values: &Values) -> Outcome {
    let base = BaseImage::of(&args.templates)?;
    let expansion = Expansion::new(base.as_ref(), &args.templates.stamp, &values.build_settings)?;
    let mut image = Image { layers: Vec::new(), config: ImageConfig::default() };
    if let Some(base) = &base {
        image.layers.extend(base.layers());
        image.config = base.config.clone();
    }
    let foreign =
        !values.config_media_type.is_empty() && !media_type::is_image_config(&values.config_media_type);
    let (config, config_bytes) = if foreign {
        add_layers(&mut image, args, false)?;
        foreign_config(args, values)?
    } else {
        lay_over(&mut image.config, args, values)?;
        image.config.apply(&changes(args, values, &expansion)?);
        image.config.created = created(args, values, &expansion)?;
        add_layers(&mut image, args, values.artifact_type.is_empty())?;
        let bytes = image.config.to_json();
        let config_type = Some(values.config_media_type.as_str()).filter(|text| !text.is_empty());
        (documents::describe(config_type.unwrap_or(media_type::OCI_CONFIG), &bytes), bytes)
    };
    let artifact_type = Some(values.artifact_type.clone()).filter(|text| !text.is_empty());
    let manifest = Manifest {
        schema_version: 2,
        media_type: Some(media_type::OCI_MANIFEST.to_owned()),
        artifact_type: artifact_type.clone(),
        config,
        layers: image.layers,
        subject: documents::read_subject(args.subject_descriptor.as_deref())?,
        annotations: annotations(args, values, base.as_ref(), &expansion)?,
    };
    let bytes = documents::to_json(&manifest)?;
    let mut descriptor = documents::describe(media_type::OCI_MANIFEST, &bytes);
    descriptor.annotations = manifest.annotations;
    descriptor.artifact_type = artifact_type;
    descriptor.platform = (!foreign).then(|| image.config.platform());
    Root { bytes: &bytes, descriptor }.write_manifest(&config_bytes, &args.outputs)
}

struct Image {
    layers: Vec<Descriptor>,
    config: ImageConfig,
}

/// Adds the layers of this image on top of those of its base.
fn add_layers(image: &mut Image, args: &ManifestArgs, need_diff_ids: bool) -> Outcome {
    for path in &args.layer {
        let layer = documents::read_layer(path)?;
        if layer.diff_id.is_none() && need_diff_ids {
            let error = anyhow!(
                "the layer described in `{}` has no diff id, so it cannot be unpacked",
                path.display()
            );
            return Err(Failure::new(error)
                .hint("if it is a tar, set `diff_id = True` at its `layer_from_file`")
                .hint(
                    "if the image is no container image, give it a `config_media_type` or an `artifact_type`",
                ));
        }
        image.config.add_layer(layer.diff_id, &layer.history);
        image.layers.push(layer.descriptor());
    }
    Ok(())
}

/// Fragment and platform, in this order.
fn lay_over(config: &mut ImageConfig, args: &ManifestArgs, values: &Values) -> Outcome {
    let platform = Platform::new(values.os.as_str(), values.architecture.as_str(), &values.variant);
    if let Some(path) = &args.config_fragment {
        let about = || format!("`config_fragment` `{}`", path.display());
        let fragment = Fragment::parse(&documents::read(path, oci::MAX_CONFIG_SIZE)?).about(about())?;
        fragment.check_platform(&platform).about(about())?;
        config.apply_fragment(fragment);
    }
    let failure = config.set_platform(&platform).or_hint(
        "choose a base that has the platform, or build for the base's with `--platforms` or the attribute `platform`",
    );
    failure.map_err(|failure| match &args.templates.base_manifest {
        Some(path) => failure.context(format!("on base image `{}`", path.display())),
        None => failure,
    })
}

/// What layers and the rule say, with the placeholders filled in.
fn changes(args: &ManifestArgs, values: &Values, expansion: &Expansion) -> Result<RuntimeChanges, Failure> {
    let mut env = values.layer_env.clone();
    env.extend(expansion.map("env", values.env.clone())?);
    let mut templates = values.labels.clone();
    for path in &args.label_file {
        templates.extend(kv_file::read(Some(path))?);
    }
    let mut labels = kv_file::read(args.additional_labels_file.as_deref())?;
    labels.extend(expansion.map("labels", templates)?);
    Ok(RuntimeChanges {
        file_env: kv_file::read(args.env_file.as_deref())?,
        env,
        entrypoint: values.entrypoint.clone(),
        cmd: values.cmd.clone(),
        user: values.user.clone(),
        working_dir: values.working_dir.clone(),
        stop_signal: values.stop_signal.clone(),
        labels,
    })
}

/// When the image was made: as a file or the rule says; nothing is known of it otherwise.
fn created(args: &ManifestArgs, values: &Values, expansion: &Expansion) -> Result<Option<String>, Failure> {
    let (about, text) = if let Some(path) = &args.created_file {
        let about = format!("`created` `{}`", path.display());
        let text = documents::read_text(path)?.trim().to_owned();
        if text.is_empty() {
            let error = anyhow!("the file is empty; expected a time");
            return Err(Failure::usage(error)
                .context(about)
                .hint("write a time such as `2024-02-29T12:00:00Z` into it, or leave out `created`"));
        }
        (about, text)
    } else {
        let about = "`created_timestamp`".to_owned();
        let text = expansion.text(&about, &values.created_timestamp)?.trim().to_owned();
        (about, text)
    };
    if text.is_empty() {
        return Ok(None);
    }
    text.parse::<Timestamp>().or_usage().about(about)?;
    Ok(Some(text))
}

/// A configuration of another kind is taken byte for byte.
fn foreign_config(args: &ManifestArgs, values: &Values) -> Result<(Descriptor, Vec<u8>), Failure> {
    let kind = values.config_media_type.as_str();
    match &args.config_fragment {
        Some(path) => {
            let bytes = documents::read(path, oci::MAX_CONFIG_SIZE)?;
            Ok((documents::describe(kind, &bytes), bytes))
        }
        None if kind == media_type::OCI_EMPTY => {
            let mut descriptor = documents::describe(kind, b"{}");
            descriptor.data = Some(media_type::OCI_EMPTY_DATA.to_owned());
            Ok((descriptor, b"{}".to_vec()))
        }
        None => {
            let error = anyhow!("`config_media_type` is `{kind}`, but there is no `config_fragment`");
            let hint =
                format!("set `config_fragment` to the configuration, or use `{}`", media_type::OCI_EMPTY);
            Err(Failure::usage(error).hint(hint))
        }
    }
}

/// What the image says about its base, unless the user says something else.
fn annotations(
    args: &ManifestArgs,
    values: &Values,
    base: Option<&BaseImage>,
    expansion: &Expansion,
) -> Result<Annotations, Failure> {
    let mut annotations = Annotations::new();
    if let Some(base) = base {
        if !values.base_name.is_empty() {
            annotations.insert("org.opencontainers.image.base.name".to_owned(), values.base_name.clone());
        }
        annotations.insert("org.opencontainers.image.base.digest".to_owned(), base.digest.to_string());
    }
    let typed = documents::annotations(values.annotations.clone(), args.annotations_file.as_deref())?;
    annotations.extend(expansion.map("annotations", typed)?);
    Ok(annotations)
}
