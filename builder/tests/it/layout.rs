//! `builder layout` and `builder listing`.

use crate::support::{Workspace, lines, make_image, make_layer};

const VALUES: &str = r#"{"label":"//x:y","names":["localhost/app:1"],"platform":"linux/amd64"}"#;

/// An image of one layer.
fn with_image() -> Workspace {
    let workspace = Workspace::new();
    make_layer(&workspace, "layer", "hello");
    make_image(&workspace, "image", &["layer"], &[], r#"{"os":"linux","architecture":"amd64"}"#);
    workspace
}

fn entries(blob: &str) -> String {
    lines(&[&["manifest", "image_manifest", "image_config"], &["layer", blob]])
}

fn arguments<'a>(format: &'a str, output: &'a str) -> Vec<&'a str> {
    vec![
        "--format",
        format,
        "--output",
        output,
        "--descriptor=image_descriptor",
        "--entries=list",
        "--values",
        VALUES,
    ]
}

#[test]
fn every_format() {
    let workspace = with_image();
    workspace.write("list", entries("layer.tgz"));
    for (format, file) in [
        ("directory", "out/index.json"),
        ("archive", "out"),
        ("docker", "out"),
        ("sparse", "out/root.descriptor.json"),
    ] {
        workspace.succeed(&["layout"], &arguments(format, "out"));
        assert!(workspace.at(file).is_file(), "{format}");
        let _ =
            fs_err::remove_dir_all(workspace.at("out")).or_else(|_| fs_err::remove_file(workspace.at("out")));
    }
}

#[test]
fn layers_that_stayed_in_the_registry() {
    let workspace = with_image();
    workspace.write("list", entries(""));
    let digest = workspace.json("layer.json")["digest"].as_str().unwrap().to_owned();
    workspace.fail(
        &["layout"],
        &arguments("archive", "out"),
        1,
        &format!(
            "error: //x:y: 1 of the image's blobs are not part of the build, the first is `{digest}`\n\
             hint: a shallow `pull` leaves layers in the registry: set `layer_handling` at the `pull` of the base to `eager` or `lazy`\n\
             hint: or do without them: --@rules_img//img/settings:shallow_oci_layout=i_know_what_i_am_doing\n"
        ),
    );
    assert!(!workspace.at("out").exists());
    workspace.succeed(&["layout"], &[arguments("archive", "out"), vec!["--allow-missing-blobs"]].concat());
}

#[test]
fn a_list_that_is_none() {
    let workspace = with_image();
    workspace.write("list", lines(&[&["layer", "layer.tgz"]])).fail(
        &["layout"],
        &arguments("archive", "out"),
        2,
        "error: //x:y: `layer layer.tgz` in `list` is not an entry of a layout\n",
    );
}

#[test]
fn listings_are_merged() {
    let workspace = Workspace::new();
    workspace
        .write("lower", "#mtree v2.0\n./b/x type=file\n./a type=file\n")
        .write("upper", "#mtree v2.0\n./b/.wh.x type=file\n./c type=file\n");
    let listings = ["--listing", "lower", "--listing", "upper", "--output", "out", "--arrangement"];
    let run = |arrangement| {
        workspace.succeed(&["listing"], &[&listings[..], &[arrangement]].concat());
        workspace.read("out")
    };
    assert_eq!(
        run("oci_layer_filesystem_applied_changeset"),
        "#mtree v2.0\n./a type=file\n./b type=dir\n./c type=file\n"
    );
    assert_eq!(
        run("tar"),
        "#mtree v2.0\n./b/x type=file\n./a type=file\n./b/.wh.x type=file\n./c type=file\n"
    );
    workspace.write("upper", "../x type=file\n").fail(
        &["listing"],
        &[&listings[..], &["tar"]].concat(),
        2,
        "error: line 1 of the listing `upper`: the path leaves the image\n",
    );
}
