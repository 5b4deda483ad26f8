//! Helpers as shell scripts in a temporary folder.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use tempfile::TempDir;

/// A script; it is gone when this is dropped.
pub(crate) struct Script {
    folder: TempDir,
}

impl Script {
    pub(crate) fn new(body: &str) -> Self {
        let script = Self { folder: tempfile::tempdir().unwrap() };
        fs_err::write(script.path(), format!("#!/bin/sh\n{body}\n")).unwrap();
        fs_err::set_permissions(script.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        script
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("helper")
    }

    /// Something that the script wrote into its own folder.
    pub(crate) fn read(&self, name: &str) -> String {
        fs_err::read_to_string(self.folder.path().join(name)).unwrap()
    }
}
