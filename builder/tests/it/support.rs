//! Runs the builder in a folder of its own.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// An empty working folder.
pub(crate) struct Workspace(TempDir);

/// How a run ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stderr: String,
}

impl Workspace {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> &Self {
        fs_err::create_dir_all(self.at(name).parent().unwrap()).unwrap();
        fs_err::write(self.at(name), content).unwrap();
        self
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs_err::read_to_string(self.at(name)).unwrap()
    }

    pub(crate) fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).unwrap()
    }

    /// The files that are there, for tests that nothing half-written stays.
    pub(crate) fn files(&self) -> Vec<String> {
        let mut names: Vec<String> = fs_err::read_dir(self.0.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Runs with arguments in a parameter file, as the rules do.
    pub(crate) fn run(&self, verb: &[&str], arguments: &[&str]) -> Ended {
        self.write("params", arguments.join("\n") + "\n");
        let ended = self.run_directly(&[verb, &["@params"]].concat());
        fs_err::remove_file(self.at("params")).unwrap();
        ended
    }

    /// Runs with arguments on the command line, and nothing in the environment.
    pub(crate) fn run_directly(&self, arguments: &[&str]) -> Ended {
        let output = Command::new(env!("CARGO_BIN_EXE_builder"))
            .args(arguments)
            .current_dir(self.0.path())
            .env_clear()
            .output()
            .unwrap();
        assert!(output.stdout.is_empty(), "nothing is written to standard output");
        Ended { code: output.status.code().unwrap(), stderr: String::from_utf8(output.stderr).unwrap() }
    }

    /// Runs and expects success without a word.
    pub(crate) fn succeed(&self, verb: &[&str], arguments: &[&str]) -> &Self {
        assert_eq!(self.run(verb, arguments), Ended { code: 0, stderr: String::new() });
        self
    }

    /// Runs and expects this exit code and text.
    pub(crate) fn fail(&self, verb: &[&str], arguments: &[&str], code: i32, stderr: &str) {
        assert_eq!(self.run(verb, arguments), Ended { code, stderr: stderr.to_owned() });
    }
}

/// Lines of fields separated by NUL.
pub(crate) fn lines(entries: &[&[&str]]) -> String {
    entries.iter().map(|fields| fields.join("\0") + "\n").collect()
}

/// Writes a layer of one file and its metadata, `<name>.tgz` and `<name>.json`.
pub(crate) fn make_layer(workspace: &Workspace, name: &str, content: &str) {
    let (blob, metadata) = (format!("{name}.tgz"), format!("{name}.json"));
    let values = format!(r#"{{"label":"//:{name}","history":"bazel build //:{name}"}}"#);
    workspace.write("source", content).write("entries", lines(&[&["/file", "f", "source"]])).succeed(
        &["layer"],
        &[
            "--output",
            &blob,
            "--metadata",
            &metadata,
            "--entries=entries",
            "--format",
            "gzip",
            "--values",
            &values,
        ],
    );
    fs_err::remove_file(workspace.at("source")).unwrap();
    fs_err::remove_file(workspace.at("entries")).unwrap();
}

/// Writes an image of these layers, `<name>_manifest.json` and so on.
pub(crate) fn make_image(
    workspace: &Workspace,
    name: &str,
    layers: &[&str],
    arguments: &[&str],
    values: &str,
) {
    let files = ["manifest", "config", "descriptor", "digest"].map(|file| format!("{name}_{file}"));
    let mut all: Vec<String> = ["--manifest", "--config", "--descriptor", "--digest"]
        .iter()
        .zip(&files)
        .flat_map(|(flag, file)| [(*flag).to_owned(), file.clone()])
        .collect();
    for layer in layers {
        all.extend(["--layer".to_owned(), format!("{layer}.json")]);
    }
    all.extend(arguments.iter().map(|argument| (*argument).to_owned()));
    all.extend(["--values".to_owned(), values.to_owned()]);
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    workspace.succeed(&["manifest"], &all);
}
