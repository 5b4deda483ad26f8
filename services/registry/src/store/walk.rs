//! All repositories below a root, found by looking.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use oci::{Digest, Repository};

use super::files::names;
use super::layout::{LINKS, Layout};

/// Every folder that could be a repository, in no particular order, those included that only begin other names.
pub(super) fn repositories(layout: &Layout) -> io::Result<Vec<Repository>> {
    let mut found: Vec<Repository> = Vec::new();
    let mut pending = vec![String::new()];
    while let Some(prefix) = pending.pop() {
        let folder = layout.repositories().join(&prefix);
        if !folder.is_dir() {
            continue;
        }
        for name in names(&folder)? {
            let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
            if let Ok(repository) = path.parse() {
                found.push(repository);
                pending.push(path);
            }
        }
    }
    Ok(found)
}

/// The digests of all blobs that are linked anywhere.
pub(super) fn linked(layout: &Layout) -> io::Result<BTreeSet<Digest>> {
    let mut linked = BTreeSet::new();
    for repository in repositories(layout)? {
        linked.extend(digests(&layout.repository(&repository).join(LINKS))?);
    }
    Ok(linked)
}

/// The digests that files in a folder are named by, sorted.
pub(super) fn digests(folder: &Path) -> io::Result<Vec<Digest>> {
    let mut digests: Vec<Digest> =
        names(folder)?.iter().filter_map(|name| Digest::from_hex(name).ok()).collect();
    digests.sort();
    Ok(digests)
}
