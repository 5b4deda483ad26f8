//! `builder layer`.

use crate::support::{Workspace, lines};

const FLAGS: [&str; 7] =
    ["--output", "layer.tgz", "--metadata", "layer.json", "--entries=entries", "--format", "gzip"];

const LISTING_FLAGS: [&str; 6] =
    ["--input", "layer.tgz", "--source-format", "gzip", "--output", "layer.mtree"];

fn with_values<'a>(values: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = FLAGS.to_vec();
    arguments.extend(more);
    arguments.extend(["--values", values]);
    arguments
}

fn two_files() -> Workspace {
    let workspace = Workspace::new();
    workspace.write("in/a", "hello\n").write("in/b", "hello\n");
    workspace
        .write("entries", lines(&[&["/app/a", "f", "in/a"], &["app/b", "f", "in/b"], &["l", "s", "app/a"]]));
    workspace
}

#[test]
fn writes_blob_metadata_and_listing() {
    let workspace = two_files();
    workspace.write("annotations", "from=file\nboth=file\n");
    let values = r#"{"label":"//x:y","history":"bazel build //x:y","media_type":"","default_metadata":{"mode":"0644"},
        "file_metadata":{"/app/b":{"uid":1}},"annotations":{"both":"attribute","io.deis.oras.content.digest":"DERIVE_FROM_DIFF_ID"}}"#
        .replace('\n', "");
    workspace.succeed(&["layer"], &with_values(&values, &["--annotations-file", "annotations"]));
    workspace.succeed(&["layer-listing"], &LISTING_FLAGS);
    assert_eq!(
        workspace.read("layer.mtree"),
        "#mtree v2.0\n\
         ./app/a type=file size=6 mode=0644 uid=0 gid=0 sha256digest=5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03 time=0 nlink=1\n\
         ./app/b type=file size=6 mode=0644 uid=1 gid=0 sha256digest=5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03 time=0 nlink=1\n\
         ./l type=link size=5 mode=0777 uid=0 gid=0 time=0 link=app/a\n"
    );
    let metadata = workspace.json("layer.json");
    assert_eq!(metadata["mediaType"], "application/vnd.oci.image.layer.v1.tar+gzip");
    assert_eq!(metadata["annotations"]["from"], "file");
    assert_eq!(metadata["annotations"]["both"], "attribute");
    assert_eq!(metadata["annotations"]["io.deis.oras.content.digest"], metadata["diff_id"]);
    assert_eq!(metadata["history"][0]["created_by"], "bazel build //x:y");
    assert_eq!(metadata["size"], fs_err::metadata(workspace.at("layer.tgz")).unwrap().len());
    let (digest, _) = ::blob::hash_file(&workspace.at("layer.tgz")).unwrap();
    assert_eq!(metadata["digest"], digest.to_string());
    assert!(workspace.read("layer.json").starts_with("{\n  \"diff_id\": \"sha256:"));
    assert!(workspace.read("layer.json").ends_with("}\n"));
}

#[test]
fn listings_look_as_asked() {
    let workspace = two_files();
    let style = [
        "--mtree-path-prefix=",
        "--mtree-options",
        "nlink,type",
        "--mtree-layout",
        "oci_layer_filesystem_applied_changeset",
    ];
    workspace.succeed(&["layer"], &with_values("{}", &[]));
    workspace.succeed(&["layer-listing"], &[&LISTING_FLAGS[..], &style].concat());
    assert_eq!(
        workspace.read("layer.mtree"),
        "#mtree v2.0\napp/ type=dir\napp/a nlink=2 type=file\napp/b nlink=2 type=file\nl type=link\n"
    );
    let ended =
        workspace.run(&["layer-listing"], &[&LISTING_FLAGS[..], &["--mtree-options", "type,sha1"]].concat());
    assert_eq!(ended.code, 2);
    assert!(
        ended.stderr.contains("--mtree-options") && ended.stderr.contains("unknown keyword `sha1`"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_listing_of_what_is_no_layer_is_an_error() {
    let workspace = Workspace::new();
    workspace.write("layer.tgz", "hello\n");
    let ended = workspace.run(&["layer-listing"], &LISTING_FLAGS);
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert!(ended.stderr.starts_with("error: `layer.tgz` is not gzip data"), "{}", ended.stderr);
    assert_eq!(workspace.files(), ["layer.tgz"]);
}

#[test]
fn jobs_change_nothing() {
    let workspace = two_files();
    workspace.write("in/a", vec![b'x'; 5 << 20]).succeed(&["layer"], &with_values("{}", &["--jobs", "1"]));
    let expected = workspace.read("layer.json");
    for jobs in ["2", "3", "8"] {
        workspace.succeed(&["layer"], &with_values("{}", &["--jobs", jobs]));
        assert_eq!(workspace.read("layer.json"), expected);
    }
}

/// The run fails, and no output is there.
fn fail(workspace: &Workspace, values: &str, more: &[&str], code: i32, stderr: &str) {
    workspace.fail(&["layer"], &with_values(values, more), code, stderr);
    assert!(!workspace.files().iter().any(|file| file.contains("layer") || file.starts_with('.')));
}

#[test]
fn two_sources_for_one_path() {
    let workspace = two_files();
    workspace.write("in/b", "HELLO\n").write("entries", lines(&[&["x", "f", "in/a"], &["/x", "f", "in/b"]]));
    fail(
        &workspace,
        r#"{"label":"//x:y"}"#,
        &[],
        2,
        "error: //x:y: two sources for `/x`: `in/a` and `in/b`\n\
         hint: give each of them a path of its own, or remove one\n",
    );
}

#[test]
fn metadata_that_fits_nothing() {
    let workspace = two_files();
    fail(
        &workspace,
        r#"{"label":"//x:y","file_metadata":{"/app/c":{"mode":"0600"}}}"#,
        &[],
        2,
        "error: //x:y: `file_metadata` for a path that the layer does not have: `/app/c`\n\
         hint: entries with similar paths: `/app/a`, `/app/b`\n",
    );
    fail(
        &workspace,
        r#"{"label":"//x:y","file_metadata":{"/app/a":{"mode":"rwx"}}}"#,
        &[],
        2,
        "error: //x:y: `file_metadata` of `/app/a`: `rwx` is not a mode; expected octal digits, at most `7777`, such as `0644`\n",
    );
}

#[test]
fn paths_that_leave_the_image() {
    let workspace = two_files();
    workspace.write("entries", lines(&[&["../x", "f", "in/a"]]));
    fail(
        &workspace,
        r#"{"label":"//x:y"}"#,
        &[],
        2,
        "error: //x:y: entries in `entries`: `../x` is not a path in an image: `..` may lead out of it\n",
    );
}

#[test]
fn a_level_that_does_not_exist() {
    fail(
        &two_files(),
        r#"{"label":"//x:y"}"#,
        &["--level", "10"],
        2,
        "error: //x:y: level 10 is not one of gzip; expected 0 (stored) to 9\n",
    );
}

#[test]
fn a_source_that_is_not_there() {
    let workspace = two_files();
    workspace.write("entries", lines(&[&["x", "f", "in/gone"]]));
    fail(
        &workspace,
        r#"{"label":"//x:y"}"#,
        &[],
        1,
        "error: //x:y: failed to read an input of the layer: failed to query resolved metadata `in/gone`: No such file or directory (os error 2)\n",
    );
}
