//! An OCI layout as a folder.

use std::path::Path;

use crate::{Blob, Image, LayoutError, MARKER, MissingBlobs, blob_path, index_file};

/// Writes a layout into a folder, which may exist already if it is empty.
///
/// Files are copied, which costs nothing where the file system shares their bytes. Their sizes are compared; whoever
/// made them knows their digests.
pub fn write_directory(image: &Image, folder: &Path, missing: MissingBlobs) -> Result<(), LayoutError> {
    let blobs = image.blobs(missing)?;
    fs_err::create_dir_all(folder.join("blobs/sha256"))?;
    fs_err::write(folder.join(MARKER.0), MARKER.1)?;
    let index = index_file::of_layout(image)?;
    // The index of several platforms is `index.json`; a blob of it would be a second one.
    let root_is_index = blob::digest_of(&index) == image.root().digest;
    fs_err::write(folder.join("index.json"), index)?;
    for (digest, blob) in blobs {
        if root_is_index && digest == image.root().digest {
            continue;
        }
        let path = folder.join(blob_path(digest));
        match blob {
            Blob::Bytes(bytes) => fs_err::write(path, bytes)?,
            Blob::Elsewhere(_) => return Err(LayoutError::Missing(vec![digest])),
            Blob::File(source, size) => {
                let found = fs_err::copy(source, path)?;
                if found != *size {
                    let source_error = if found < *size {
                        blob::Mismatch::Short { digest, expected: *size, found }
                    } else {
                        blob::Mismatch::Long { digest, expected: *size }
                    };
                    return Err(LayoutError::Blob { path: source.clone(), source: source_error });
                }
            }
        }
    }
    Ok(())
}
