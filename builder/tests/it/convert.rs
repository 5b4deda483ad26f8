//! `builder convert`: what `builder layout` writes is read back.

use serde_json::Value;

use crate::support::{Workspace, lines, make_image, make_layer};

const GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";

/// A layout of one image, in `layout`.
fn with_layout() -> Workspace {
    let workspace = Workspace::new();
    make_layer(&workspace, "layer", "hello");
    make_image(&workspace, "image", &["layer"], &[], r#"{"os":"linux","architecture":"arm64"}"#);
    workspace
        .write("parts", lines(&[&["manifest", "image_manifest", "image_config"], &["layer", "layer.tgz"]]));
    workspace.succeed(
        &["layout"],
        &[
            "--output=layout",
            "--format=directory",
            "--descriptor=image_descriptor",
            "--entries=parts",
            "--values",
            "{}",
        ],
    );
    workspace
}

fn wanted(platform: &str, layers: &[&str]) -> String {
    let mut all = lines(&[&["manifest", platform, "m", "c", "d"]]);
    for media_type in layers {
        all += &lines(&[&["layer", media_type, "b", "l.json", "l.mtree"]]);
    }
    all
}

const ARGUMENTS: [&str; 5] =
    ["--layout=layout", "--entries=wanted", "--digest=x", "--values", r#"{"label":"//x:y"}"#];

#[test]
fn what_was_written_is_read() {
    let workspace = with_layout();
    workspace.write("wanted", wanted("linux/arm64", &[GZIP])).succeed(&["convert"], &ARGUMENTS);
    for (read, written) in
        [("m", "image_manifest"), ("c", "image_config"), ("x", "image_digest"), ("d", "image_descriptor")]
    {
        assert_eq!(workspace.read(read), workspace.read(written), "{read}");
    }
    assert_eq!(fs_err::read(workspace.at("b")).unwrap(), fs_err::read(workspace.at("layer.tgz")).unwrap());
    let (mut read, mut written) = (workspace.json("l.json"), workspace.json("layer.json"));
    for metadata in [&mut read, &mut written] {
        metadata.as_object_mut().unwrap().remove("history");
    }
    assert_eq!(read, written);
    assert!(workspace.read("l.mtree").contains("./file type=file"));
}

#[test]
fn an_index_over_what_was_read() {
    let workspace = with_layout();
    workspace
        .write("wanted", wanted("linux/arm64", &[GZIP]))
        .succeed(&["convert"], &[&ARGUMENTS[..], &["--index=i", "--index-descriptor=id"]].concat());
    assert_eq!(workspace.json("i")["manifests"], Value::Array(vec![workspace.json("image_descriptor")]));
    assert_eq!(workspace.json("id")["digest"], Value::String(workspace.read("x")));
}

#[test]
fn what_is_not_there_is_named() {
    let workspace = with_layout();
    let table = [
        (
            wanted("linux/amd64", &[GZIP]),
            1,
            "the layout has no image for `linux/amd64`\nhint: it has images for linux/arm64/v8\n".to_owned(),
        ),
        (
            wanted("linux/arm64", &[GZIP, GZIP]),
            2,
            format!(
                "the image for `linux/arm64/v8`: it has 1 layers, but `layers` names 2\nhint: the media types of its layers are {GZIP}\n"
            ),
        ),
        (
            wanted("linux/arm64", &[ZSTD]),
            2,
            format!(
                "the image for `linux/arm64/v8`: layer 0: its media type is `{GZIP}`, but `layers` says `{ZSTD}`\nhint: write `{GZIP}` in its place in `layers`\n"
            ),
        ),
    ];
    for (list, code, expected) in table {
        workspace.write("wanted", list).fail(
            &["convert"],
            &ARGUMENTS,
            code,
            &format!("error: //x:y: {expected}"),
        );
    }
    fs_err::remove_file(workspace.at("layout/oci-layout")).unwrap();
    workspace.fail(
        &["convert"],
        &ARGUMENTS,
        1,
        "error: //x:y: `layout` is not an OCI layout: it has no file `oci-layout`\n",
    );
}

#[test]
fn damaged_blobs_are_found() {
    let workspace = with_layout();
    let digest = workspace.json("layer.json")["digest"].as_str().unwrap().replace("sha256:", "blobs/sha256/");
    let path = format!("layout/{digest}");
    make_layer(&workspace, "other", "other");
    fs_err::copy(workspace.at("other.tgz"), workspace.at(&path)).unwrap();
    workspace.write("wanted", wanted("linux/arm64", &[GZIP]));
    let ended = workspace.run(&["convert"], &ARGUMENTS);
    assert!(ended.stderr.contains("layer 0: "), "{}", ended.stderr);
    assert!(ended.stderr.contains("is not the blob that the manifest names"), "{}", ended.stderr);
}

#[test]
fn what_can_be_checked_without_layers() {
    let workspace = with_layout();
    let arguments = ["--layout=layout", "--output=documents", "--values", r#"{"label":"//x:y"}"#];
    workspace.succeed(&["extract"], &arguments);
    assert_eq!(
        workspace.json("documents/images.json"),
        serde_json::json!([{"platform": "linux/arm64/v8", "config": "0_config.json", "listing": "0.mtree", "complete": true}])
    );
    assert_eq!(workspace.read("documents/0_config.json"), workspace.read("image_config"));
    assert!(workspace.read("documents/0.mtree").contains("./file type=file"));
    // A layer that is another one is seen.
    let blobs = workspace.at("layout/blobs/sha256");
    let digest = workspace.json("layer.json")["digest"].as_str().unwrap().replace("sha256:", "");
    make_layer(&workspace, "other", "another one");
    fs_err::copy(workspace.at("other.tgz"), blobs.join(digest)).unwrap();
    let ended = workspace.run(&["extract"], &arguments);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(ended.stderr.contains("//x:y"), "{}", ended.stderr);
    assert!(ended.stderr.contains("is not the blob that the manifest names"), "{}", ended.stderr);
}
