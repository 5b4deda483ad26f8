//! Runs the program in a folder of its own, without the environment of whoever runs the tests.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;
use testkit::FakeRegistry;

/// A folder to pull into, with an empty home beside it.
pub(crate) struct Folder {
    root: TempDir,
    environment: Vec<(&'static str, String)>,
}

/// What the program did.
pub(crate) struct Ran {
    pub(crate) status: i32,
    pub(crate) stderr: String,
}

impl Folder {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs_err::create_dir(root.path().join("home")).unwrap();
        Self { root, environment: Vec::new() }
    }

    pub(crate) fn env(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    pub(crate) fn output(&self) -> PathBuf {
        self.root.path().join("output")
    }

    /// Writes a file beside the output and returns its path.
    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.root.path().join(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(&path, content).unwrap();
        path
    }

    /// Writes a shell script beside the output and returns its path. Another process writes it: were it open for
    /// writing here while another test starts a program, it could not be run for a moment.
    pub(crate) fn script(&self, name: &str, body: &str) -> PathBuf {
        let text = self.file(&format!("{name}.text"), &format!("#!/bin/sh\n{body}\n"));
        let path = self.path(name);
        let install = Command::new("install").args(["-m", "755"]).args([&text, &path]).status().unwrap();
        assert!(install.success());
        path
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        let output = Command::new(env!("CARGO_BIN_EXE_fetcher"))
            .args(arguments)
            .env_clear()
            .env("HOME", self.root.path().join("home"))
            .env("PATH", "/usr/bin:/bin")
            .env("IMG_REGISTRY_RETRY_BASE_DELAY", "1ms")
            .env("IMG_REGISTRY_RETRY_MAX_DELAY", "5ms")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "", "nothing belongs on standard output");
        let stderr = String::from_utf8(output.stderr).unwrap();
        Ran { status: output.status.code().unwrap(), stderr }
    }

    /// Pulls `a/b` by tag or digest from registries in order.
    pub(crate) fn pull(&self, hosts: &[&str], name: &str) -> Ran {
        let output = self.output();
        let flag = if name.starts_with("sha256:") { "--digest" } else { "--tag" };
        let mut arguments =
            vec!["pull", "--repository", "a/b", flag, name, "--output", output.to_str().unwrap()];
        for host in hosts {
            arguments.extend(["--registry", host]);
        }
        self.run(&arguments)
    }

    /// Pulls and expects that all went well without a word; returns `pull.json`.
    pub(crate) fn pull_silently(&self, registry: &FakeRegistry, name: &str) -> Value {
        let ran = self.pull(&[&registry.host()], name);
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
        self.report()
    }

    pub(crate) fn report(&self) -> Value {
        serde_json::from_slice(&fs_err::read(self.output().join("pull.json")).unwrap()).unwrap()
    }

    /// Names of the blobs that were written; checks that each is what its name says and that nothing else is there.
    pub(crate) fn blobs(&self) -> Vec<String> {
        let mut names = Vec::new();
        for entry in fs_err::read_dir(self.output().join("blobs/sha256")).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let digest = testkit::digest_of(&fs_err::read(entry.path()).unwrap());
            assert_eq!(name, digest.hex(), "a half-written file");
            names.push(name);
        }
        names.sort();
        names
    }

    /// Checks that a pull failed in this way and left nothing that looks finished. `HOST` stands for the registry.
    pub(crate) fn fails(&self, host: &str, name: &str, expected: &str) {
        let ran = self.pull(&[host], name);
        assert_eq!(ran.stderr.replace(host, "HOST"), expected);
        assert_eq!(ran.status, 1);
        assert!(!self.output().join("pull.json").exists(), "only a finished pull has a report");
        self.blobs();
    }
}
