//! An OCI layout as a tar archive.

use std::io::{self, Read, Write};
use std::path::Path;

use blob::VerifyingReader;
use oci::Digest;

use crate::docker::{self, Names};
use crate::{Blob, Image, LayoutError, MARKER, MissingBlobs, blob_path, index_file};

/// How an archive is written.
#[derive(Clone, Debug, Default)]
pub struct Archive {
    /// Names of the image, for `docker load`; `None` writes a plain OCI layout.
    pub names: Option<Names>,
    /// What to do about missing blobs.
    pub missing: MissingBlobs,
}

/// Writes a layout as a tar archive: two folders, the marker, the index, maybe `manifest.json`, then blobs by path.
/// Digests are compared as the bytes pass by.
pub fn write_archive(image: &Image, options: &Archive, output: &mut impl Write) -> Result<(), LayoutError> {
    let mut blobs = image.blobs(options.missing)?;
    let mut documents = vec![(MARKER.0, MARKER.1.to_vec())];
    if let Some(names) = &options.names {
        documents.push(("index.json", index_file::of_entries(docker::index_entries(image, names))));
        documents.push(("manifest.json", docker::manifest_file(image, names)?));
    } else {
        let index = index_file::of_layout(image)?;
        if blob::digest_of(&index) == image.root().digest {
            blobs.remove(&image.root().digest);
        }
        documents.push(("index.json", index));
    }
    let mut tar = tar::Builder::new(output);
    for folder in ["blobs/", "blobs/sha256/"] {
        tar.append_data(&mut header(tar::EntryType::Directory, 0o755, 0), folder, io::empty())?;
    }
    for (name, bytes) in &documents {
        append_bytes(&mut tar, name, bytes)?;
    }
    for (digest, blob) in blobs {
        match blob {
            Blob::Bytes(bytes) => append_bytes(&mut tar, &blob_path(digest), bytes)?,
            Blob::File(path, size) => append_file(&mut tar, path, digest, *size)?,
        }
    }
    tar.finish()?;
    Ok(())
}

fn header(kind: tar::EntryType, mode: u32, size: u64) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}

fn append_bytes(tar: &mut tar::Builder<impl Write>, name: &str, bytes: &[u8]) -> io::Result<()> {
    tar.append_data(&mut header(tar::EntryType::Regular, 0o644, bytes.len() as u64), name, bytes)
}

fn append_file(
    tar: &mut tar::Builder<impl Write>,
    path: &Path,
    digest: Digest,
    size: u64,
) -> Result<(), LayoutError> {
    let failed = |error: io::Error| match error.downcast::<blob::Mismatch>() {
        Ok(source) => LayoutError::Blob { path: path.to_owned(), source },
        Err(error) => LayoutError::Io(error),
    };
    let file = fs_err::File::open(path)?;
    let mut reader = VerifyingReader::new(file, digest, Some(size));
    let mut entry = header(tar::EntryType::Regular, 0o644, size);
    tar.append_data(&mut entry, blob_path(digest), (&mut reader).take(size)).map_err(failed)?;
    // Asks for what must not be there, and so for the verdict.
    io::copy(&mut reader, &mut io::sink()).map_err(failed)?;
    Ok(())
}
