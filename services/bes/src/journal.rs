//! What is still to be pushed, on disk: a file for each plan, there before the build is acknowledged and gone when it was
//! worked on.

use std::path::{Path, PathBuf};

use blob::AtomicFile;
use serde::{Deserialize, Serialize};
use tool::{Failure, FailureContext as _};

use crate::build::Found;

/// A folder that one server has to itself.
pub(crate) struct Journal {
    folder: PathBuf,
    /// Held until the process ends, however it does.
    _lock: std::fs::File,
}

/// A plan and the build that it is from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// The build's identifier.
    pub(crate) build: String,
    /// What is to be pushed.
    pub(crate) found: Found,
}

impl Journal {
    /// Opens a folder; makes it if it is not there.
    pub(crate) fn open(folder: &Path) -> Result<Self, Failure> {
        let open = || -> Result<std::fs::File, Failure> {
            fs_err::create_dir_all(folder)?;
            let path = folder.join("lock");
            let lock = fs_err::OpenOptions::new().create(true).append(true).open(path)?.into_parts().0;
            lock.try_lock().map_err(|error| {
                Failure::new(error).hint("another server uses it; give each its own --journal")
            })?;
            Ok(lock)
        };
        let lock = open().about(format!("failed to open the journal `{}`", folder.display()))?;
        Ok(Self { folder: folder.to_owned(), _lock: lock })
    }

    /// Writes an entry down, and waits for the disk.
    pub(crate) fn note(&self, entry: &Entry) -> std::io::Result<()> {
        let text = serde_json::to_vec(entry)?;
        let mut file = AtomicFile::create(&self.path(entry)?)?;
        std::io::Write::write_all(&mut file, &text)?;
        file.as_file().sync_all()?;
        file.persist()?;
        // The name lasts only when the folder does. Elsewhere than on Unix a folder cannot be opened.
        #[cfg(unix)]
        fs_err::File::open(&self.folder)?.sync_all()?;
        Ok(())
    }

    /// Removes an entry.
    pub(crate) fn forget(&self, entry: &Entry) {
        let removed = self.path(entry).and_then(fs_err::remove_file);
        if let Err(error) = removed {
            tracing::warn!("failed to remove an entry of the journal; it will be pushed again: {error}");
        }
    }

    /// What an earlier server left.
    pub(crate) fn entries(&self) -> Result<Vec<Entry>, Failure> {
        let mut entries = Vec::new();
        let mut paths: Vec<PathBuf> = fs_err::read_dir(&self.folder)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()?;
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
        paths.sort();
        for path in paths {
            let entry = serde_json::from_slice(&fs_err::read(&path)?);
            entries.push(
                entry
                    .about(format!("`{}` is no entry of a journal", path.display()))
                    .or_hint("delete it if nothing else wrote it; its image is then not pushed")?,
            );
        }
        Ok(entries)
    }

    /// One place of bytes has one file, whatever the number of builds.
    fn path(&self, entry: &Entry) -> std::io::Result<PathBuf> {
        let place = serde_json::to_vec(&entry.found.file)?;
        Ok(self.folder.join(format!("{}.json", blob::digest_of(&place).hex())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan_file::{Place, PlanFile};

    fn entry(name: &str) -> Entry {
        let place = Place::Cached(blob::digest_of(name.as_bytes()), 2);
        let file = PlanFile { name: name.to_owned(), place };
        Entry { build: "b".into(), found: Found { label: "//:push".into(), file, certain: true } }
    }

    #[test]
    fn entries_last_until_they_are_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal")).unwrap();
        journal.note(&entry("a.json")).unwrap();
        journal.note(&entry("b.json")).unwrap();
        journal.note(&entry("a.json")).unwrap();
        assert_eq!(journal.entries().unwrap().len(), 2);
        journal.forget(&entry("a.json"));
        drop(journal);
        let journal = Journal::open(&folder.path().join("journal")).unwrap();
        assert_eq!(journal.entries().unwrap(), [entry("b.json")]);
    }

    #[test]
    fn one_server_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let _journal = Journal::open(folder.path()).unwrap();
        let failure = Journal::open(folder.path()).err().unwrap();
        assert!(failure.message().contains("another server uses it"), "{}", failure.message());
    }

    #[test]
    fn what_is_no_entry_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path()).unwrap();
        fs_err::write(folder.path().join("x.json"), "{}").unwrap();
        assert!(journal.entries().unwrap_err().message().contains("x.json` is no entry of a journal"));
    }
}
