//! From entries to what the tar will hold: trees unfolded, metadata applied, conflicts found, everything in order.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as MapEntry;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::attributes::{Attributes, FileMetadata};
use crate::entry::{Entry, Source};
use crate::error::LayerError;
use crate::path::ImagePath;
use crate::{header_fields, parallel, same_content, tree, tree_links};

/// How trees that are in the layer twice are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TreeArtifacts {
    /// Each with all its entries; equal files are hardlinks.
    #[default]
    Full,
    /// The second and later copies are symlinks to the first.
    DeduplicateSymlink,
}

/// What a layer is made of, and how.
#[derive(Clone, Debug, Default)]
pub struct LayerSpec {
    /// The entries, in any order.
    pub entries: Vec<Entry>,
    /// Metadata of every regular file.
    pub default_metadata: FileMetadata,
    /// Metadata of single entries; wins over the default field by field.
    pub file_metadata: BTreeMap<ImagePath, FileMetadata>,
    /// Whether folders that entries lie in, but that nobody named, become entries.
    pub create_parent_directories: bool,
    /// How equal trees are stored.
    pub tree_artifacts: TreeArtifacts,
}

/// One entry of the tar.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) path: ImagePath,
    pub(crate) kind: NodeKind,
    pub(crate) attributes: Arc<Attributes>,
}

#[derive(Clone, Debug)]
pub(crate) enum NodeKind {
    /// A folder, and the folder on disk that it came from, if any.
    Directory(Option<PathBuf>),
    /// A file with content.
    File { source: PathBuf, size: u64 },
    /// A file without content.
    Empty(Option<PathBuf>),
    /// A symlink.
    Symlink(String),
}

impl NodeKind {
    /// What it is and where it comes from, for messages.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Directory(Some(source)) => format!("folder `{}`", source.display()),
            Self::Directory(None) => "a folder".to_owned(),
            Self::File { source, .. } | Self::Empty(Some(source)) => format!("`{}`", source.display()),
            Self::Empty(None) => "an empty file".to_owned(),
            Self::Symlink(target) => format!("a symlink to `{target}`"),
        }
    }
}

/// The entries of the tar, sorted by the bytes of their paths; found on at most so many threads.
pub(crate) fn collect(spec: &LayerSpec, threads: NonZeroUsize) -> Result<Vec<Node>, LayerError> {
    let mut nodes = BTreeMap::new();
    let mut trees = Vec::new();
    let found = parallel::map(&spec.entries, threads, |entry| look_at(&entry.source));
    for (entry, found) in spec.entries.iter().zip(found) {
        match found? {
            Found::Node(kind) => insert(&mut nodes, entry.path.clone(), kind)?,
            Found::Tree(source) => trees.push((entry.path.clone(), source)),
        }
    }
    unfold_trees(spec, &mut nodes, trees, threads)?;
    check_ancestors(&nodes)?;
    if spec.create_parent_directories {
        add_parents(&mut nodes);
    }
    header_fields::assign(spec, nodes)
}

/// What a source turns out to be.
enum Found<'a> {
    Node(NodeKind),
    Tree(&'a Path),
}

fn look_at(source: &Source) -> Result<Found<'_>, LayerError> {
    let kind = match source {
        Source::File(source) => {
            let metadata = fs_err::metadata(source).map_err(LayerError::Read)?;
            if metadata.is_dir() {
                return Ok(Found::Tree(source));
            }
            if !metadata.is_file() {
                return Err(LayerError::NotAFile(source.clone()));
            }
            file(source.clone(), metadata.len())
        }
        Source::Tree(source) => {
            if !fs_err::metadata(source).map_err(LayerError::Read)?.is_dir() {
                return Err(LayerError::NotATree(source.clone()));
            }
            return Ok(Found::Tree(source));
        }
        Source::LinkOnDisk(source) => NodeKind::Symlink(read_link(source)?),
        Source::Symlink(target) => NodeKind::Symlink(target.clone()),
        Source::Empty => NodeKind::Empty(None),
    };
    Ok(Found::Node(kind))
}

fn file(source: PathBuf, size: u64) -> NodeKind {
    if size == 0 { NodeKind::Empty(Some(source)) } else { NodeKind::File { source, size } }
}

fn read_link(source: &Path) -> Result<String, LayerError> {
    if !fs_err::symlink_metadata(source).map_err(LayerError::Read)?.is_symlink() {
        return Err(LayerError::NotALink(source.to_owned()));
    }
    let target = fs_err::read_link(source).map_err(LayerError::Read)?;
    target.into_os_string().into_string().map_err(|_| LayerError::NotUtf8(source.to_owned()))
}

pub(crate) type Nodes = BTreeMap<ImagePath, NodeKind>;

fn unfold_trees(
    spec: &LayerSpec,
    nodes: &mut Nodes,
    trees: Vec<(ImagePath, &Path)>,
    threads: NonZeroUsize,
) -> Result<(), LayerError> {
    let mut walked = Vec::with_capacity(trees.len());
    for (path, source) in trees {
        walked.push((path, source, tree::walk(source, threads)?));
    }
    walked.sort_by(|a, b| a.0.cmp(&b.0));
    if spec.tree_artifacts == TreeArtifacts::DeduplicateSymlink {
        tree_links::replace_copies(&mut walked, nodes, &spec.file_metadata)?;
    }
    for (path, source, items) in walked {
        for item in items {
            let from = source.join(&item.relative);
            let kind = match item.size {
                Some(size) => file(from, size),
                None => NodeKind::Directory(Some(from)),
            };
            insert(nodes, path.join(&item.relative)?, kind)?;
        }
        insert(nodes, path, NodeKind::Directory(Some(source.to_owned())))?;
    }
    Ok(())
}

/// Adds a node; one for the same path that says the same is dropped.
pub(crate) fn insert(nodes: &mut Nodes, path: ImagePath, kind: NodeKind) -> Result<(), LayerError> {
    match nodes.entry(path) {
        MapEntry::Vacant(vacant) => {
            vacant.insert(kind);
            Ok(())
        }
        MapEntry::Occupied(occupied) => {
            if is_same(occupied.get(), &kind)? {
                return Ok(());
            }
            let mut sources = [occupied.get().describe(), kind.describe()];
            sources.sort();
            let [first, second] = sources;
            Err(LayerError::Conflict { path: occupied.key().clone(), first, second })
        }
    }
}

fn is_same(a: &NodeKind, b: &NodeKind) -> Result<bool, LayerError> {
    match (a, b) {
        (NodeKind::Directory(_), NodeKind::Directory(_)) | (NodeKind::Empty(_), NodeKind::Empty(_)) => {
            Ok(true)
        }
        (NodeKind::Symlink(a), NodeKind::Symlink(b)) => Ok(a == b),
        (NodeKind::File { source: a, size: a_size }, NodeKind::File { source: b, size: b_size }) => {
            Ok(a == b || (a_size == b_size && same_content::is_same(a, b)?))
        }
        _ => Ok(false),
    }
}

/// Nothing may lie below a file or a symlink.
fn check_ancestors(nodes: &Nodes) -> Result<(), LayerError> {
    let mut checked: Option<ImagePath> = None;
    for (path, kind) in nodes {
        let parent = path.parent();
        if parent == checked {
            continue;
        }
        for above in path.ancestors() {
            match nodes.get(&above) {
                None | Some(NodeKind::Directory(_)) => {}
                Some(other) => {
                    return Err(LayerError::BelowFile {
                        path: path.clone(),
                        source_text: kind.describe(),
                        above,
                        above_text: other.describe(),
                    });
                }
            }
        }
        checked = parent;
    }
    Ok(())
}

fn add_parents(nodes: &mut Nodes) {
    let mut missing = Vec::new();
    for path in nodes.keys() {
        missing.extend(path.ancestors().take_while(|above| !nodes.contains_key(above)));
    }
    nodes.extend(missing.into_iter().map(|path| (path, NodeKind::Directory(None))));
}
