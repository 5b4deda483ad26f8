//! What can go wrong while a layer is made or read.

use std::io;
use std::path::PathBuf;

use crate::compress::Format;
use crate::import::{Bomb, Damaged, Problem};
use crate::path::{ImagePath, PathError};

/// Why there is no layer.
#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    /// An input cannot be read.
    #[error("failed to read an input of the layer")]
    Read(#[source] io::Error),
    /// The blob cannot be written.
    #[error("failed to write the layer")]
    Write(#[source] io::Error),
    /// A name in a tree is not text.
    #[error("the name of `{}` is not valid UTF-8", .0.display())]
    NotUtf8(PathBuf),
    /// A device, a socket or a pipe.
    #[error("`{}` is neither a file nor a folder", .0.display())]
    NotAFile(PathBuf),
    /// A tree is expected, a file is there.
    #[error("`{}` is not a folder", .0.display())]
    NotATree(PathBuf),
    /// A symlink is expected, something else is there.
    #[error("`{}` is not a symlink", .0.display())]
    NotALink(PathBuf),
    /// A symlink in a tree leads to a folder that holds it.
    #[error("the symlink `{}` leads back to `{}`, which it lies in", link.display(), folder.display())]
    TreeLoop {
        /// The symlink.
        link: PathBuf,
        /// Where it leads.
        folder: PathBuf,
    },
    /// A path in a tree cannot be a path in an image.
    #[error(transparent)]
    Path(#[from] PathError),
    /// Two sources for one path.
    #[error("two sources for `/{path}`: {first} and {second}")]
    Conflict {
        /// Where both should go.
        path: ImagePath,
        /// One of them.
        first: String,
        /// The other.
        second: String,
    },
    /// Something below something that is no folder.
    #[error("`/{path}` ({source_text}) lies below `/{above}`, which is not a folder: {above_text}")]
    BelowFile {
        /// The lower one.
        path: ImagePath,
        /// What it is.
        source_text: String,
        /// The upper one.
        above: ImagePath,
        /// What it is.
        above_text: String,
    },
    /// Metadata for something that is not there.
    #[error("`file_metadata` for a path that the layer does not have: {}", list(.paths))]
    UnusedMetadata {
        /// The keys without entry.
        paths: Vec<ImagePath>,
        /// Entries with similar names.
        near: Vec<ImagePath>,
    },
    /// Somebody writes to an input.
    #[error("`{}` changed while it was read: expected {expected} bytes, found {found}", path.display())]
    Changed {
        /// The input.
        path: PathBuf,
        /// Bytes at first sight.
        expected: u64,
        /// Bytes read, or at least as many.
        found: u64,
    },
    /// A compressor that does not take this level.
    #[error("level {level} is not one of {format}; expected {expected}")]
    Level {
        /// What was asked for.
        level: i32,
        /// Of which compressor.
        format: &'static str,
        /// What there is.
        expected: &'static str,
    },
    /// Nothing of an uncompressed layer can be found again.
    #[error("an uncompressed layer cannot be seekable; expected gzip (eStargz) or zstd (zstd:chunked)")]
    SeekableUncompressed,
    /// An entry where an eStargz layer has its table of contents.
    #[error("`/{path}` ({source_text}) is where an eStargz layer has its table of contents")]
    Reserved {
        /// Where.
        path: ImagePath,
        /// What should be there.
        source_text: String,
    },
    /// More entries than zstd:chunked can list.
    #[error("the table of contents of the layer has {size} bytes; zstd:chunked holds less than 4 GiB")]
    TableSize {
        /// How many.
        size: u64,
    },
    /// Something else than the archive that was announced.
    #[error("`{}` is not {expected}: it begins with {found}", path.display())]
    NotAnArchive {
        /// The file.
        path: PathBuf,
        /// What it should be.
        expected: String,
        /// Its first bytes.
        found: String,
        /// What they look like.
        looks_like: Option<Format>,
    },
    /// An archive that cannot be decompressed.
    #[error(transparent)]
    Damaged(Damaged),
    /// An archive that grows out of all proportion.
    #[error(transparent)]
    Bomb(Bomb),
    /// A tar that no two readers understand alike, or that ends too early.
    #[error("`{}`, byte {offset} of the uncompressed archive{}", path.display(), after(.entry))]
    Archive {
        /// The file.
        path: PathBuf,
        /// Where in the uncompressed stream.
        offset: u64,
        /// The entry that was read last, if any.
        entry: String,
        /// What is wrong.
        #[source]
        problem: Problem,
    },
    /// The compressor failed.
    #[error("failed to compress the layer")]
    Compress(#[source] io::Error),
}

fn after(entry: &str) -> String {
    if entry.is_empty() { String::new() } else { format!(", after entry `{entry}`") }
}

fn list(paths: &[ImagePath]) -> String {
    paths.iter().map(|path| format!("`/{path}`")).collect::<Vec<_>>().join(", ")
}

impl LayerError {
    /// Whether the user asked for something that cannot be, as opposed to something that failed.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::Path(_)
                | Self::Conflict { .. }
                | Self::BelowFile { .. }
                | Self::UnusedMetadata { .. }
                | Self::Level { .. }
                | Self::SeekableUncompressed
                | Self::Reserved { .. }
                | Self::TableSize { .. }
                | Self::NotAnArchive { .. }
                | Self::Damaged(_)
                | Self::Bomb(_)
                | Self::Archive { .. }
        )
    }

    /// What to do about it.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Conflict { .. } => {
                vec!["give each of them a path of its own, or remove one".to_owned()]
            }
            Self::BelowFile { above, .. } => {
                vec![format!("move one of them, or remove `/{above}` so that a folder can be there")]
            }
            Self::UnusedMetadata { near, .. } if near.is_empty() => {
                vec!["remove the key, or add an entry for it to `srcs`".to_owned()]
            }
            Self::UnusedMetadata { near, .. } => {
                vec![format!("entries with similar paths: {}", list(near))]
            }
            Self::Reserved { .. } => vec!["give it another path, or do without eStargz".to_owned()],
            Self::TreeLoop { .. } => {
                vec!["symlinks in tree artifacts are stored as what they lead to; remove this one".to_owned()]
            }
            Self::NotAnArchive { looks_like: Some(format), .. } => {
                let ending = match format {
                    Format::Gzip => "`.tar.gz` or `.tgz`",
                    Format::Zstd => "`.tar.zst` or `.tzst`",
                    Format::None => "`.tar`",
                };
                vec![format!("it looks like {format} data; name it with the ending {ending}")]
            }
            Self::NotAnArchive { .. } => vec![
                "give a tar with the ending `.tar`, `.tar.gz`, `.tgz`, `.tar.zst` or `.tzst`".to_owned(),
                "for a layer that is no tar, use `layer_from_file`".to_owned(),
            ],
            Self::Archive { problem: Problem::Truncated { .. }, .. } | Self::Damaged(_) => {
                vec!["make or download the file again".to_owned()]
            }
            Self::Bomb(_) => vec![
                "if it is meant to be like this, decompress it and give the archive itself".to_owned(),
                "or take all archives as they are: `--@rules_img//img/settings:allow_any_compression_ratio=enabled`"
                    .to_owned(),
            ],
            Self::Archive { .. } => {
                vec!["write the archive anew, for example with `tar --format=posix`".to_owned()]
            }
            Self::NotUtf8(_) => vec!["rename it".to_owned()],
            Self::Changed { .. } => vec!["build again, with nothing writing to the inputs".to_owned()],
            _ => Vec::new(),
        }
    }
}
