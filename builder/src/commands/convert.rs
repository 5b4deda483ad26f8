//! `builder convert`: images are taken out of an OCI layout.

use std::path::{Path, PathBuf};

use ::layer::{LayerMetadata, ListingStyle};
use ::layout::{Layout, StoredImage};
use anyhow::{Context as _, anyhow};
use blob::AtomicFile;
use oci::config::ImageConfig;
use oci::{Descriptor, Index, Platform, media_type};
use serde::Deserialize;
use tool::{Failure, FailureContext as _, Outcome};

use super::stored_layer;
use crate::cli::ConvertArgs;
use crate::documents::{self, Root};
use crate::{entries, values};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Values {
    label: String,
}

pub(crate) fn run(args: &ConvertArgs) -> Outcome {
    let values: Values = values::parse(&args.values)?;
    build(args).map_err(|failure| values::named(&values.label, failure))
}

fn build(args: &ConvertArgs) -> Outcome {
    let layout = Layout::open(&args.layout)?;
    let images = layout.images().about(format!("OCI layout `{}`", args.layout.display()))?;
    let mut descriptors = Vec::new();
    for wanted in read_wanted(&args.entries, args.allow_any_ratio)? {
        let image = choose(&images, &wanted.platform)?;
        let about = || format!("the image for `{}`", wanted.platform);
        extract(&layout, image, &wanted).map_err(|failure| failure.context(about()))?;
        descriptors.push(image.descriptor.clone());
    }
    let root = descriptors.first().map(|descriptor| descriptor.digest);
    match (&args.index, &args.index_descriptor) {
        (Some(index), Some(descriptor)) => write_index(descriptors, index, descriptor, &args.digest),
        _ => match root {
            Some(digest) => Ok(AtomicFile::write(&args.digest, digest.to_string().as_bytes())?),
            None => Err(Failure::usage(anyhow!("no image is asked for"))),
        },
    }
}

/// An image that is asked for, and where its parts go.
struct Wanted {
    platform: Platform,
    manifest: PathBuf,
    config: PathBuf,
    descriptor: PathBuf,
    layers: Vec<WantedLayer>,
}

struct WantedLayer {
    media_type: String,
    blob: PathBuf,
    metadata: PathBuf,
    listing: PathBuf,
    any_ratio: bool,
}

fn read_wanted(list: &Path, any_ratio: bool) -> Result<Vec<Wanted>, Failure> {
    let mut wanted: Vec<Wanted> = Vec::new();
    for fields in entries::read_fields(list)? {
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        match (fields.as_slice(), wanted.last_mut()) {
            (["manifest", platform, manifest, config, descriptor], _) => wanted.push(Wanted {
                platform: platform.parse().or_usage()?,
                manifest: manifest.into(),
                config: config.into(),
                descriptor: descriptor.into(),
                layers: Vec::new(),
            }),
            (["layer", media_type, blob, metadata, listing], Some(image)) => image.layers.push(WantedLayer {
                media_type: (*media_type).to_owned(),
                blob: blob.into(),
                metadata: metadata.into(),
                listing: listing.into(),
                any_ratio,
            }),
            _ => {
                let error = anyhow!("`{}` in `{}` is not an entry", fields.join(" "), list.display());
                return Err(Failure::usage(error));
            }
        }
    }
    Ok(wanted)
}

fn choose<'a>(images: &'a [StoredImage], wanted: &Platform) -> Result<&'a StoredImage, Failure> {
    let platform = |image: &StoredImage| image.descriptor.platform.clone();
    let fits = |image: &&StoredImage| {
        platform(image).is_some_and(|found| {
            (found.os, found.architecture, found.variant)
                == (wanted.os.clone(), wanted.architecture.clone(), wanted.variant.clone())
        })
    };
    images.iter().find(fits).ok_or_else(|| {
        let found: Vec<String> =
            images.iter().filter_map(platform).map(|platform| platform.to_string()).collect();
        let hint = match found.as_slice() {
            [] => "it has no container image at all".to_owned(),
            found => format!("it has images for {}", found.join(", ")),
        };
        Failure::new(anyhow!("the layout has no image for `{wanted}`")).hint(hint)
    })
}

fn extract(layout: &Layout, image: &StoredImage, wanted: &Wanted) -> Outcome {
    let layers = &image.manifest.layers;
    if layers.len() != wanted.layers.len() {
        let error = anyhow!("it has {} layers, but `layers` names {}", layers.len(), wanted.layers.len());
        let types: Vec<&str> = layers.iter().map(|layer| media_type::oci_layer(&layer.media_type)).collect();
        return Err(
            Failure::usage(error).hint(format!("the media types of its layers are {}", types.join(", ")))
        );
    }
    let config: ImageConfig =
        serde_json::from_slice(&image.config).context("its configuration is not one")?;
    for (position, (layer, wanted)) in layers.iter().zip(&wanted.layers).enumerate() {
        let about = format!("layer {position}");
        extract_layer(layout, layer, config.rootfs.diff_ids.get(position).copied(), wanted)
            .map_err(|failure| failure.context(about))?;
    }
    AtomicFile::write(&wanted.manifest, &image.manifest_bytes)?;
    AtomicFile::write(&wanted.config, &image.config)?;
    AtomicFile::write(&wanted.descriptor, &documents::to_json(&image.descriptor)?)?;
    Ok(())
}

fn extract_layer(
    layout: &Layout,
    layer: &Descriptor,
    diff_id: Option<oci::DiffId>,
    wanted: &WantedLayer,
) -> Outcome {
    let found = media_type::oci_layer(&layer.media_type);
    if found != wanted.media_type {
        let error = anyhow!("its media type is `{found}`, but `layers` says `{}`", wanted.media_type);
        return Err(Failure::usage(error).hint(format!("write `{found}` in its place in `layers`")));
    }
    let Some(format) = stored_layer::format(layer) else {
        return Err(anyhow!("`{found}` is no tar archive").into());
    };
    let (path, written, listing) = stored_layer::read(layout, layer, diff_id, (format, wanted.any_ratio))?;
    fs_err::copy(&path, &wanted.blob)?;
    let metadata = LayerMetadata {
        diff_id: Some(written.blob.diff_id),
        media_type: found.to_owned(),
        digest: layer.digest,
        size: layer.size,
        annotations: layer.annotations.clone(),
        history: Vec::new(),
    };
    AtomicFile::write(&wanted.metadata, metadata.to_json().as_bytes())?;
    AtomicFile::write(&wanted.listing, listing.render(&ListingStyle::default()).as_bytes())?;
    Ok(())
}

fn write_index(manifests: Vec<Descriptor>, index: &Path, descriptor: &Path, digest: &Path) -> Outcome {
    let bytes = documents::to_json(&Index::of(manifests))?;
    Root { bytes: &bytes, descriptor: documents::describe(media_type::OCI_INDEX, &bytes) }
        .write(index, descriptor, digest)
}
