//! What is remembered of the entries of an archive, for its listing and for `optimize`.

use std::collections::BTreeMap;
use std::sync::Arc;

use oci::Digest;

use super::member::{Member, MemberKind};
use crate::attributes::Attributes;
use crate::listing::{Entry, Kind, Listing};

/// The most entries that are remembered. Far above what layers have; an archive with more is there to fill memory.
pub(super) const MAX_ENTRIES: usize = 1 << 21;

/// An entry that was read.
#[derive(Debug)]
pub(super) struct Listed {
    path: Box<[u8]>,
    kind: MemberKind,
    size: u64,
    attributes: Arc<Attributes>,
    /// Of its content, if it is a regular file.
    pub(super) digest: Option<Digest>,
}

impl Listed {
    /// Remembers an entry; one with the same attributes as the entry before shares them.
    pub(super) fn new(member: Member, digest: Option<Digest>, before: Option<&Self>) -> Self {
        let attributes = match before {
            Some(before) if *before.attributes == member.attributes => Arc::clone(&before.attributes),
            _ => Arc::new(member.attributes),
        };
        let Member { path, kind, file_size, .. } = member;
        Self { path: path.into(), kind, size: file_size, attributes, digest }
    }
}

/// A path without what does not change its meaning.
pub(super) fn cleaned(path: &[u8]) -> Vec<u8> {
    let parts: Vec<&[u8]> =
        path.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".").collect();
    parts.join(&b'/')
}

/// The listing.
pub(super) fn listing(entries: &[Listed]) -> Listing {
    let contents = contents(entries);
    let shown = entries.iter().zip(&contents).enumerate().filter_map(|(index, (entry, content))| {
        let kind = match (&entry.kind, content) {
            (MemberKind::Global, _) => return None,
            (MemberKind::Directory, _) => Kind::Directory,
            (MemberKind::Symlink(target), _) => Kind::Symlink { target: target.as_slice().into() },
            (MemberKind::Special(kind), _) => Kind::Special(kind),
            (_, Some(content)) => {
                let Listed { size, digest, .. } = &entries[*content];
                Kind::File { size: Some(*size), digest: *digest, content: *content }
            }
            (MemberKind::Sparse, _) => Kind::File { size: Some(entry.size), digest: None, content: index },
            // A hardlink to something in a lower layer or to a file with holes.
            _ => Kind::File { size: None, digest: None, content: index },
        };
        let path = cleaned(&entry.path).into();
        Some(Entry { path, kind, attributes: Arc::clone(&entry.attributes) })
    });
    Listing::new(shown.collect())
}

/// For each file, the index of the entry that holds its content.
fn contents(entries: &[Listed]) -> Vec<Option<usize>> {
    let mut by_path: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
    let mut contents = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        let content = match &entry.kind {
            MemberKind::File => Some(index),
            MemberKind::Hardlink(target) => by_path.get(&cleaned(target)).copied(),
            _ => None,
        };
        let path = cleaned(&entry.path);
        match content {
            Some(content) => by_path.insert(path, content),
            None => by_path.remove(&path),
        };
        contents.push(content);
    }
    contents
}
