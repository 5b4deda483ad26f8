//! `builder blob`.

use serde_json::json;

use crate::support::{Workspace, make_layer};

#[test]
fn describes_any_file() {
    let workspace = Workspace::new();
    let values = r#"{"annotations":{"title":"mine"},"base_name_annotations":["title","name"],"base_name":"chart.bin","media_type":""}"#;
    workspace
        .write("in", "anything")
        .succeed(&["blob"], &["--input", "in", "--metadata", "m", "--values", values]);
    assert_eq!(
        workspace.json("m"),
        json!({
            "mediaType": "application/vnd.oci.image.layer.v1.tar",
            "digest": ::blob::digest_of(b"anything").to_string(),
            "size": 8,
            "annotations": {"name": "chart.bin", "title": "mine"},
        })
    );
}

#[test]
fn computes_diff_ids_of_compressed_tars() {
    let workspace = Workspace::new();
    make_layer(&workspace, "layer", "hello");
    let diff_id = workspace.json("layer.json")["diff_id"].clone();
    let values = r#"{"diff_id_annotations":["diff"],"media_type":"m","history":"h"}"#;
    workspace
        .succeed(&["blob"], &["--input", "layer.tgz", "--metadata", "m", "--diff-id", "--values", values]);
    let metadata = workspace.json("m");
    assert_eq!(metadata["diff_id"], diff_id);
    assert_eq!(metadata["annotations"]["diff"], diff_id);
    assert_eq!(metadata["history"][0]["created_by"], "h");

    // The annotation alone does not make the layer one that can be unpacked.
    workspace.succeed(&["blob"], &["--input", "layer.tgz", "--metadata", "m", "--values", values]);
    assert_eq!(workspace.json("m")["diff_id"], serde_json::Value::Null);
    assert_eq!(workspace.json("m")["annotations"]["diff"], diff_id);
}

#[test]
fn refuses_annotation_names_with_colons_and_tars_that_are_none() {
    let workspace = Workspace::new();
    workspace.write("in", "anything");
    let values = r#"{"label":"//x:y","diff_id_annotations":["a:b"]}"#;
    workspace.fail(
        &["blob"],
        &["--input", "in", "--metadata", "m", "--values", values],
        2,
        "error: //x:y: `diff_id_annotations`: `a:b` is not the name of an annotation; expected one without `:`\n",
    );
    workspace.fail(
        &["blob"],
        &["--input", "in", "--metadata", "m", "--diff-id", "--values", r#"{"label":"//x:y"}"#],
        2,
        "error: //x:y: `in` is not a tar: it begins with `anything`\n\
         hint: give a tar with the ending `.tar`, `.tar.gz`, `.tgz`, `.tar.zst` or `.tzst`\n\
         hint: for a layer that is no tar, use `layer_from_file`\n",
    );
}
