//! Listings in the mtree format (`mtree(5)`): what is known of the entries of a layer, and how it is written down.

mod changeset;
mod line;
mod style;

use std::collections::BTreeMap;
use std::sync::Arc;

use oci::Digest;

use crate::attributes::Attributes;

pub use style::{Keyword, Keywords, ListingLayout, ListingStyle, ListingStyleError};

/// The first line.
const HEADER: &str = "#mtree v2.0\n";

/// What is known of a layer's entries, in the order of the tar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    entries: Vec<Entry>,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Without slashes at the ends; empty for the root.
    pub(crate) path: Box<[u8]>,
    pub(crate) kind: Kind,
    pub(crate) attributes: Arc<Attributes>,
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A regular file, hardlinks included. Files with equal `content` are names of one file.
    File {
        size: Option<u64>,
        digest: Option<Digest>,
        content: usize,
    },
    Directory,
    Symlink {
        target: Box<[u8]>,
    },
    /// `char`, `block` or `fifo`.
    Special(&'static str),
}

impl Listing {
    pub(crate) fn new(entries: Vec<Entry>) -> Self {
        Self { entries }
    }

    /// The text.
    pub fn render(&self, style: &ListingStyle) -> String {
        let shown = match style.layout {
            ListingLayout::Tar => self.entries.iter().map(|entry| (&*entry.path, Some(entry))).collect(),
            ListingLayout::Changeset => changeset::applied(&self.entries),
        };
        let mut names: BTreeMap<usize, usize> = BTreeMap::new();
        for (_, entry) in &shown {
            if let Some(Entry { kind: Kind::File { content, .. }, .. }) = entry {
                *names.entry(*content).or_default() += 1;
            }
        }
        let mut out = HEADER.to_owned();
        for (path, entry) in shown {
            match entry {
                Some(entry) => line::entry(path, entry, &names, style, &mut out),
                None => line::unnamed_directory(path, style, &mut out),
            }
        }
        out
    }
}

#[cfg(test)]
mod tests;
