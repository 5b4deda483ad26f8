//! Layers of which single files can be fetched: every file starts a gzip member or a zstd frame of its own, and a table
//! of contents at the end says where.
//!
//! - gzip: eStargz, as the `stargz-snapshotter` project specifies it ("eStargz: Standard-Compatible Extension to Tar.gz
//!   Layers for Lazy Pulling Container Images").
//! - zstd: zstd:chunked, as `containers/storage` reads it; what is not tar lies in frames that decompressors skip.
//!
//! Both are layers like others for whoever does not know them. A file of more than a chunk is cut into several members.
//! The diff id is that of the whole decompressed blob, the table of contents of eStargz included.

mod estargz;
mod index;
mod tar_split;
mod toc;
mod zstd_chunked;

use oci::Annotations;

use crate::compress::Compressed;

pub(crate) use estargz::TOC_NAME;
pub(crate) use index::{Index, Layout};
pub(crate) use toc::{FileChunk, TocContent, TocEntry, TocKind};

/// The annotations of a layer, with those that are known only when all of it is written.
pub(crate) fn annotations(mut annotations: Annotations, blob: &Compressed) -> Annotations {
    if annotations.contains_key(annotation::TOC_DIGEST) {
        annotations.insert(annotation::UNCOMPRESSED_SIZE.to_owned(), blob.uncompressed_size.to_string());
    }
    annotations
}

/// Annotations of a layer that is eStargz or zstd:chunked.
pub mod annotation {
    /// Digest of the table of contents of an eStargz layer.
    pub const TOC_DIGEST: &str = "containerd.io/snapshot/stargz/toc.digest";
    /// Bytes of an eStargz layer when it is decompressed.
    pub const UNCOMPRESSED_SIZE: &str = "io.containers.estargz.uncompressed-size";
    /// Digest of the compressed table of contents of a zstd:chunked layer.
    pub const CHUNKED_CHECKSUM: &str = "io.github.containers.zstd-chunked.manifest-checksum";
    /// Where that table is: offset, compressed and uncompressed size, and type, separated by colons.
    pub const CHUNKED_POSITION: &str = "io.github.containers.zstd-chunked.manifest-position";
    /// Where the headers of the tar are: offset, compressed and uncompressed size.
    pub const CHUNKED_TAR_SPLIT: &str = "io.github.containers.zstd-chunked.tarsplit-position";
}
