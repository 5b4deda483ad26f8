//! Wrong usage, whatever the verb.

use crate::support::Workspace;

#[test]
fn wrong_usage_is_exit_code_two() {
    let workspace = Workspace::new();
    for arguments in [
        ["layer"].as_slice(),
        &["nothing"],
        &["layer", "--no-such-flag"],
        &["layer", "@missing"],
        &["import", "--input", "a", "--source-format", "rar", "--metadata", "m", "--values", "{}"],
        &[
            "import",
            "--input",
            "a",
            "--source-format",
            "none",
            "--optimize",
            "--metadata",
            "m",
            "--values",
            "{}",
        ],
        &["layer", "--jobs", "0"],
    ] {
        let ended = workspace.run_directly(arguments);
        assert_eq!(ended.code, 2, "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.starts_with("error: "), "{arguments:?}: {}", ended.stderr);
    }
    assert!(workspace.files().is_empty());
}

#[test]
fn values_that_are_not_json_are_refused() {
    let arguments = [
        "--index",
        "i",
        "--descriptor",
        "d",
        "--digest",
        "x",
        "--values",
        r#"{"label":"//:x","no_such_field":1}"#,
    ];
    Workspace::new().fail(
        &["index"],
        &arguments,
        2,
        "error: the value of `--values` is not what this command takes: unknown field `no_such_field`, expected one of `label`, `annotations`, `build_settings` at line 1 column 31\n",
    );
}
