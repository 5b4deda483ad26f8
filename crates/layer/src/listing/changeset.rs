//! The files that a layer makes of an empty folder ("Applying Changesets" in the OCI image specification).

use std::collections::BTreeMap;
use std::ops::Bound;

use super::{Entry, Kind};

/// Whiteouts begin with this; they hide what lower layers hold, and there is none below.
const WHITEOUT_PREFIX: &[u8] = b".wh.";

/// The files by path; without an entry where a folder is there only because something lies in it.
pub(super) fn applied(entries: &[Entry]) -> Vec<(&[u8], Option<&Entry>)> {
    let mut files: BTreeMap<&[u8], Option<&Entry>> = BTreeMap::new();
    for entry in entries {
        let path = &*entry.path;
        if file_name(path).starts_with(WHITEOUT_PREFIX) {
            continue;
        }
        for parent in parents(path) {
            let known = files.get(parent).copied();
            if !known.is_some_and(|file| file.is_none_or(|file| file.kind == Kind::Directory)) {
                files.insert(parent, None);
            }
        }
        if entry.kind != Kind::Directory {
            remove_below(&mut files, path);
        }
        files.insert(path, Some(entry));
    }
    files.into_iter().collect()
}

fn file_name(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}

/// The folders that a path lies in, without the root.
fn parents(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(end, _)| &path[..end])
}

/// A file in the place of a folder takes the folder's content away.
fn remove_below(files: &mut BTreeMap<&[u8], Option<&Entry>>, path: &[u8]) {
    let folder = [path, b"/"].concat();
    let below: Vec<&[u8]> = files
        .range::<[u8], _>((Bound::Included(&*folder), Bound::Unbounded))
        .map(|(path, _)| *path)
        .take_while(|path| path.starts_with(&folder))
        .collect();
    for path in below {
        files.remove(path);
    }
}
