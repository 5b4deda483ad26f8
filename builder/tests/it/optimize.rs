//! `builder optimize`.

use serde_json::{Value, json};

use crate::support::{Workspace, make_image, make_layer};

const MANIFEST: [&str; 10] = [
    "--manifest=m",
    "--config=c",
    "--descriptor=d",
    "--digest=x",
    "--source-manifest=image_manifest",
    "--source-config=image_config",
    "--source-descriptor=image_descriptor",
    "--layer",
    "new.json",
    "--layer=new.json",
];

/// An image of two layers with fields that nobody knows, and one of its layers again as zstd.
fn with_image() -> Workspace {
    let workspace = Workspace::new();
    make_layer(&workspace, "layer", "hello");
    let values = r#"{"os":"linux","architecture":"amd64","annotations":{"a":"b"}}"#;
    make_image(&workspace, "image", &["layer", "layer"], &[], values);
    let mut manifest = workspace.json("image_manifest");
    manifest["unknown"] = json!({"z": 1, "a": 2});
    manifest["layers"][0]["annotations"] = json!({"keep": "this"});
    let mut config = workspace.json("image_config");
    config["config"] = json!({"Healthcheck": {"Test": ["NONE"]}});
    workspace
        .write("image_manifest", manifest.to_string())
        .write("image_config", config.to_string())
        .succeed(
            &["import"],
            &[
                "--input=layer.tgz",
                "--source-format=gzip",
                "--output=new.tzst",
                "--format=zstd",
                "--metadata=new.json",
                "--values",
                "{}",
            ],
        );
    workspace
}

#[test]
fn only_what_was_compressed_anew_changes() {
    let workspace = with_image();
    workspace.succeed(&["optimize", "manifest"], &MANIFEST);
    let new = workspace.json("new.json");
    let mut expected = workspace.json("image_manifest");
    for layer in expected["layers"].as_array_mut().unwrap() {
        layer["mediaType"] = json!("application/vnd.oci.image.layer.v1.tar+zstd");
        layer["digest"] = new["digest"].clone();
        layer["size"] = new["size"].clone();
    }
    let config = workspace.read("c");
    assert_eq!(config, workspace.read("image_config"), "the uncompressed layers are the same");
    expected["config"]["digest"] = json!(blob::digest_of(config.as_bytes()));
    expected["config"]["size"] = json!(config.len());
    assert_eq!(workspace.read("m"), expected.to_string());

    let digest = blob::digest_of(workspace.read("m").as_bytes()).to_string();
    assert_eq!(workspace.read("x"), digest);
    let mut descriptor = workspace.json("image_descriptor");
    descriptor["digest"] = json!(digest);
    descriptor["size"] = json!(workspace.read("m").len());
    assert_eq!(workspace.json("d"), descriptor, "platform and annotations stay");
}

#[test]
fn a_layer_that_is_missing() {
    let workspace = with_image();
    workspace.fail(
        &["optimize", "manifest"],
        &MANIFEST[..9],
        2,
        "error: the manifest has 2 layers, but 1 were given\n",
    );
}

#[test]
fn an_index_follows_its_images() {
    let workspace = with_image();
    workspace.succeed(&["optimize", "manifest"], &MANIFEST);
    let entry = workspace.json("image_descriptor");
    let other = json!({"mediaType": "x", "digest": format!("sha256:{}", "1".repeat(64)), "size": 1});
    let index = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [other, entry], "unknown": true});
    workspace.write("index", index.to_string()).write(
        "index_descriptor",
        json!({"mediaType": index["mediaType"], "digest": entry["digest"], "size": 1}).to_string(),
    );
    workspace.succeed(
        &["optimize", "index"],
        &[
            "--index=i",
            "--descriptor=id",
            "--digest=ix",
            "--source-index=index",
            "--source-descriptor=index_descriptor",
            "--source-manifest=image_descriptor",
            "--manifest=d",
        ],
    );
    let mut expected: Value = index;
    expected["manifests"][1]["digest"] = workspace.json("d")["digest"].clone();
    expected["manifests"][1]["size"] = workspace.json("d")["size"].clone();
    assert_eq!(workspace.read("i"), expected.to_string());
    assert_eq!(workspace.json("id")["digest"], json!(workspace.read("ix")));
}
