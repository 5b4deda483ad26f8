//! A layer in an OCI layout, checked against what the image says of it.

use std::path::PathBuf;

use ::layer::import::list;
use ::layer::{Archive, Format, Listing, Written};
use ::layout::Layout;
use anyhow::anyhow;
use oci::{Descriptor, DiffId, media_type};
use tool::Failure;

/// How a layer of this media type is compressed; `None` if it is no tar archive.
pub(super) fn format(layer: &Descriptor) -> Option<Format> {
    match media_type::oci_layer(&layer.media_type) {
        media_type::OCI_LAYER => Some(Format::None),
        media_type::OCI_LAYER_GZIP => Some(Format::Gzip),
        media_type::OCI_LAYER_ZSTD => Some(Format::Zstd),
        _ => None,
    }
}

/// Reads a layer whole: its file, what it is, and what is in it. Digest, size and diff id must be those of the image.
pub(super) fn read(
    layout: &Layout,
    layer: &Descriptor,
    diff_id: Option<DiffId>,
    (format, any_ratio): (Format, bool),
) -> Result<(PathBuf, Written, Listing), Failure> {
    let path = layout.blob(layer.digest);
    let archive = Archive { any_ratio, ..Archive::new(&path, format) };
    let (written, listing) = list(archive).map_err(super::layer_failure)?;
    if (written.blob.digest, written.blob.size) != (layer.digest, layer.size) {
        let error =
            anyhow!("`{}` is not the blob that the manifest names, `{}`", path.display(), layer.digest);
        return Err(error.into());
    }
    if diff_id.is_some_and(|expected| expected != written.blob.diff_id) {
        let error =
            anyhow!("its diff id is `{}`, but the configuration says another one", written.blob.diff_id);
        return Err(error.into());
    }
    Ok((path, written, listing))
}
