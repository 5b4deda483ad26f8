//! Placeholders in images, times and subjects.

use serde_json::{Value, json};

use crate::support::{Workspace, make_image};

const OUTPUTS: [&str; 8] = ["--manifest", "m", "--config", "c", "--descriptor", "d", "--digest", "x"];

/// `--values` of an image with some more.
fn values(more: &Value) -> String {
    let mut all = json!({"label": "//x:y", "os": "linux", "architecture": "amd64"});
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    all.to_string()
}

/// A base with an environment, `base_manifest` and `base_config`.
fn with_base() -> Workspace {
    let workspace = Workspace::new();
    make_image(
        &workspace,
        "base",
        &[],
        &[],
        &values(&json!({"env": {"PATH": "/bin", "A": "base"}, "labels": {"l": "m"}})),
    );
    workspace
}

const BASE: [&str; 4] = ["--base-manifest", "base_manifest", "--base-config", "base_config"];

#[test]
fn values_are_expanded_and_keys_are_not() {
    let workspace = with_base();
    workspace
        .write("volatile", "BUILD_TIMESTAMP 1700000000\nUSER volatile\n")
        .write("stable", "USER stable\nCOMMIT abc\n")
        .write("labels", "from_file={{.COMMIT}}\n{{.COMMIT}}=key\n")
        .write("more_labels", "raw={{.COMMIT}}\nl=lowest\nfrom_rule=lowest\n")
        .write("notes", r#"{"n": "{{.base.digest}}"}"#);
    let typed = values(&json!({
        "env": {"PATH": "{{$PATH}}:/app", "A": "{{appendkv .base.config.config.env \"A\" \"+\"}}", "V": "{{.VERSION}}-{{.N}}"},
        "labels": {"from_rule": "{{.USER}}", "from_file": "lost"},
        "annotations": {"when": "{{.BUILD_TIMESTAMP_RFC3339}}", "none": "{{.NOBODY}}"},
        "created_timestamp": "{{.BUILD_TIMESTAMP_RFC3339}}",
        "build_settings": {"VERSION": "1.2", "N": 3, "USER": "setting"},
    }));
    let files = [
        "--stamp=volatile",
        "--stamp=stable",
        "--label-file=labels",
        "--additional-labels-file=more_labels",
        "--annotations-file=notes",
    ];
    make_image(&workspace, "image", &[], &[&BASE[..], &files[..]].concat(), &typed);
    let config = workspace.json("image_config");
    assert_eq!(config["created"], "2023-11-14T22:13:20Z");
    assert_eq!(config["config"]["Env"], json!(["A=base+", "PATH=/bin:/app", "V=1.2-3"]));
    assert_eq!(
        config["config"]["Labels"],
        json!({"from_file": "abc", "from_rule": "setting", "l": "lowest", "raw": "{{.COMMIT}}", "{{.COMMIT}}": "key"})
    );
    let annotations = &workspace.json("image_manifest")["annotations"];
    assert_eq!(annotations["when"], "2023-11-14T22:13:20Z");
    assert_eq!(annotations["none"], "<no value>");
    assert_eq!(annotations["n"], workspace.read("base_digest"));
}

#[test]
fn without_a_base_or_a_stamp_build_settings_count_too() {
    let workspace = Workspace::new();
    let typed =
        values(&json!({"labels": {"v": "{{.VERSION}}"}, "created_timestamp": "{{.BUILD_TIMESTAMP_RFC3339}}",
                               "build_settings": {"VERSION": "1.2"}}));
    make_image(&workspace, "image", &[], &[], &typed);
    let config = workspace.json("image_config");
    assert_eq!(config["config"]["Labels"], json!({"v": "1.2"}));
    assert_eq!(config["created"], Value::Null);
}

#[test]
fn an_index_has_templates_too() {
    let workspace = with_base();
    workspace.write("stable", "COMMIT abc\n").succeed(
        &["index"],
        &[
            &[
                "--index",
                "i",
                "--descriptor",
                "id",
                "--digest",
                "ix",
                "--manifest",
                "base_descriptor",
                "--stamp=stable",
            ][..],
            &BASE[..],
            &["--subject-descriptor=base_descriptor", "--values"],
            &[r#"{"annotations":{"a":"{{.COMMIT}} {{$PATH}} {{.V}}"},"build_settings":{"V":true}}"#],
        ]
        .concat(),
    );
    let index = workspace.json("i");
    assert_eq!(index["annotations"], json!({"a": "abc /bin true"}));
    let base = workspace.json("base_descriptor");
    assert_eq!(
        index["subject"],
        json!({"mediaType": base["mediaType"], "digest": base["digest"], "size": base["size"]}),
        "what it is, and nothing else"
    );
}

#[test]
fn a_subject_is_named_by_the_manifest() {
    let workspace = with_base();
    make_image(&workspace, "image", &[], &["--subject-descriptor=base_descriptor"], &values(&json!({})));
    assert_eq!(workspace.json("image_manifest")["subject"]["digest"], workspace.read("base_digest"));
}

#[test]
fn times_come_from_a_file_as_they_are() {
    let workspace = Workspace::new();
    workspace.write("time", " 2024-02-29T12:00:00+02:00\n");
    make_image(&workspace, "image", &[], &["--created-file=time"], &values(&json!({})));
    assert_eq!(workspace.json("image_config")["created"], "2024-02-29T12:00:00+02:00");
}

#[test]
fn wrong_values_are_named() {
    let workspace = Workspace::new();
    workspace.write("empty", "\n").write("status", "BUILD_TIMESTAMP soon\n");
    let brace_hint = "hint: write `{{` as `{{\"{{\"}}` where it is not meant as the start of a placeholder\n";
    let table = [
        (
            json!({"env": {"A": "{{.X"}}),
            "",
            format!("`A` in `env`: the template `{{{{.X` cannot be expanded: template: 1:5: unclosed action\n{brace_hint}"),
        ),
        (
            json!({"labels": {"A": "{{if .X}}"}}),
            "",
            format!("`A` in `labels`: the template `{{{{if .X}}}}` cannot be expanded: execution error: `if` has no `end`\n{brace_hint}"),
        ),
        (
            json!({"created_timestamp": "yesterday"}),
            "",
            "`created_timestamp`: `yesterday` is not a time in RFC 3339 format, such as `2024-02-29T12:00:00Z`\n".to_owned(),
        ),
        (
            json!({}),
            "--created-file=empty",
            "`created` `empty`: the file is empty; expected a time\n\
             hint: write a time such as `2024-02-29T12:00:00Z` into it, or leave out `created`\n"
                .to_owned(),
        ),
    ];
    for (more, file, expected) in table {
        let typed = values(&more);
        let mut arguments = [&OUTPUTS[..], &["--values", &typed]].concat();
        arguments.extend(Some(file).filter(|file| !file.is_empty()));
        workspace.fail(&["manifest"], &arguments, 2, &format!("error: //x:y: {expected}"));
    }
    let ended = workspace
        .run(&["manifest"], &[&OUTPUTS[..], &["--stamp=status", "--values", &values(&json!({}))]].concat());
    assert!(ended.stderr.starts_with("error: //x:y: status file `status`: "), "{}", ended.stderr);
}
