//! Which entry has which mode, owner and time.

use std::sync::Arc;

use crate::attributes::{Attributes, DEFAULT_MODE, SYMLINK_MODE};
use crate::contents::{LayerSpec, Node, NodeKind, Nodes};
use crate::error::LayerError;
use crate::path::ImagePath;

/// Gives every node its header fields: the usual ones of its kind, the defaults of the layer, and its own.
pub(crate) fn assign(spec: &LayerSpec, nodes: Nodes) -> Result<Vec<Node>, LayerError> {
    let paths: Vec<ImagePath> =
        spec.file_metadata.keys().filter(|path| !nodes.contains_key(path)).cloned().collect();
    if !paths.is_empty() {
        let near = near(&paths, &nodes);
        return Err(LayerError::UnusedMetadata { paths, near });
    }
    let folder = Arc::new(Attributes::with_mode(DEFAULT_MODE));
    let symlink = Arc::new(Attributes::with_mode(SYMLINK_MODE));
    let regular = Arc::new(folder.with(&spec.default_metadata));
    let node = |(path, kind): (ImagePath, NodeKind)| {
        let usual = match &kind {
            NodeKind::Directory(_) => &folder,
            NodeKind::Symlink(_) => &symlink,
            NodeKind::File { .. } | NodeKind::Empty(_) => &regular,
        };
        let attributes = match spec.file_metadata.get(&path) {
            Some(metadata) => Arc::new(usual.with(metadata)),
            None => Arc::clone(usual),
        };
        Node { path, kind, attributes }
    };
    Ok(nodes.into_iter().map(node).collect())
}

/// At most three entries that somebody may have meant.
fn near(wanted: &[ImagePath], nodes: &Nodes) -> Vec<ImagePath> {
    const LIMIT: usize = 3;
    let mut scored: Vec<(usize, &ImagePath)> = nodes
        .keys()
        .filter_map(|path| {
            let score = wanted.iter().map(|wanted| similarity(wanted.as_str(), path.as_str())).max()?;
            (score > 0).then_some((score, path))
        })
        .collect();
    scored.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    scored.into_iter().take(LIMIT).map(|(_, path)| path.clone()).collect()
}

/// Equal parts count from both ends: the same file elsewhere, or another file in the same folder.
fn similarity(a: &str, b: &str) -> usize {
    let shared_start = a.split('/').zip(b.split('/')).take_while(|(a, b)| a == b).count();
    let shared_end = a.rsplit('/').zip(b.rsplit('/')).take_while(|(a, b)| a.eq_ignore_ascii_case(b)).count();
    shared_start + 2 * shared_end
}
