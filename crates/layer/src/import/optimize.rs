//! Rewrites an archive so that a content that is there several times is stored once.
//!
//! The archive was read before and is known to be sound. Entries keep their order. A later copy becomes a hardlink to the
//! first, unless the first would not be there any more, or be something else, when the link is made: a tar may write one
//! path twice, or write through a symlink.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;

use oci::Digest;

use super::decompress::Archive;
use super::listed::cleaned;
use super::member::{Member, MemberKind};
use super::problem::Problem;
use super::scan;
use crate::attributes::Attributes;
use crate::compress::Sink;
use crate::error::LayerError;
use crate::path::ImagePath;
use crate::tar_header::{END_OF_ARCHIVE, HeaderKind, encode, padding};

/// Writes the archive into `sink`. Returns the entries that became hardlinks, each with the entry that holds its content.
pub(super) fn rewrite(
    archive: Archive<'_>,
    digests: &[Option<Digest>],
    sink: &mut Sink,
) -> Result<BTreeMap<usize, usize>, LayerError> {
    let mut stored = Stored { repeated: repeated(digests), ..Stored::default() };
    let mut links = BTreeMap::new();
    let mut reader = scan::open(archive, None)?;
    let mut index = 0;
    while let Some(member) = reader.next()? {
        let digest = *digests.get(index).ok_or_else(|| reader.error(Problem::Checksum.into()))?;
        let link = stored.visit(index, &member, digest);
        if let Some((target, path)) = link {
            let mut header = Vec::new();
            let name = str::from_utf8(&member.path).expect("only text is linked");
            encode(name, HeaderKind::Hardlink { target: &path }, &member.attributes, &mut header);
            sink.write_all(&header).map_err(LayerError::Write)?;
            reader.content(|_| Ok(()))?;
            links.insert(index, target);
        } else {
            sink.write_all(&member.raw).map_err(LayerError::Write)?;
            reader.content(|bytes| sink.write_all(bytes))?;
            sink.write_all(&END_OF_ARCHIVE[..padding(member.size)]).map_err(LayerError::Write)?;
        }
        index += 1;
    }
    sink.write_all(&END_OF_ARCHIVE).map_err(LayerError::Write)?;
    Ok(links)
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
    files: BTreeMap<(Digest, Attributes), (usize, String)>,
    by_path: BTreeMap<Vec<u8>, (Digest, Attributes)>,
    symlinks: BTreeSet<Vec<u8>>,
}

impl Stored {
    /// What a member can be a hardlink to; notes what it does to those before it.
    fn visit(&mut self, index: usize, member: &Member, digest: Option<Digest>) -> Option<(usize, String)> {
        if member.kind == MemberKind::Global {
            return None;
        }
        let path = cleaned(&member.path);
        let key = self.key(member, digest);
        self.forget(&path, &member.kind);
        if let Some((target, target_path)) = key.as_ref().and_then(|key| self.files.get(key)) {
            return Some((*target, target_path.clone()));
        }
        if let Some(key) = key {
            let name = str::from_utf8(&member.path).expect("a key has a name that is text").to_owned();
            self.by_path.insert(path, key.clone());
            self.files.insert(key, (index, name));
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
