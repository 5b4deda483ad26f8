//! The content of tree artifacts: folders that an action made.
//!
//! Symlinks inside a tree are followed and stored as what they lead to. Bazel itself replaces them so when it hashes a
//! tree, uploads it to a remote worker or mounts it into a sandbox (where even plain files are symlinks), so a layer
//! that kept them would have other bytes under each of these strategies.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use crate::error::LayerError;
use crate::parallel;

/// Something found below the root of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TreeItem {
    /// Path below the root, parts separated by `/`. Also where it lies on disk.
    pub(crate) relative: String,
    /// Size of a regular file; `None` for a folder.
    pub(crate) size: Option<u64>,
}

/// Everything below `root`, sorted by path, folders included. Folders of one depth are listed side by side.
pub(crate) fn walk(root: &Path, threads: NonZeroUsize) -> Result<Vec<TreeItem>, LayerError> {
    let mut items = Vec::new();
    let mut level = vec![Folder { source: root.to_owned(), relative: String::new(), followed: Vec::new() }];
    while !level.is_empty() {
        let mut below = Vec::new();
        for listed in parallel::map(&level, threads, Folder::list) {
            let (found, folders) = listed?;
            items.extend(found);
            below.extend(folders);
        }
        level = below;
    }
    items.sort_unstable_by(|a, b| a.relative.cmp(&b.relative));
    Ok(items)
}

/// A folder to list.
struct Folder {
    source: PathBuf,
    relative: String,
    /// The real paths of the folders above that were entered through a symlink.
    followed: Vec<PathBuf>,
}

impl Folder {
    /// What is in it, and the folders among that.
    fn list(&self) -> Result<(Vec<TreeItem>, Vec<Self>), LayerError> {
        let (mut items, mut folders) = (Vec::new(), Vec::new());
        for child in fs_err::read_dir(&self.source).map_err(LayerError::Read)? {
            let child = child.map_err(LayerError::Read)?;
            let source = child.path();
            let name = child.file_name();
            let name = name.to_str().ok_or_else(|| LayerError::NotUtf8(source.clone()))?;
            let relative =
                if self.relative.is_empty() { name.to_owned() } else { format!("{}/{name}", self.relative) };
            let is_link = child.file_type().map_err(LayerError::Read)?.is_symlink();
            // Of anything but a symlink the folder knows it without a walk along the whole path.
            let metadata = if is_link { fs_err::metadata(&source) } else { child.metadata() };
            let metadata = metadata.map_err(LayerError::Read)?;
            if metadata.is_dir() {
                let followed = if is_link { self.follow(&source)? } else { self.followed.clone() };
                folders.push(Self { source, relative: relative.clone(), followed });
                items.push(TreeItem { relative, size: None });
            } else if metadata.is_file() {
                items.push(TreeItem { relative, size: Some(metadata.len()) });
            } else {
                return Err(LayerError::NotAFile(source));
            }
        }
        Ok((items, folders))
    }

    /// What was followed to what `link` leads to, unless that is where we already are.
    fn follow(&self, link: &Path) -> Result<Vec<PathBuf>, LayerError> {
        let real = fs_err::canonicalize(link).map_err(LayerError::Read)?;
        let here = fs_err::canonicalize(&self.source).map_err(LayerError::Read)?;
        if here.starts_with(&real) || self.followed.contains(&real) {
            return Err(LayerError::TreeLoop { link: link.to_owned(), folder: real });
        }
        let mut followed = self.followed.clone();
        followed.push(real);
        Ok(followed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(root: &Path) -> Result<Vec<TreeItem>, LayerError> {
        super::walk(root, NonZeroUsize::new(2).unwrap())
    }

    #[test]
    fn lists_files_and_empty_folders_in_order() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        fs_err::create_dir_all(at("b/empty")).unwrap();
        fs_err::write(at("b.txt"), "1").unwrap();
        fs_err::write(at("b/a"), "22").unwrap();
        fs_err::write(at("a"), "").unwrap();
        let items = walk(root.path()).unwrap();
        let listed: Vec<_> = items.iter().map(|item| (item.relative.as_str(), item.size)).collect();
        assert_eq!(
            listed,
            [("a", Some(0)), ("b", None), ("b.txt", Some(1)), ("b/a", Some(2)), ("b/empty", None)]
        );
    }

    #[cfg(unix)]
    #[test]
    fn follows_symlinks_but_not_in_circles() {
        use std::os::unix::fs::symlink;
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        fs_err::create_dir_all(at("d")).unwrap();
        fs_err::write(at("d/f"), "1").unwrap();
        symlink("d/f", at("link")).unwrap();
        symlink("d", at("folder")).unwrap();
        let items = walk(root.path()).unwrap();
        let listed: Vec<_> = items.iter().map(|item| (item.relative.as_str(), item.size)).collect();
        assert_eq!(
            listed,
            [("d", None), ("d/f", Some(1)), ("folder", None), ("folder/f", Some(1)), ("link", Some(1))]
        );

        symlink("..", at("d/up")).unwrap();
        assert!(matches!(walk(root.path()), Err(LayerError::TreeLoop { .. })));
        fs_err::remove_file(at("d/up")).unwrap();
        fs_err::create_dir_all(at("e")).unwrap();
        symlink("../e", at("d/e")).unwrap();
        symlink("../d", at("e/d")).unwrap();
        assert!(matches!(walk(root.path()), Err(LayerError::TreeLoop { .. })));
        fs_err::remove_file(at("d/e")).unwrap();
        symlink("nowhere", at("dangling")).unwrap();
        assert!(walk(root.path()).unwrap_err().to_string().contains("read"));
    }
}
