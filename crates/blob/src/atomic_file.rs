//! Files that appear whole or not at all.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// A file under a temporary name in the folder of its final one; [`AtomicFile::persist`] renames it. Dropped before
/// that, it leaves nothing behind.
pub struct AtomicFile {
    temporary: NamedTempFile,
    path: PathBuf,
}

impl AtomicFile {
    /// Begins a file that will be called `path`. Its folder must exist.
    pub fn create(path: &Path) -> io::Result<Self> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut builder = tempfile::Builder::new();
        builder.prefix(".partial-");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let temporary =
            builder.tempfile_in(folder).map_err(|error| named(&error, "create a file in", folder))?;
        Ok(Self { temporary, path: path.to_owned() })
    }

    /// Gives the file its final name, replacing what was there, with the permissions of an ordinary new file.
    pub fn persist(self) -> io::Result<()> {
        self.temporary
            .persist(&self.path)
            .map(|_| ())
            .map_err(|error| named(&error.error, "rename a finished file to", &self.path))
    }

    /// Writes a whole file at once.
    pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = Self::create(path)?;
        file.write_all(bytes)?;
        file.persist()
    }

    /// The open file, for code that needs to read back or sync what was written.
    pub fn as_file(&self) -> &std::fs::File {
        self.temporary.as_file()
    }
}

fn named(error: &io::Error, what: &str, path: &Path) -> io::Error {
    io::Error::new(error.kind(), format!("failed to {what} `{}`: {error}", path.display()))
}

impl Write for AtomicFile {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.temporary.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.temporary.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_visible_before_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("blob");
        let mut file = AtomicFile::create(&path).unwrap();
        file.write_all(b"half").unwrap();
        assert!(!path.exists());
        drop(file);
        assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 0);

        AtomicFile::write(&path, b"whole").unwrap();
        assert_eq!(fs_err::read(&path).unwrap(), b"whole");
        assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_missing_folder_is_named() {
        let error = AtomicFile::create(Path::new("/nonexistent-folder/x")).err().unwrap();
        assert!(error.to_string().contains("/nonexistent-folder"), "{error}");
    }
}
