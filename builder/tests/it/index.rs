//! `builder index`.

use crate::support::{Workspace, make_image};

#[test]
fn lists_descriptors_in_order() {
    let workspace = Workspace::new();
    make_image(
        &workspace,
        "arm",
        &[],
        &[],
        r#"{"os":"linux","architecture":"arm","variant":"v7","annotations":{"a":"b"}}"#,
    );
    make_image(&workspace, "amd", &[], &[], r#"{"os":"linux","architecture":"amd64"}"#);
    workspace.write("notes", r#"{"n": ["1", "2"]}"#).succeed(
        &["index"],
        &[
            "--index",
            "i",
            "--descriptor",
            "d",
            "--digest",
            "x",
            "--manifest",
            "arm_descriptor",
            "--manifest",
            "amd_descriptor",
            "--annotations-file",
            "notes",
            "--values",
            r#"{"label":"//x:y","annotations":{"n":"0","m":"0"}}"#,
        ],
    );
    let index = workspace.read("i");
    assert_eq!(
        index,
        format!(
            r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{},{}],"annotations":{{"m":"0","n":"2"}}}}"#,
            workspace.read("arm_descriptor"),
            workspace.read("amd_descriptor")
        )
    );
    let digest = blob::digest_of(index.as_bytes());
    assert_eq!(workspace.read("x"), digest.to_string());
    assert_eq!(
        workspace.read("d"),
        format!(
            r#"{{"mediaType":"application/vnd.oci.image.index.v1+json","digest":"{digest}","size":{}}}"#,
            index.len()
        )
    );
}

#[test]
fn a_descriptor_that_is_none() {
    let workspace = Workspace::new();
    workspace.write("bad", "{}").fail(
        &["index"],
        &[
            "--index",
            "i",
            "--descriptor",
            "d",
            "--digest",
            "x",
            "--manifest",
            "bad",
            "--values",
            r#"{"label":"//x:y"}"#,
        ],
        1,
        "error: //x:y: `bad` is not a descriptor: missing field `mediaType` at line 1 column 2\n",
    );
    assert_eq!(workspace.files(), ["bad"]);
}
