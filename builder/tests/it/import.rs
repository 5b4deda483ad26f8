//! `builder import`.

use crate::support::{Workspace, lines};

fn archive(format: &str) -> Workspace {
    let workspace = Workspace::new();
    workspace.write("a", "same").write("b", "same");
    workspace.write("entries", lines(&[&["a", "f", "a"], &["b", "f", "b"]])).succeed(
        &["layer"],
        &[
            "--output",
            "in",
            "--metadata",
            "in.json",
            "--entries=entries",
            "--format",
            format,
            "--values",
            "{}",
        ],
    );
    workspace
}

#[test]
fn takes_an_archive_as_it_is() {
    let workspace = archive("zstd");
    workspace.succeed(
        &["import"],
        &["--input", "in", "--source-format", "zstd", "--metadata", "m", "--values", "{}"],
    );
    assert_eq!(workspace.read("m"), workspace.read("in.json"));
}

#[test]
fn the_same_format_is_a_copy() {
    let workspace = archive("gzip");
    let flags = [
        "--input",
        "in",
        "--source-format",
        "gzip",
        "--metadata",
        "m",
        "--output",
        "out",
        "--format",
        "gzip",
    ];
    workspace.succeed(&["import"], &[&flags[..], &["--values", "{}"]].concat());
    assert!(fs_err::read(workspace.at("in")).unwrap() == fs_err::read(workspace.at("out")).unwrap());
    assert_eq!(workspace.read("m"), workspace.read("in.json"));
}

#[test]
fn compresses_anew_and_optimizes() {
    let workspace = archive("none");
    let diff_id = workspace.json("in.json")["diff_id"].clone();
    for more in [["--jobs", "2"].as_slice(), &["--optimize"], &["--level", "9", "--optimize"]] {
        let flags = [
            "--input",
            "in",
            "--source-format",
            "none",
            "--metadata",
            "m",
            "--output",
            "out",
            "--format",
            "zstd",
        ];
        let values =
            r#"{"label":"//x:y","annotations":{"a":"b"},"media_type":"application/x","history":"h"}"#;
        workspace.succeed(&["import"], &[&flags[..], more, &["--values", values]].concat());
        let metadata = workspace.json("m");
        assert_eq!(metadata["diff_id"], diff_id);
        assert_eq!(metadata["mediaType"], "application/x");
        assert_eq!(metadata["history"][0]["created_by"], "h");
        assert_eq!(metadata["annotations"]["a"], "b");
    }
}

#[test]
fn a_tar_that_is_none() {
    let workspace = Workspace::new();
    workspace.write("in", "<html>\n<body>Not found</body>").fail(
        &["import"],
        &[
            "--input",
            "in",
            "--source-format",
            "none",
            "--metadata",
            "m",
            "--output",
            "out",
            "--format",
            "gzip",
            "--values",
            r#"{"label":"//x:y"}"#,
        ],
        2,
        "error: //x:y: `in` is not a tar: it begins with `<html>\\n<body>Not`\n\
         hint: give a tar with the ending `.tar`, `.tar.gz`, `.tgz`, `.tar.zst` or `.tzst`\n\
         hint: for a layer that is no tar, use `layer_from_file`\n",
    );
    assert_eq!(workspace.files(), ["in"]);
}

#[test]
fn a_truncated_archive() {
    let workspace = archive("none");
    let bytes = fs_err::read(workspace.at("in")).unwrap();
    workspace.write("in", &bytes[..700]).fail(
        &["import"],
        &["--input", "in", "--source-format", "none", "--metadata", "m", "--values", r#"{"label":"//x:y"}"#],
        2,
        "error: //x:y: `in`, byte 700 of the uncompressed archive, after entry `a`: the archive is truncated: expected 508 more bytes, found 184\n\
         hint: make or download the file again\n",
    );
}
