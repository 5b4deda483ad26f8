//! Names of entries in a layer.

use std::fmt;

use serde::{Deserialize, Deserializer};

/// The path of an entry below the root of the image: relative, without `.`, `..` and empty parts, without a trailing
/// slash. Ordered by bytes, which puts parents before children.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImagePath(String);

/// Why a text is not the path of an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Nothing is left of it.
    #[error("`{0}` is not a path in an image: it names no entry")]
    Empty(String),
    /// It climbs.
    #[error("`{0}` is not a path in an image: `..` may lead out of it")]
    Parent(String),
    /// It holds a byte that no file system takes.
    #[error("`{}` is not a path in an image: it holds a NUL byte", .0.escape_debug())]
    Nul(String),
}

impl ImagePath {
    /// Takes what a user wrote: slashes at the ends, doubled slashes and `.` are dropped, `..` is refused.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        if text.contains('\0') {
            return Err(PathError::Nul(text.to_owned()));
        }
        let mut path = String::with_capacity(text.len());
        for part in text.split('/') {
            match part {
                "" | "." => {}
                ".." => return Err(PathError::Parent(text.to_owned())),
                part => {
                    if !path.is_empty() {
                        path.push('/');
                    }
                    path.push_str(part);
                }
            }
        }
        if path.is_empty() { Err(PathError::Empty(text.to_owned())) } else { Ok(Self(path)) }
    }

    /// The text, without a leading slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The folder it lies in, if that is not the root.
    pub fn parent(&self) -> Option<Self> {
        self.0.rsplit_once('/').map(|(parent, _)| Self(parent.to_owned()))
    }

    /// All folders above it, the nearest first.
    pub fn ancestors(&self) -> impl Iterator<Item = Self> {
        std::iter::successors(self.parent(), Self::parent)
    }

    /// The entry below it that has this relative path, which must be one that [`ImagePath::parse`] takes.
    pub fn join(&self, relative: &str) -> Result<Self, PathError> {
        let below = Self::parse(relative)?;
        Ok(Self(format!("{}/{}", self.0, below.0)))
    }

    /// Whether it lies below `folder`.
    pub fn is_below(&self, folder: &Self) -> bool {
        self.0.strip_prefix(&folder.0).is_some_and(|rest| rest.starts_with('/'))
    }

    /// What a symlink at this path must say to lead to `target`.
    pub fn relative_link_to(&self, target: &Self) -> String {
        let from: Vec<&str> = self.0.split('/').collect();
        let to: Vec<&str> = target.0.split('/').collect();
        let folder = &from[..from.len() - 1];
        let shared = folder.iter().zip(&to).take_while(|(a, b)| a == b).count();
        let mut parts = vec![".."; folder.len() - shared];
        parts.extend(&to[shared..]);
        if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
    }
}

impl fmt::Display for ImagePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ImagePath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_users_write() {
        let table = [
            ("/app/bin", "app/bin"),
            ("app/bin/", "app/bin"),
            ("./app//bin", "app/bin"),
            ("//app/./bin/.", "app/bin"),
            ("a b/ü\n", "a b/ü\n"),
            ("...", "..."),
        ];
        for (text, path) in table {
            assert_eq!(ImagePath::parse(text).unwrap().as_str(), path, "{text}");
        }
    }

    #[test]
    fn refuses_what_names_nothing_or_leaves_the_image() {
        for text in ["", "/", ".", "./", "//", "..", "/..", "a/..", "a/../b", "../a", "a\0b"] {
            assert!(ImagePath::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn links_relatively() {
        let table = [
            ("a/b/c", "a/b/d", "d"),
            ("a/b/c", "a/d", "../d"),
            ("a/b/c", "x", "../../x"),
            ("b", "a/c", "a/c"),
            ("a/b", "a", "."),
            ("a/b/c", "a/b", "."),
        ];
        for (link, target, text) in table {
            let path = |text| ImagePath::parse(text).unwrap();
            assert_eq!(path(link).relative_link_to(&path(target)), text, "{link} -> {target}");
        }
    }

    #[test]
    fn knows_its_folders() {
        let path = ImagePath::parse("a/b/c").unwrap();
        let ancestors: Vec<String> = path.ancestors().map(|path| path.to_string()).collect();
        assert_eq!(ancestors, ["a/b", "a"]);
        assert!(path.is_below(&ImagePath::parse("a/b").unwrap()));
        assert!(!ImagePath::parse("a/bc").unwrap().is_below(&ImagePath::parse("a/b").unwrap()));
    }
}
