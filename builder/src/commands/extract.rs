//! `builder extract`: configurations and listings of all images in an OCI layout, for checks that need no layer.

use std::path::Path;

use ::layer::ListingStyle;
use ::layout::extract::{Extracted, LIST};
use ::layout::listing::{self, Arrangement};
use ::layout::{Layout, StoredImage};
use anyhow::{Context as _, anyhow};
use oci::config::ImageConfig;
use serde::Deserialize;
use tool::{Failure, FailureContext as _, Outcome};

use super::stored_layer;
use crate::cli::ExtractArgs;
use crate::{documents, values};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Values {
    label: String,
}

pub(crate) fn run(args: &ExtractArgs) -> Outcome {
    let values: Values = values::parse(&args.values)?;
    build(args).map_err(|failure| values::named(&values.label, failure))
}

fn build(args: &ExtractArgs) -> Outcome {
    let layout = Layout::open(&args.layout)?;
    let about = || format!("OCI layout `{}`", args.layout.display());
    let images = layout.images().about(about())?;
    if images.is_empty() {
        return Err(Failure::new(anyhow!("it has no container image at all")).context(about()));
    }
    fs_err::create_dir_all(&args.output)?;
    let mut extracted = Vec::new();
    for (position, image) in images.iter().enumerate() {
        let name = name_of(image);
        extracted.push(
            extract(&layout, image, &name, position, args)
                .map_err(|failure| failure.context(format!("the image for `{name}`")))?,
        );
    }
    fs_err::write(args.output.join(LIST), documents::to_json(&extracted)?)?;
    Ok(())
}

fn name_of(image: &StoredImage) -> String {
    let platform = image.descriptor.platform.as_ref().map(ToString::to_string);
    platform.unwrap_or_else(|| image.descriptor.digest.to_string())
}

fn extract(
    layout: &Layout,
    image: &StoredImage,
    name: &str,
    position: usize,
    args: &ExtractArgs,
) -> Result<Extracted, Failure> {
    let config: ImageConfig =
        serde_json::from_slice(&image.config).context("its configuration is not one")?;
    let mut layers = Vec::new();
    let mut complete = true;
    for (number, layer) in image.manifest.layers.iter().enumerate() {
        let Some(format) = stored_layer::format(layer) else {
            complete = false;
            continue;
        };
        let diff_id = config.rootfs.diff_ids.get(number).copied();
        let about = format!("layer {number}");
        let (path, _, listed) = stored_layer::read(layout, layer, diff_id, (format, args.allow_any_ratio))
            .map_err(|failure| failure.context(about))?;
        let text = listed.render(&ListingStyle::default());
        layers.push(listing::parse(&path.display().to_string(), &text)?);
    }
    let (config, listing) = (format!("{position}_config.json"), format!("{position}.mtree"));
    write(&args.output, &config, &image.config)?;
    write(&args.output, &listing, listing::merge(&layers, Arrangement::Files).as_bytes())?;
    Ok(Extracted { platform: name.to_owned(), config, listing, complete })
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> Outcome {
    Ok(fs_err::write(folder.join(name), bytes)?)
}
