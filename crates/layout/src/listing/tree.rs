//! Layers laid over each other.

use std::collections::BTreeMap;

use super::Line;
use super::follow::{Path, follow, parts};

/// Marks a removed file, in front of its name (image specification, "Whiteouts").
const WHITEOUT: &[u8] = b".wh.";
/// Hides everything that lower layers have in the same folder.
const OPAQUE: &[u8] = b".wh..wh..opq";

/// The files of an image so far.
#[derive(Default)]
pub(super) struct Tree {
    entries: BTreeMap<Path, Line>,
}

impl Tree {
    /// Lays a layer over those below. Whiteouts count for lower layers alone, wherever they stand in theirs.
    pub(super) fn lay_over(&mut self, layer: &[Line]) {
        for line in layer {
            let path = self.place_of(line);
            let Some((name, parent)) = path.split_last() else { continue };
            if name == OPAQUE {
                self.remove_inside(parent);
            } else if let Some(removed) = name.strip_prefix(WHITEOUT) {
                let mut path = parent.to_vec();
                path.push(removed.to_owned());
                self.remove_inside(&path);
                self.entries.remove(&path);
            }
        }
        for line in layer {
            let path = self.place_of(line);
            if path.last().is_some_and(|name| name.starts_with(WHITEOUT)) {
                continue;
            }
            self.add_parents(&path, line);
            if !line.is_folder() {
                self.remove_inside(&path);
            }
            let moved = line.moved_to(&path);
            self.entries.insert(path, moved);
        }
    }

    /// The entries, sorted by path.
    pub(super) fn lines(&self) -> impl Iterator<Item = &Line> {
        self.entries.values()
    }

    /// Where an entry ends up: runtimes follow the symlinks that lower layers left in its parents.
    fn place_of(&self, line: &Line) -> Path {
        let path = parts(line.path());
        follow(path.clone(), |path| self.entries.get(path)?.value("link")).unwrap_or(path)
    }

    fn remove_inside(&mut self, folder: &[Vec<u8>]) {
        let inside: Vec<Path> = self
            .entries
            .range(folder.to_vec()..)
            .map(|(path, _)| path)
            .take_while(|path| path.starts_with(folder))
            .filter(|path| path.len() > folder.len())
            .cloned()
            .collect();
        for path in inside {
            self.entries.remove(&path);
        }
    }

    /// Every parent is a folder, even where a lower layer had a file.
    fn add_parents(&mut self, path: &[Vec<u8>], line: &Line) {
        for length in 1..path.len() {
            let parent = &path[..length];
            let is_folder = self.entries.get(parent).is_some_and(Line::is_folder);
            if !is_folder {
                self.entries.insert(parent.to_vec(), Line::folder(parent, line));
            }
        }
    }
}
