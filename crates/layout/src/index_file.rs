//! `index.json` of an OCI layout (image specification, "index.json file").

use oci::{Descriptor, Index, media_type};

use crate::{Image, LayoutError};

/// For an image for several platforms, its index as it is; else an index with one entry. (An index of Docker's type
/// is no OCI index, so it gets an entry, too.)
pub(crate) fn of_layout(image: &Image) -> Result<Vec<u8>, LayoutError> {
    match image.root_index() {
        Some(index)
            if index.media_type.as_deref().unwrap_or(media_type::OCI_INDEX) == media_type::OCI_INDEX =>
        {
            Ok(image.root_bytes()?.to_vec())
        }
        _ => Ok(of_entries(vec![image.root().clone()])),
    }
}

/// An index with these entries, indented.
pub(crate) fn of_entries(manifests: Vec<Descriptor>) -> Vec<u8> {
    to_json(&Index::of(manifests))
}

/// Indented by two spaces, without a newline at the end.
pub(crate) fn to_json(document: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec_pretty(document).expect("strings, numbers and maps with string keys always serialize")
}
