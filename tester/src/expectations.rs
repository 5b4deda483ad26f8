//! The files of expectations: the format of container-structure-test, as far as it can be answered without running
//! anything.

use std::path::Path;

use anyhow::anyhow;
use serde::Deserialize;
use serde::de::IgnoredAny;
use tool::{Failure, FailureContext as _};

/// One file, YAML or JSON. What nobody knows is refused: a misspelt check would be none.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub(crate) struct Expectations {
    schema_version: String,
    pub(crate) metadata_test: Option<Metadata>,
    pub(crate) file_existence_tests: Vec<FileExpectation>,
    command_tests: Vec<IgnoredAny>,
    file_content_tests: Vec<IgnoredAny>,
    license_tests: Vec<IgnoredAny>,
    /// Only for containers that are run.
    global_env_vars: Option<IgnoredAny>,
    container_run_options: Option<IgnoredAny>,
}

/// What the configuration says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub(crate) struct Metadata {
    pub(crate) env: Vec<Pair>,
    pub(crate) env_vars: Vec<Pair>,
    pub(crate) labels: Vec<Pair>,
    pub(crate) entrypoint: Option<Vec<String>>,
    pub(crate) cmd: Option<Vec<String>>,
    pub(crate) exposed_ports: Vec<Port>,
    pub(crate) unexposed_ports: Vec<Port>,
    pub(crate) volumes: Vec<String>,
    pub(crate) unmounted_volumes: Vec<String>,
    pub(crate) workdir: String,
    pub(crate) user: String,
}

/// A key that must be there, and its value.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Pair {
    pub(crate) key: String,
    pub(crate) value: String,
    #[serde(default)]
    pub(crate) is_regex: bool,
}

/// `8080`, `"8080"` or `"53/udp"`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Port {
    Number(u16),
    Text(String),
}

impl Port {
    /// As configurations write it.
    pub(crate) fn name(&self) -> String {
        let text = match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        };
        if text.contains('/') { text } else { format!("{text}/tcp") }
    }
}

/// A file that is there, or is not.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct FileExpectation {
    #[serde(default)]
    pub(crate) name: String,
    pub(crate) path: String,
    #[serde(default = "yes")]
    pub(crate) should_exist: bool,
    /// As `ls` and Go print a mode, e.g. `-rw-r--r--`.
    #[serde(default)]
    pub(crate) permissions: String,
    #[serde(default)]
    pub(crate) uid: Option<i64>,
    #[serde(default)]
    pub(crate) gid: Option<i64>,
    #[serde(default)]
    pub(crate) is_executable_by: String,
}

fn yes() -> bool {
    true
}

/// The only version of the format that there is.
const SCHEMA_VERSION: &str = "2.0.0";

impl Expectations {
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let text = fs_err::read_to_string(path)?;
        Self::parse(&text).about(format!("expectations in `{}`", path.display())).or_usage()
    }

    fn parse(text: &str) -> Result<Self, Failure> {
        let expectations: Self = serde_saphyr::from_str(text).map_err(|error| anyhow!("{error}"))?;
        if expectations.schema_version != SCHEMA_VERSION {
            let error =
                anyhow!("`schemaVersion` is `{}`, expected `{SCHEMA_VERSION}`", expectations.schema_version);
            return Err(Failure::new(error).hint(format!("write `schemaVersion: \"{SCHEMA_VERSION}\"`")));
        }
        let running = [
            ("commandTests", &expectations.command_tests),
            ("fileContentTests", &expectations.file_content_tests),
            ("licenseTests", &expectations.license_tests),
        ];
        if let Some((name, _)) = running.iter().find(|(_, tests)| !tests.is_empty()) {
            let error =
                anyhow!("`{name}` are not supported: they need the bytes of the image, or a container");
            return Err(Failure::new(error)
                .hint("move them into a file of their own, for a test that runs the image")
                .hint("here are `metadataTest` and `fileExistenceTests`"));
        }
        Ok(expectations)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_yaml_and_json() {
        let yaml = "schemaVersion: 2.0.0\nmetadataTest:\n  exposedPorts: [80, \"53/udp\"]\nfileExistenceTests:\n- path: /a\n  uid: 0\n";
        let json = r#"{"schemaVersion": "2.0.0", "metadataTest": {"exposedPorts": [80, "53/udp"]}, "fileExistenceTests": [{"path": "/a", "uid": 0}]}"#;
        for text in [yaml, json] {
            let read = Expectations::parse(text).unwrap();
            let ports: Vec<_> = read.metadata_test.unwrap().exposed_ports.iter().map(Port::name).collect();
            assert_eq!(ports, ["80/tcp", "53/udp"]);
            let file = &read.file_existence_tests[0];
            assert!(file.should_exist);
            assert_eq!((file.uid, file.gid), (Some(0), None));
        }
    }

    #[test]
    fn says_what_it_does_not_know() {
        let table = [
            ("schemaVersion: 1.0.0", "`schemaVersion` is `1.0.0`, expected `2.0.0`"),
            ("{}", "`schemaVersion` is ``, expected `2.0.0`"),
            ("schemaVersion: 2.0.0\ncommandTests: [{name: x}]", "`commandTests` are not supported"),
            ("schemaVersion: 2.0.0\nfileContentTests: [{name: x}]", "`fileContentTests` are not supported"),
            ("schemaVersion: 2.0.0\nlicenseTests: [{debian: true}]", "`licenseTests` are not supported"),
            ("schemaVersion: 2.0.0\nmetadataTests: {}", "metadataTests"),
            ("schemaVersion: 2.0.0\nmetadataTest: {label: []}", "label"),
            ("schemaVersion: [", ""),
        ];
        for (text, part) in table {
            let message = Expectations::parse(text).unwrap_err().message();
            assert!(message.contains(part), "{text}: {message}");
        }
    }
}
