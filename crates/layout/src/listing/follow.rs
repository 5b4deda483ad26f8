//! Symlinks on the way to a file.

/// Symlinks on the way to one file are followed that often, as Linux does.
const MAX_LINKS: usize = 40;

/// Names from the root to an entry, which sort folders before what lies in them.
pub(crate) type Path = Vec<Vec<u8>>;

/// The names of a path, without empty ones and `.`.
pub(crate) fn parts(path: &[u8]) -> Path {
    path.split(|byte| *byte == b'/')
        .filter(|part| !part.is_empty() && *part != b".")
        .map(<[u8]>::to_vec)
        .collect()
}

/// Where a path leads when the symlinks in its parents are followed, inside the image's root. `target` is the text of
/// the symlink at a path, if there is one. `None` for links that lead in circles.
pub(crate) fn follow(path: Path, target: impl Fn(&Path) -> Option<Vec<u8>>) -> Option<Path> {
    let mut todo = path;
    let mut done = Path::new();
    for _ in 0..=MAX_LINKS {
        let mut found = None;
        let mut rest = todo.into_iter();
        while let Some(part) = rest.next() {
            if part == b".." {
                done.pop();
            } else {
                done.push(part);
            }
            if rest.len() == 0 {
                return Some(done);
            }
            found = target(&done);
            if found.is_some() {
                break;
            }
        }
        // The path had no names at all.
        let Some(target) = found else { return Some(done) };
        if target.starts_with(b"/") {
            done.clear();
        } else {
            done.pop();
        }
        todo = parts(&target).into_iter().chain(rest).collect();
    }
    None
}
