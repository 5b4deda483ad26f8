//! `builder copy`.

use crate::support::Workspace;

const ARGUMENTS: &[&str] =
    &["--input", "in", "--metadata", "m", "--output", "out", "--output-metadata", "m2"];

#[test]
fn copies_blob_and_metadata() {
    let workspace = Workspace::new();
    let content = "anything\n".repeat(300_000);
    workspace
        .write("in", &content)
        .succeed(&["blob"], &["--input", "in", "--metadata", "m", "--values", "{}"])
        .succeed(&["copy"], ARGUMENTS);
    assert_eq!(workspace.read("out"), content);
    assert_eq!(workspace.read("m2"), workspace.read("m"));
}

#[test]
fn refuses_what_the_metadata_does_not_say() {
    let workspace = Workspace::new();
    workspace
        .write("in", "anything")
        .succeed(&["blob"], &["--input", "in", "--metadata", "m", "--values", "{}"]);
    let expected = ::blob::digest_of(b"anything");
    for (content, why) in [
        (
            "anythinG",
            format!(
                "content does not match its digest: expected `{expected}`, found `{}`",
                ::blob::digest_of(b"anythinG")
            ),
        ),
        ("any", format!("content is truncated: expected 8 bytes of `{expected}`, found 3")),
        ("anything else", format!("content is longer than the 8 bytes promised for `{expected}`")),
    ] {
        let message = format!("error: failed to copy `in`: {why}\n");
        workspace.write("in", content).fail(&["copy"], ARGUMENTS, 1, &message);
        assert_eq!(workspace.files(), ["in", "m"], "nothing half-written");
    }
    workspace.write("m", "{}").fail(
        &["copy"],
        ARGUMENTS,
        1,
        "error: `m` is not the metadata of a layer: missing field `mediaType` at line 1 column 2\n",
    );
}
