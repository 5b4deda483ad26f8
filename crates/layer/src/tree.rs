//! The content of tree artifacts: folders that an action made.
//!
//! Symlinks inside a tree are followed and stored as what they lead to. Bazel itself replaces them so when it hashes a
//! tree, uploads it to a remote worker or mounts it into a sandbox (where even plain files are symlinks), so a layer
//! that kept them would have other bytes under each of these strategies.

use std::path::{Path, PathBuf};

use crate::error::LayerError;

/// Something found below the root of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TreeItem {
    /// Path below the root, parts separated by `/`.
    pub(crate) relative: String,
    /// Where it lies on disk.
    pub(crate) source: PathBuf,
    /// Size of a regular file; `None` for a folder.
    pub(crate) size: Option<u64>,
}

/// Everything below `root`, sorted by path, folders included.
pub(crate) fn walk(root: &Path) -> Result<Vec<TreeItem>, LayerError> {
    let mut walk = Walk { items: Vec::new(), followed: Vec::new() };
    walk.folder(root, "")?;
    walk.items.sort_by(|a, b| a.relative.cmp(&b.relative));
    Ok(walk.items)
}

struct Walk {
    items: Vec<TreeItem>,
    /// The real paths of the folders that were entered through a symlink and not left yet.
    followed: Vec<PathBuf>,
}

impl Walk {
    fn folder(&mut self, folder: &Path, prefix: &str) -> Result<(), LayerError> {
        for child in fs_err::read_dir(folder).map_err(LayerError::Read)? {
            let child = child.map_err(LayerError::Read)?;
            let source = child.path();
            let name = child.file_name();
            let name = name.to_str().ok_or_else(|| LayerError::NotUtf8(source.clone()))?;
            let relative = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
            let is_link = child.file_type().map_err(LayerError::Read)?.is_symlink();
            let metadata = fs_err::metadata(&source).map_err(LayerError::Read)?;
            if metadata.is_dir() {
                self.items.push(TreeItem { relative: relative.clone(), source: source.clone(), size: None });
                if is_link {
                    self.follow(folder, &source, &relative)?;
                } else {
                    self.folder(&source, &relative)?;
                }
            } else if metadata.is_file() {
                self.items.push(TreeItem { relative, source, size: Some(metadata.len()) });
            } else {
                return Err(LayerError::NotAFile(source));
            }
        }
        Ok(())
    }

    /// Enters a folder through a symlink, unless that leads to where we already are.
    fn follow(&mut self, folder: &Path, link: &Path, relative: &str) -> Result<(), LayerError> {
        let real = fs_err::canonicalize(link).map_err(LayerError::Read)?;
        let here = fs_err::canonicalize(folder).map_err(LayerError::Read)?;
        if here.starts_with(&real) || self.followed.contains(&real) {
            return Err(LayerError::TreeLoop { link: link.to_owned(), folder: real });
        }
        self.followed.push(real);
        self.folder(link, relative)?;
        self.followed.pop();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
