//! Rewrites an archive so that a content that is there several times is stored once, or that it is seekable.
//!
//! The archive was read before and is known to be sound. Entries keep their order. A later copy becomes a hardlink to the
//! first, unless the first would not be there any more, or be something else, when the link is made: a tar may write one
//! path twice, or write through a symlink.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use oci::{Annotations, Digest};

use super::decompress::Archive;
use super::listed::cleaned;
use super::member::{Member, MemberKind};
use super::problem::Problem;
use super::scan;
use super::seekable_entry::{self, SeekableEntries};
use crate::attributes::Attributes;
use crate::compress::Sink;
use crate::error::LayerError;
use crate::path::ImagePath;
use crate::seekable::{Index, Layout, TocKind};
use crate::tar_header::{HeaderKind, encode};
use crate::tar_sink::TarSink;

/// Writes the archive into `sink`; those of `digests` that are there more than once are stored once. With an index, the
/// result is seekable; returns what its descriptor must say.
pub(super) fn rewrite(
    archive: Archive<'_>,
    digests: &[Option<Digest>],
    index: Option<Index>,
    sink: &mut Sink,
) -> Result<Annotations, LayerError> {
    let layout = index.as_ref().map(Index::layout);
    let mut rewriter = Rewriter {
        tar: TarSink::new(sink, index),
        stored: Stored { repeated: repeated(digests), ..Stored::default() },
        entries: SeekableEntries::default(),
    };
    let mut reader = scan::open(archive, None)?;
    let mut number = 0;
    while let Some(member) = reader.next()? {
        let digest = *digests.get(number).ok_or_else(|| reader.error(Problem::Checksum.into()))?;
        if layout.is_some_and(|layout| seekable_entry::is_dropped(&member, layout)) {
            reader.content(|_| Ok(()))?;
        } else {
            rewriter.member(&mut reader, layout, &member, digest)?;
        }
        number += 1;
    }
    rewriter.tar.finish()
}

struct Rewriter<'a> {
    tar: TarSink<'a>,
    stored: Stored,
    entries: SeekableEntries,
}

impl Rewriter<'_> {
    fn member(
        &mut self,
        reader: &mut scan::NamedReader<'_>,
        layout: Option<Layout>,
        member: &Member,
        digest: Option<Digest>,
    ) -> Result<(), LayerError> {
        let entry = layout.map(|layout| self.entries.entry(member, layout)).transpose();
        let mut entry = entry.map_err(|problem| reader.error(problem.into()))?;
        let Some(path) = self.stored.visit(member, digest) else {
            self.tar.header(&member.raw, entry)?;
            let mut content = self.tar.content(member.size);
            reader.content(|bytes| content.write(bytes).map_err(io::Error::other))?;
            return content.finish().map(|_| ());
        };
        let mut header = Vec::new();
        let name = str::from_utf8(&member.path).expect("only text is linked");
        encode(name, HeaderKind::Hardlink { target: &path }, &member.attributes, &mut header);
        if let Some(entry) = &mut entry {
            entry.kind = TocKind::Hardlink { target: path };
        }
        self.tar.header(&header, entry)?;
        reader.content(|_| Ok(()))
    }
}

/// The digests that are there more than once.
fn repeated(digests: &[Option<Digest>]) -> BTreeSet<Digest> {
    let mut once = BTreeSet::new();
    digests.iter().flatten().filter(|digest| !once.insert(**digest)).copied().collect()
}

/// The first file of each content, as long as it is certain to be there.
#[derive(Default)]
struct Stored {
    repeated: BTreeSet<Digest>,
    files: BTreeMap<(Digest, Attributes), String>,
    by_path: BTreeMap<Vec<u8>, (Digest, Attributes)>,
    symlinks: BTreeSet<Vec<u8>>,
}

impl Stored {
    /// What a member can be a hardlink to; notes what it does to those before it.
    fn visit(&mut self, member: &Member, digest: Option<Digest>) -> Option<String> {
        if member.kind == MemberKind::Global {
            return None;
        }
        let path = cleaned(&member.path);
        let key = self.key(member, digest);
        self.forget(&path, &member.kind);
        if let Some(target) = key.as_ref().and_then(|key| self.files.get(key)) {
            return Some(target.clone());
        }
        if let Some(key) = key {
            let name = str::from_utf8(&member.path).expect("a key has a name that is text").to_owned();
            self.by_path.insert(path, key.clone());
            self.files.insert(key, name);
        }
        None
    }

    fn key(&self, member: &Member, digest: Option<Digest>) -> Option<(Digest, Attributes)> {
        let digest = digest.filter(|digest| self.repeated.contains(digest))?;
        let name = str::from_utf8(&member.path).ok()?;
        let may_be_linked = member.kind == MemberKind::File
            && member.size > 0
            && member.is_exact
            && ImagePath::parse(name).is_ok()
            && !self.is_behind_symlink(&cleaned(&member.path));
        may_be_linked.then(|| (digest, member.attributes.clone()))
    }

    fn is_behind_symlink(&self, path: &[u8]) -> bool {
        path.iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'/')
            .any(|(at, _)| self.symlinks.contains(&path[..at]))
    }

    /// Drops the files that are not certain to be there after an entry was written to `path`.
    fn forget(&mut self, path: &[u8], kind: &MemberKind) {
        let climbs = path.split(|byte| *byte == b'/').any(|part| part == b"..");
        if climbs || self.is_behind_symlink(path) {
            // Written to somewhere else; nobody knows where.
            self.files.clear();
            self.by_path.clear();
            return;
        }
        self.forget_path(path);
        if *kind == MemberKind::Directory {
            self.symlinks.remove(path);
            return;
        }
        self.forget_below(path);
        if matches!(kind, MemberKind::Symlink(_)) {
            self.symlinks.insert(path.to_vec());
        } else {
            self.symlinks.remove(path);
        }
        // A whiteout (image specification, "Whiteouts") may take away what an earlier entry wrote.
        let name_at = path.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
        if let Some(hidden) = path[name_at..].strip_prefix(b".wh.") {
            let hidden = [&path[..name_at], hidden].concat();
            self.forget_path(&hidden);
            self.forget_below(&hidden);
            if hidden.ends_with(b".wh..opq") {
                self.forget_below(path[..name_at].strip_suffix(b"/").unwrap_or_default());
            }
        }
    }

    fn forget_path(&mut self, path: &[u8]) {
        if let Some(key) = self.by_path.remove(path) {
            self.files.remove(&key);
        }
    }

    fn forget_below(&mut self, folder: &[u8]) {
        let prefix = if folder.is_empty() { Vec::new() } else { [folder, b"/"].concat() };
        let below: Vec<Vec<u8>> = self
            .by_path
            .range(prefix.clone()..)
            .map(|(path, _)| path)
            .take_while(|path| path.starts_with(&prefix))
            .cloned()
            .collect();
        for path in below {
            self.forget_path(&path);
        }
    }
}
