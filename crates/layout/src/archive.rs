//! An OCI layout as a tar archive.

use std::io::{self, Read as _, Write};
use std::path::Path;

use blob::VerifyingReader;
use oci::Digest;

use crate::docker::{self, Names};
use crate::{Blob, Image, LayoutError, MARKER, MissingBlobs, blob_path, index_file};

/// Size of a tar's blocks.
const BLOCK: u64 = 512;
/// What ends a tar: two empty blocks.
const END: [u8; 1024] = [0; 1024];

/// How an archive is written.
#[derive(Clone, Debug, Default)]
pub struct Archive {
    /// Names of the image, for `docker load`; `None` writes a plain OCI layout.
    pub names: Option<Names>,
    /// What to do about missing blobs.
    pub missing: MissingBlobs,
}

/// A piece of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// These bytes: headers, documents, and what fills up blocks.
    Bytes(Vec<u8>),
    /// The bytes of a blob, neither more nor fewer.
    Blob(Digest, &'a Blob),
}

/// What an archive consists of, in this order, for those who write it themselves: two folders, the marker, the index, maybe
/// `manifest.json`, then blobs by path. The last piece is the end of the archive and nothing else.
pub fn archive_pieces<'a>(image: &'a Image, options: &Archive) -> Result<Vec<Piece<'a>>, LayoutError> {
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
    let mut pieces = Pieces::default();
    for folder in ["blobs/", "blobs/sha256/"] {
        pieces.header(tar::EntryType::Directory, 0o755, folder, 0)?;
    }
    for (name, bytes) in documents {
        pieces.file(name, &bytes)?;
    }
    for (digest, blob) in blobs {
        match blob {
            Blob::Bytes(bytes) => pieces.file(&blob_path(digest), bytes)?,
            Blob::File(_, size) | Blob::Elsewhere(size) => pieces.blob(digest, blob, *size)?,
        }
    }
    Ok(pieces.finish())
}

/// Writes a layout as a tar archive. Digests are compared as the bytes pass by.
pub fn write_archive(image: &Image, options: &Archive, output: &mut impl Write) -> Result<(), LayoutError> {
    for piece in archive_pieces(image, options)? {
        match piece {
            Piece::Bytes(bytes) => output.write_all(&bytes)?,
            Piece::Blob(_, Blob::Bytes(bytes)) => output.write_all(bytes)?,
            Piece::Blob(digest, Blob::File(path, size)) => write_file(path, digest, *size, output)?,
            Piece::Blob(digest, Blob::Elsewhere(_)) => return Err(LayoutError::Missing(vec![digest])),
        }
    }
    Ok(())
}

/// Pieces while they are put together: neighbouring bytes are one piece.
#[derive(Default)]
struct Pieces<'a> {
    done: Vec<Piece<'a>>,
    bytes: Vec<u8>,
}

impl<'a> Pieces<'a> {
    fn header(&mut self, kind: tar::EntryType, mode: u32, path: &str, size: u64) -> io::Result<()> {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(size);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        header.set_path(path)?;
        header.set_cksum();
        self.bytes.extend(header.as_bytes());
        Ok(())
    }

    fn file(&mut self, path: &str, content: &[u8]) -> io::Result<()> {
        let size = content.len() as u64;
        self.header(tar::EntryType::Regular, 0o644, path, size)?;
        self.bytes.extend(content);
        self.fill_block(size);
        Ok(())
    }

    fn blob(&mut self, digest: Digest, blob: &'a Blob, size: u64) -> io::Result<()> {
        self.header(tar::EntryType::Regular, 0o644, &blob_path(digest), size)?;
        self.end_bytes();
        self.done.push(Piece::Blob(digest, blob));
        self.fill_block(size);
        Ok(())
    }

    fn fill_block(&mut self, size: u64) {
        let used = size % BLOCK;
        if used > 0 {
            self.bytes.extend((used..BLOCK).map(|_| 0));
        }
    }

    fn end_bytes(&mut self) {
        if !self.bytes.is_empty() {
            self.done.push(Piece::Bytes(std::mem::take(&mut self.bytes)));
        }
    }

    fn finish(mut self) -> Vec<Piece<'a>> {
        self.end_bytes();
        self.done.push(Piece::Bytes(END.to_vec()));
        self.done
    }
}

fn write_file(path: &Path, digest: Digest, size: u64, output: &mut impl Write) -> Result<(), LayoutError> {
    let failed = |error: io::Error| match error.downcast::<blob::Mismatch>() {
        Ok(source) => LayoutError::Blob { path: path.to_owned(), source },
        Err(error) => LayoutError::Io(error),
    };
    let file = fs_err::File::open(path)?;
    let mut reader = VerifyingReader::new(file, digest, Some(size));
    io::copy(&mut (&mut reader).take(size), output).map_err(failed)?;
    // Asks for what must not be there, and so for the verdict.
    io::copy(&mut reader, &mut io::sink()).map_err(failed)?;
    Ok(())
}
