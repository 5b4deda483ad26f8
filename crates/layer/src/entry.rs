//! What a layer is made of, before anything was read.

use std::path::PathBuf;

use crate::path::ImagePath;

/// One thing to put into a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where.
    pub path: ImagePath,
    /// What.
    pub source: Source,
}

/// Where the content of an entry comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The content of a file; symlinks on the way to it are followed. A folder counts as a tree.
    File(PathBuf),
    /// A folder with all that is in it.
    Tree(PathBuf),
    /// A symlink on disk, whose text is kept.
    LinkOnDisk(PathBuf),
    /// A symlink with this text.
    Symlink(String),
    /// An empty file.
    Empty,
}
