//! The program as a test target starts it: exit code, and what it prints.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

use std::process::Command;

use serde_json::json;
use tempfile::TempDir;

/// A folder of runfiles with one image and its request.
struct Target(TempDir);

const CONFIG: &str = r#"{"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": []},
    "config": {"User": "me", "Env": ["PATH=/bin", "EMPTY="], "Entrypoint": ["/a"], "Labels": {"l": "v1.2"},
               "ExposedPorts": {"80/tcp": {}}, "Volumes": {"/data": {}}, "WorkingDir": "/work"}}"#;
const LISTING: &str = "#mtree v2.0\n./a type=file mode=0750 uid=1 gid=2\n./b type=link mode=0777 link=a\n";

impl Target {
    fn new(expectations: &str, complete: bool) -> Self {
        let target = Self(tempfile::tempdir().unwrap());
        target.write("_main/config.json", CONFIG);
        target.write("_main/image.mtree", LISTING);
        target.write("_main/test.yaml", &format!("schemaVersion: 2.0.0\n{expectations}"));
        let request = json!({
            "images": [{"platform": "linux/amd64", "config": "_main/config.json", "listing": "_main/image.mtree", "complete": complete}],
            "expectations": ["_main/test.yaml"],
        });
        target.write("request.json", &request.to_string());
        target
    }

    fn write(&self, name: &str, content: &str) {
        let path = self.0.path().join(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, content).unwrap();
    }

    /// Exit code, and both outputs.
    fn run(&self) -> (i32, String) {
        let done = Command::new(env!("CARGO_BIN_EXE_tester"))
            .arg("--request")
            .arg(self.0.path().join("request.json"))
            .env("RUNFILES_DIR", self.0.path())
            .output()
            .unwrap();
        let text = String::from_utf8(done.stdout).unwrap() + &String::from_utf8(done.stderr).unwrap();
        (done.status.code().unwrap(), text)
    }
}

#[test]
fn what_holds() {
    let target = Target::new(
        r#"
metadataTest:
  env: [{key: PATH, value: /bin}, {key: EMPTY, value: ""}]
  labels: [{key: l, value: "^v1[.]", isRegex: true}]
  entrypoint: [/a]
  cmd: []
  exposedPorts: [80]
  unexposedPorts: [443/tcp]
  volumes: [/data]
  unmountedVolumes: [/tmp]
  workdir: /work
  user: me
fileExistenceTests:
- {path: /a, permissions: -rwxr-x---, uid: 1, gid: 2, isExecutableBy: group}
- {path: /b, permissions: Lrwxrwxrwx}
- {path: /c, shouldExist: false}
"#,
        true,
    );
    let (code, text) = target.run();
    assert_eq!(code, 0, "{text}");
    assert!(text.starts_with("ok      linux/amd64 env PATH (_main/test.yaml)\n"), "{text}");
    assert!(text.ends_with("14 passed, 0 failed\n"), "{text}");
}

#[test]
fn every_difference_is_told() {
    let table = [
        ("metadataTest: {env: [{key: PATH, value: /usr}]}", "expected `/usr`, found `/bin`"),
        ("metadataTest: {env: [{key: HOME, value: /}]}", "it is not set; set are [\"EMPTY\", \"PATH\"]"),
        (
            "metadataTest: {envVars: [{key: PATH, value: \"^x\", isRegex: true}]}",
            "`/bin` does not match `^x`",
        ),
        (
            "metadataTest: {labels: [{key: l, value: \"(\", isRegex: true}]}",
            "`(` is not a regular expression",
        ),
        ("metadataTest: {entrypoint: [/b]}", "expected [\"/b\"], found [\"/a\"]"),
        ("metadataTest: {cmd: [x]}", "expected [\"x\"], found []"),
        ("metadataTest: {exposedPorts: [443]}", "expected it among them, found [\"80/tcp\"]"),
        ("metadataTest: {unmountedVolumes: [/data]}", "expected it not among them, found [\"/data\"]"),
        ("metadataTest: {workdir: /}", "expected `/`, found `/work`"),
        ("fileExistenceTests: [{path: /c}]", "`/c` is not there"),
        ("fileExistenceTests: [{path: /a, shouldExist: false}]", "`/a` is there, but should not be"),
        ("fileExistenceTests: [{path: /a, uid: 0}]", "expected the uid 0, found 1"),
        ("fileExistenceTests: [{path: /b, gid: 0}]", "the listing does not say its gid"),
        (
            "fileExistenceTests: [{path: /a, permissions: -rwxr-xr-x}]",
            "expected the permissions `-rwxr-xr-x`, found `-rwxr-x---`",
        ),
        ("fileExistenceTests: [{path: /a, isExecutableBy: other}]", "it is not executable by other"),
        ("fileExistenceTests: [{path: /a, isExecutableBy: me}]", "`isExecutableBy` is `me`"),
    ];
    for (expectations, problem) in table {
        let (code, text) = Target::new(expectations, true).run();
        assert_eq!(code, 1, "{text}");
        assert!(text.starts_with("FAILED  linux/amd64 "), "{text}");
        assert!(text.contains(problem), "{expectations}: {text}");
        assert!(text.ends_with("0 passed, 1 failed\nerror: 1 of 1 checks failed\n"), "{text}");
    }
}

#[test]
fn what_nobody_can_tell_is_no_success() {
    let (code, text) = Target::new("fileExistenceTests: [{path: /a}]", false).run();
    assert_eq!(code, 0, "what lies on top is there: {text}");
    for expectations in
        ["fileExistenceTests: [{path: /c}]", "fileExistenceTests: [{path: /c, shouldExist: false}]"]
    {
        let (code, text) = Target::new(expectations, false).run();
        assert_eq!(code, 1);
        assert!(text.contains("nobody can tell whether `/c` is there"), "{text}");
    }
}

#[test]
fn a_test_without_checks_fails() {
    let (code, text) = Target::new("", true).run();
    assert_eq!((code, text.lines().nth(1).unwrap()), (2, "error: there is nothing to check"));
}

#[test]
fn files_that_are_missing() {
    let target = Target::new("", true);
    fs_err::remove_file(target.0.path().join("_main/test.yaml")).unwrap();
    assert_eq!(
        target.run(),
        (1, "error: `_main/test.yaml` is not among the runfiles\nhint: start this program with `bazel test`\n".to_owned())
    );
}

#[test]
fn images_of_a_layout() {
    let target = Target::new("metadataTest: {user: me}\nfileExistenceTests: [{path: /a, uid: 1}]\n", true);
    target.write("_main/documents/0_config.json", CONFIG);
    target.write("_main/documents/0.mtree", LISTING);
    let image = json!({"platform": "linux/arm64/v8", "config": "0_config.json", "listing": "0.mtree", "complete": true});
    target.write("_main/documents/images.json", &json!([image]).to_string());
    target.write(
        "request.json",
        &json!({"extracts": ["_main/documents"], "expectations": ["_main/test.yaml"]}).to_string(),
    );
    let (code, printed) = target.run();
    assert_eq!(code, 0, "{printed}");
    assert!(printed.contains("ok      linux/arm64/v8 file /a"), "{printed}");
    assert!(printed.ends_with("2 passed, 0 failed\n"), "{printed}");
}
