//! The file formats in which an image can be handed on.
//!
//! An [`Image`] knows the documents of an image and where its blobs are. It can be written as an OCI layout, a folder
//! or an archive ([`write_directory`], [`write_archive`], [`archive_pieces`]); as an archive that `docker load` reads, too ([`Names`]); and
//! as a sparse layout, which holds documents only ([`write_sparse`]). The bytes depend on the image alone.
//!
//! Deliberately not here: making images (program `builder`), sending them anywhere (program `pusher`).
//!
//! ```no_run
//! use layout::{Archive, Image};
//! let descriptor = fs_err::read("app_descriptor.json")?;
//! let mut image = Image::new(serde_json::from_slice(&descriptor)?);
//! image.add_manifest(fs_err::read("app_manifest.json")?, fs_err::read("app_config.json").ok(), vec![None])?;
//! layout::write_archive(&image, &Archive::default(), &mut fs_err::File::create("app.tar")?)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod archive;
mod directory;
mod docker;
mod error;
pub mod extract;
mod image;
mod index_file;
pub mod listing;
mod reader;
mod sparse;

pub use archive::{Archive, Piece, archive_pieces, write_archive};
pub use directory::write_directory;
pub use docker::Names;
pub use error::LayoutError;
pub use image::{Blob, Image, MissingBlobs};
pub use reader::{Layout, StoredImage};
pub use sparse::write_sparse;

/// The file that marks a folder as an OCI layout (image specification, "oci-layout file").
pub(crate) const MARKER: (&str, &[u8]) = ("oci-layout", b"{\n  \"imageLayoutVersion\": \"1.0.0\"\n}");

/// Path of a blob in every layout.
pub(crate) fn blob_path(digest: oci::Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}
