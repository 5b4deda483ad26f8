//! A layout of documents only: what there is to know about an image without the bytes of its layers.

use std::path::Path;

use crate::index_file::to_json;
use crate::{Blob, Image, LayoutError, MARKER, blob_path};

/// Marks a folder as a sparse layout, so that nobody takes it for an OCI layout.
const SPARSE_MARKER: &str = "sparse-oci-layout";

/// Writes `root.descriptor.json`, the documents as blobs, and `<blob>.descriptor.json` for each layer.
pub fn write_sparse(image: &Image, folder: &Path) -> Result<(), LayoutError> {
    fs_err::create_dir_all(folder.join("blobs/sha256"))?;
    fs_err::write(folder.join(SPARSE_MARKER), MARKER.1)?;
    fs_err::write(folder.join("root.descriptor.json"), to_json(image.root()))?;
    for (digest, document) in image.documents()? {
        if let Blob::Bytes(bytes) = document {
            fs_err::write(folder.join(blob_path(digest)), bytes)?;
        }
    }
    for (digest, layer) in image.layers()? {
        fs_err::write(folder.join(format!("{}.descriptor.json", blob_path(digest))), to_json(layer))?;
    }
    Ok(())
}
