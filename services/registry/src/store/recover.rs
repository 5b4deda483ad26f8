//! What is done once, before the first request: take the root, and clear what an earlier process left behind.

use std::io;
use std::path::Path;
use std::time::Duration;

use fs_err as fs;
use oci::Digest;

use super::files::{names, prune};
use super::layout::{LINKS, Layout, MANIFESTS, TAGS, UPLOADS};
use super::walk;

/// Uploads that nobody has continued for so long are given up.
const UPLOAD_LIFETIME: Duration = Duration::from_hours(24);

/// Takes the lock that keeps a second process out. It ends with the process, however that ends.
pub(super) fn lock(layout: &Layout) -> anyhow::Result<fs::File> {
    let path = layout.lock();
    let file = fs::OpenOptions::new().create(true).append(true).open(&path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => {
            anyhow::bail!("another process has it open (it holds `{}`)", path.display())
        }
        Err(std::fs::TryLockError::Error(error)) => Err(error.into()),
    }
}

/// Removes half-written files, uploads that were given up, and blobs that belong to no repository.
pub(super) fn sweep(layout: &Layout) -> io::Result<()> {
    for repository in walk::repositories(layout)? {
        let folder = layout.repository(&repository);
        for kind in [LINKS, MANIFESTS, TAGS] {
            remove_where(&folder.join(kind), is_partial)?;
        }
        remove_where(&folder.join(UPLOADS), is_given_up)?;
        prune(&folder.join(UPLOADS), &layout.repositories());
    }
    let linked = walk::linked(layout)?;
    for contents in [layout.blobs(), layout.all_cached()] {
        for part in names(&contents)? {
            remove_where(&contents.join(part), |path| {
                let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                !Digest::from_hex(name).is_ok_and(|digest| linked.contains(&digest))
            })?;
        }
    }
    Ok(())
}

fn remove_where(folder: &Path, given_up: impl Fn(&Path) -> bool) -> io::Result<()> {
    for name in names(folder)? {
        let path = folder.join(name);
        if given_up(&path) && path.is_file() {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Names that `blob::AtomicFile` gives; no digest and no tag begins with a dot.
fn is_partial(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

#[expect(clippy::disallowed_methods, reason = "the age of an upload decides nothing but its removal")]
fn is_given_up(path: &Path) -> bool {
    let modified = fs::metadata(path).and_then(|metadata| metadata.modified());
    modified.is_ok_and(|time| {
        std::time::SystemTime::now().duration_since(time).is_ok_and(|age| age > UPLOAD_LIFETIME)
    })
}
