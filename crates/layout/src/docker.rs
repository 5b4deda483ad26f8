//! What `docker load` wants beside an OCI layout, and the names under which both kinds of readers find the image.

use oci::{Descriptor, ImageName, Manifest, Platform};
use serde::Serialize;

use crate::index_file::to_json;
use crate::{Image, LayoutError, blob_path};

/// The full reference with a registry, where containerd looks, and docker where it keeps its images there.
const CONTAINERD_NAME: &str = "io.containerd.image.name";
/// The reference as it was typed, where Apple's containerization looks.
const CONTAINERIZATION_NAME: &str = "com.apple.containerization.image.name";
/// The full reference or only its tag (image specification, "Pre-Defined Annotation Keys").
const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// Names of an image in an archive.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Full references, e.g. `localhost/app:latest`.
    pub names: Vec<String>,
    /// Whether `org.opencontainers.image.ref.name` is only the tag.
    pub ref_name_is_tag: bool,
    /// Whether podman will read it: it takes the name where containerd looks, and completes it in its own way.
    pub for_podman: bool,
    /// Of an image for several platforms, the one that readers get who know only one.
    pub platform: Option<Platform>,
}

/// An entry of `manifest.json`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Entry<'a> {
    config: String,
    repo_tags: &'a [String],
    layers: Vec<String>,
}

/// An entry of `index.json` for each name.
pub(crate) fn index_entries(image: &Image, names: &Names) -> Vec<Descriptor> {
    let entries = names.names.iter().map(|name| {
        let mut descriptor = image.root().clone();
        let tag = name.rsplit_once(':').map_or("latest", |(_, tag)| tag);
        let full = name.parse::<ImageName>().ok().filter(|_| !names.for_podman);
        let full = full.map_or_else(|| name.clone(), |name| name.full());
        let ref_name = if names.ref_name_is_tag { tag } else { name };
        for (key, value) in
            [(CONTAINERD_NAME, full.as_str()), (CONTAINERIZATION_NAME, name), (REF_NAME, ref_name)]
        {
            descriptor.annotations.insert(key.to_owned(), value.to_owned());
        }
        descriptor
    });
    let entries: Vec<_> = entries.collect();
    if entries.is_empty() { vec![image.root().clone()] } else { entries }
}

/// `manifest.json`: one image for one platform.
pub(crate) fn manifest_file(image: &Image, names: &Names) -> Result<Vec<u8>, LayoutError> {
    let entries: Vec<Entry<'_>> = default_image(image, names.platform.as_ref())
        .map(|manifest| Entry {
            config: blob_path(manifest.config.digest),
            repo_tags: &names.names,
            layers: manifest.layers.iter().map(|layer| blob_path(layer.digest)).collect(),
        })
        .into_iter()
        .collect();
    image.root_bytes()?;
    Ok(to_json(&entries))
}

/// The image for the platform, or for the nearest one, or the first one.
fn default_image<'a>(image: &'a Image, wanted: Option<&Platform>) -> Option<&'a Manifest> {
    let images = image.images();
    let matches = |descriptor: &Descriptor, variant: bool| {
        let (Some(wanted), Some(found)) = (wanted, &descriptor.platform) else { return false };
        found.os == wanted.os
            && found.architecture == wanted.architecture
            && (!variant || found.variant == wanted.variant)
    };
    let best = images
        .iter()
        .find(|(descriptor, _)| matches(descriptor, true))
        .or_else(|| images.iter().find(|(descriptor, _)| matches(descriptor, false)))
        .or_else(|| images.first());
    best.map(|(_, manifest)| *manifest)
}
