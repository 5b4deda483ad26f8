//! Changes to files that are whole or not there at all, and on the disk when they return.

use std::io::{self, Write as _};
use std::path::Path;

use blob::AtomicFile;
use fs_err as fs;

/// Makes changes, with or without waiting for the disk.
#[derive(Clone, Debug)]
pub(super) struct Files {
    /// Whether a change must survive a power failure (it survives the end of this process in any case).
    pub(super) sync: bool,
    /// In tests: how many more changes happen before the process could as well be dead.
    #[cfg(test)]
    pub(super) remaining: Option<std::sync::Arc<std::sync::atomic::AtomicUsize>>,
}

impl Files {
    /// Changes that wait for the disk, or do not.
    pub(super) fn new(sync: bool) -> Self {
        Self {
            sync,
            #[cfg(test)]
            remaining: None,
        }
    }

    /// To be called before every single change.
    #[cfg_attr(
        not(test),
        expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "only tests die here")
    )]
    fn step(&self) -> io::Result<()> {
        #[cfg(test)]
        if let Some(remaining) = &self.remaining {
            use std::sync::atomic::Ordering::SeqCst;
            let alive = |remaining: usize| remaining.checked_sub(1);
            remaining.fetch_update(SeqCst, SeqCst, alive).map_err(|_| io::Error::other("killed"))?;
        }
        Ok(())
    }

    /// A file appears with these bytes, or is replaced.
    pub(super) fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.create_folder(parent(path))?;
        let mut file = AtomicFile::create(path)?;
        file.write_all(bytes)?;
        if self.sync {
            file.as_file().sync_all()?;
        }
        self.step()?;
        file.persist()?;
        self.sync_folder(parent(path))
    }

    /// An empty file appears, or stays.
    pub(super) fn touch(&self, path: &Path) -> io::Result<()> {
        self.create_folder(parent(path))?;
        self.step()?;
        fs::OpenOptions::new().create(true).append(true).open(path)?;
        self.sync_folder(parent(path))
    }

    /// A file moves to its final name.
    pub(super) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.create_folder(parent(to))?;
        self.step()?;
        fs::rename(from, to)?;
        self.sync_folder(parent(to))
    }

    /// What was written to a file reaches the disk.
    pub(super) fn sync_file(&self, file: &fs::File) -> io::Result<()> {
        if self.sync { file.sync_all() } else { Ok(()) }
    }

    /// A file disappears. Says whether it was there.
    pub(super) fn remove(&self, path: &Path) -> io::Result<bool> {
        self.step()?;
        match fs::remove_file(path) {
            Ok(()) => self.sync_folder(parent(path)).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        if folder.is_dir() {
            return Ok(());
        }
        self.create_folder(parent(folder))?;
        self.step()?;
        match fs::create_dir(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => self.sync_folder(parent(folder)),
        }
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        // Only Unix can open a folder in order to sync it.
        if self.sync && cfg!(unix) { fs::File::open(folder)?.sync_all() } else { Ok(()) }
    }
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}

/// Removes a folder and those around it, below `end`, as long as they are empty.
pub(super) fn prune(mut folder: &Path, end: &Path) {
    while folder != end && folder.starts_with(end) && fs::remove_dir(folder).is_ok() {
        folder = parent(folder);
    }
}

/// The names in a folder, none when it is not there.
pub(super) fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

/// A small file, or nothing when it is not there.
pub(super) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The size of a file, or nothing when it is not there.
pub(super) fn size(path: &Path) -> io::Result<Option<u64>> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
