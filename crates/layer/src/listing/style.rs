//! How a listing looks.

use std::str::FromStr;

/// How a listing looks; by default as `bsdtar` would show the tar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListingStyle {
    /// What paths begin with. If it is empty, folders end in a slash.
    pub prefix: String,
    /// What is said about an entry.
    pub keywords: Keywords,
    /// Which entries are shown, and in which order.
    pub layout: ListingLayout,
}

impl Default for ListingStyle {
    fn default() -> Self {
        Self { prefix: "./".to_owned(), keywords: Keywords::default(), layout: ListingLayout::Tar }
    }
}

/// Which entries a listing shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListingLayout {
    /// Those of the tar, in its order.
    #[default]
    Tar,
    /// The files that are there when the layer is applied to an empty folder, by path: parents that the tar does not name
    /// are shown, whiteouts are not.
    Changeset,
}

/// A listing cannot look like that.
#[derive(Debug, thiserror::Error)]
pub enum ListingStyleError {
    /// No layout has this name.
    #[error("unknown layout `{0}`; expected `tar` or `oci_layer_filesystem_applied_changeset`")]
    Layout(String),
    /// No keyword has this name.
    #[error("unknown keyword `{0}`; expected some of {names}, separated by commas", names = Keyword::names())]
    Keyword(String),
    /// A keyword is there twice.
    #[error("the keyword `{0}` is given twice")]
    Twice(String),
}

impl FromStr for ListingLayout {
    type Err = ListingStyleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "tar" => Ok(Self::Tar),
            "oci_layer_filesystem_applied_changeset" => Ok(Self::Changeset),
            _ => Err(ListingStyleError::Layout(text.to_owned())),
        }
    }
}

/// Something that is said about an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keyword {
    /// `file`, `dir`, `link`, `char`, `block` or `fifo`.
    Type,
    /// Bytes of a file; length of a symlink's target.
    Size,
    /// Permission bits, octal.
    Mode,
    /// Number of the owner.
    Uid,
    /// Name of the owner, if it has one.
    Uname,
    /// Number of the group.
    Gid,
    /// Name of the group, if it has one.
    Gname,
    /// Digest of a file's content.
    Sha256,
    /// Seconds since the epoch.
    Time,
    /// Target of a symlink.
    Link,
    /// How many names a file has within the layer.
    Nlink,
    /// Extended attributes, in base64.
    Xattr,
}

/// In the order of the default, which has all but the last.
const KEYWORDS: [(&str, Keyword); 12] = [
    ("type", Keyword::Type),
    ("size", Keyword::Size),
    ("mode", Keyword::Mode),
    ("uid", Keyword::Uid),
    ("uname", Keyword::Uname),
    ("gid", Keyword::Gid),
    ("gname", Keyword::Gname),
    ("sha256", Keyword::Sha256),
    ("time", Keyword::Time),
    ("link", Keyword::Link),
    ("nlink", Keyword::Nlink),
    ("xattr", Keyword::Xattr),
];

impl Keyword {
    fn names() -> String {
        KEYWORDS.map(|(name, _)| format!("`{name}`")).join(", ")
    }
}

/// Keywords in the order in which they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keywords(Vec<Keyword>);

impl Keywords {
    pub(super) fn iter(&self) -> impl Iterator<Item = Keyword> {
        self.0.iter().copied()
    }
}

impl Default for Keywords {
    fn default() -> Self {
        let all = KEYWORDS.iter().map(|(_, keyword)| *keyword);
        Self(all.filter(|keyword| *keyword != Keyword::Xattr).collect())
    }
}

impl FromStr for Keywords {
    type Err = ListingStyleError;

    /// Reads names separated by commas; an empty text is no keyword at all.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut keywords = Vec::new();
        for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let known = KEYWORDS.iter().find(|(known, _)| *known == name);
            let (_, keyword) = known.ok_or_else(|| ListingStyleError::Keyword(name.to_owned()))?;
            if keywords.contains(keyword) {
                return Err(ListingStyleError::Twice(name.to_owned()));
            }
            keywords.push(*keyword);
        }
        Ok(Self(keywords))
    }
}
