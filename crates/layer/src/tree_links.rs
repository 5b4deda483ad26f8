//! Trees that are in a layer more than once become symlinks to the first (`tree_artifact_handling =
//! "deduplicate_symlink"`).

use std::collections::BTreeMap;
use std::path::Path;

use crate::attributes::FileMetadata;
use crate::contents::{NodeKind, insert};
use crate::error::LayerError;
use crate::path::ImagePath;
use crate::same_content;
use crate::tree::TreeItem;

type Tree<'a> = (ImagePath, &'a Path, Vec<TreeItem>);

/// Takes out of `trees`, which are sorted by path, every copy of an earlier one, and adds a symlink in its place. A
/// copy stays where other entries or metadata reach into it, because a symlink would show them in both places.
pub(crate) fn replace_copies(
    trees: &mut Vec<Tree<'_>>,
    nodes: &mut BTreeMap<ImagePath, NodeKind>,
    file_metadata: &BTreeMap<ImagePath, FileMetadata>,
) -> Result<(), LayerError> {
    let mut kept: Vec<Tree<'_>> = Vec::new();
    let roots: Vec<ImagePath> = trees.iter().map(|(path, ..)| path.clone()).collect();
    for (path, source, items) in std::mem::take(trees) {
        let reached = |root: &ImagePath| {
            nodes.keys().chain(file_metadata.keys()).chain(&roots).any(|other| other.is_below(root))
                || roots.iter().filter(|other| *other == root).count() > 1
        };
        let mut original = None;
        if !items.is_empty() && !reached(&path) {
            for (candidate, candidate_source, candidate_items) in &kept {
                if is_copy((candidate_source, candidate_items), (source, &items))?
                    && !path.is_below(candidate)
                    && !reached(candidate)
                {
                    original = Some(candidate.clone());
                    break;
                }
            }
        }
        match original {
            Some(original) => {
                let target = path.relative_link_to(&original);
                insert(nodes, path, NodeKind::Symlink(target))?;
            }
            None => kept.push((path, source, items)),
        }
    }
    *trees = kept;
    Ok(())
}

fn is_copy((a_root, a): (&Path, &[TreeItem]), (b_root, b): (&Path, &[TreeItem])) -> Result<bool, LayerError> {
    let same_shape =
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.relative == b.relative && a.size == b.size);
    if !same_shape {
        return Ok(false);
    }
    for (a, b) in a.iter().zip(b) {
        let has_content = a.size.is_some_and(|size| size > 0);
        if has_content
            && a_root != b_root
            && !same_content::is_same(&a_root.join(&a.relative), &b_root.join(&b.relative))?
        {
            return Ok(false);
        }
    }
    Ok(true)
}
