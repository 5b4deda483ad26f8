//! Helpers as shell scripts in a temporary folder.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A script; it is gone when this is dropped.
pub(crate) struct Script {
    folder: TempDir,
}

impl Script {
    pub(crate) fn new(body: &str) -> Self {
        let script = Self { folder: tempfile::tempdir().unwrap() };
        // Written by another process: were it open for writing here while another test starts a program, that
        // program would hold it open for a moment, and a file that is open for writing cannot be run.
        let mut writer = Command::new("sh")
            .args(["-c", "cat > \"$0\" && chmod +x \"$0\""])
            .arg(script.path())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        writer.stdin.take().unwrap().write_all(format!("#!/bin/sh\n{body}\n").as_bytes()).unwrap();
        assert!(writer.wait().unwrap().success());
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
