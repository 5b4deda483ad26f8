//! A server process of a test.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_registry");

/// A running server; killed when dropped.
pub(crate) struct Server {
    child: Child,
    /// `http://127.0.0.1:PORT`
    pub(crate) url: String,
    /// `grpc://127.0.0.1:PORT`, with `--grpc-port`.
    pub(crate) blob_cache: String,
    root: PathBuf,
    arguments: Vec<String>,
    folder: Option<TempDir>,
}

impl Server {
    /// Starts on a folder of its own.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut server = Self::start_on(&folder.path().join("store"), &[]);
        server.folder = Some(folder);
        server
    }

    /// Starts on a folder that may have a history.
    pub(crate) fn start_on(root: &Path, arguments: &[&str]) -> Self {
        Self::start_with(root, arguments, &[], Stdio::inherit())
    }

    /// The same, with variables in the environment, and with what it logs going elsewhere.
    pub(crate) fn start_with(
        root: &Path,
        arguments: &[&str],
        environment: &[(&str, &str)],
        log: Stdio,
    ) -> Self {
        let mut child = Command::new(PROGRAM)
            .args(["--port", "0", "--no-sync", "--root"])
            .arg(root)
            .args(arguments)
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines().map(Result::unwrap);
        let mut address = |prefix: &str| {
            let line = lines.next().expect("a line that says where");
            line.strip_prefix(prefix).expect("an address").to_owned()
        };
        let url = address("listening on ");
        let grpc = arguments.contains(&"--grpc-port");
        let blob_cache = if grpc { address("blob cache on ") } else { String::new() };
        let arguments = arguments.iter().map(ToString::to_string).collect();
        Self { child, url, blob_cache, root: root.to_owned(), arguments, folder: None }
    }

    /// Ends without warning, as `kill -9` does, and starts again on the same root.
    pub(crate) fn kill_and_restart(mut self) -> Self {
        self.kill();
        let folder = self.folder.take();
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        let mut server = Self::start_on(&self.root, &arguments);
        server.folder = folder;
        server
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks to end.
    pub(crate) fn signal(&self) {
        let status = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(status.success());
    }

    /// Waits for the end, and returns the exit code.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// Asks to end and waits for it.
    pub(crate) fn terminate(&mut self) -> Option<i32> {
        self.signal();
        self.wait()
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// The size of a file, by its path relative to the root.
    pub(crate) fn size(&self, file: &str) -> u64 {
        fs_err::metadata(self.root.join(file)).unwrap().len()
    }

    /// Every file below the root whose path contains a text, relative to the root.
    pub(crate) fn files(&self, containing: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![self.root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs_err::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    found.push(path.strip_prefix(&self.root).unwrap().to_string_lossy().into_owned());
                }
            }
        }
        found.retain(|path| path.contains(containing));
        found.sort();
        found
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
