//! Entries of an archive in the table of contents of a seekable layer, which cannot say everything that a tar can.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::listed::cleaned;
use super::member::{Member, MemberKind};
use super::problem::Problem;
use crate::attributes::Attributes;
use crate::seekable::{Layout, TOC_NAME, TocContent, TocEntry, TocKind};

/// Names that were seen, and attributes to share.
#[derive(Default)]
pub(super) struct SeekableEntries {
    names: BTreeSet<Vec<u8>>,
    last: Option<Arc<Attributes>>,
}

/// Whether an entry has no place in a seekable layer and means nothing there: a table of contents that the archive had
/// before, or a comment.
pub(super) fn is_dropped(member: &Member, layout: Layout) -> bool {
    match member.kind {
        MemberKind::Global => member.attributes.pax_records.keys().all(|key| key == "comment"),
        _ => layout == Layout::Estargz && cleaned(&member.path) == TOC_NAME.as_bytes(),
    }
}

impl SeekableEntries {
    /// The entry of a member, as [`TocEntry`]; or why there can be none.
    pub(super) fn entry(&mut self, member: &Member, layout: Layout) -> Result<TocEntry, Problem> {
        let text = |bytes: &[u8]| {
            String::from_utf8(bytes.to_vec())
                .map_err(|_| Problem::SeekableName { name: bytes.escape_ascii().to_string() })
        };
        let kind = match &member.kind {
            MemberKind::File => TocKind::File { size: member.size },
            MemberKind::Directory => TocKind::Directory,
            MemberKind::Symlink(target) => TocKind::Symlink { target: text(target)? },
            MemberKind::Hardlink(target) => {
                // Readers of eStargz refuse a table with a link to something else than its own entries.
                if layout == Layout::Estargz && !self.names.contains(&cleaned(target)) {
                    return Err(Problem::SeekableLink { target: target.escape_ascii().to_string() });
                }
                TocKind::Hardlink { target: text(target)? }
            }
            MemberKind::Special("fifo") => TocKind::Fifo,
            MemberKind::Special(kind) => {
                let (major, minor) = member.device;
                TocKind::Device { is_block: *kind == "block", major, minor }
            }
            MemberKind::Sparse => return Err(Problem::Seekable { kind: "a file with holes" }),
            MemberKind::Global => return Err(Problem::Seekable { kind: "a global extended header" }),
        };
        let name = text(&member.path)?;
        if !self.names.insert(cleaned(&member.path)) {
            return Err(Problem::SeekableTwice { name });
        }
        Ok(TocEntry { name, kind, attributes: self.attributes(member), content: TocContent::None })
    }

    fn attributes(&mut self, member: &Member) -> Arc<Attributes> {
        let last = self.last.take().filter(|last| **last == member.attributes);
        let attributes = last.unwrap_or_else(|| Arc::new(member.attributes.clone()));
        self.last = Some(Arc::clone(&attributes));
        attributes
    }
}
