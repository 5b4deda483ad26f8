//! `builder manifest`.

use serde_json::{Value, json};

use crate::support::{Workspace, make_image, make_layer};

const OUTPUTS: [&str; 8] = ["--manifest", "m", "--config", "c", "--descriptor", "d", "--digest", "x"];
const LINUX: &str = r#"{"label":"//x:y","os":"linux","architecture":"amd64"}"#;

/// A base image made by other hands: docker's types, fields that we do not know.
fn docker_base(config_type: &str) -> Workspace {
    let workspace = Workspace::new();
    make_layer(&workspace, "layer", "hello");
    let diff_id = "sha256:".to_owned() + &"1".repeat(64);
    let config = json!({
        "architecture": "amd64", "os": "linux", "created": "2024-01-01T00:00:00Z", "author": "somebody",
        "config": {"Env": ["PATH=/bin", "A=base"], "Cmd": ["sh"], "Labels": {"from": "base"}, "Volumes": null,
                   "Healthcheck": {"Test": ["CMD", "true"]}},
        "rootfs": {"type": "layers", "diff_ids": [diff_id]},
        "history": [{"created_by": "base", "unknown": 1}, {"created_by": "env", "empty_layer": true}],
        "os.version": "1.2",
    })
    .to_string();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {"mediaType": config_type, "digest": blob::digest_of(config.as_bytes()).to_string(), "size": config.len()},
        "layers": [{"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
                    "digest": "sha256:".to_owned() + &"2".repeat(64), "size": 7}],
        "annotations": {"not": "inherited"},
    });
    workspace.write("base_config", config).write("base_manifest", manifest.to_string());
    workspace
}

const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
const BASE: [&str; 4] = ["--base-manifest", "base_manifest", "--base-config", "base_config"];

#[test]
fn from_scratch_byte_for_byte() {
    let workspace = Workspace::new();
    make_layer(&workspace, "layer", "hello");
    let layer = workspace.json("layer.json");
    let values = r#"{"label":"//x:y","os":"linux","architecture":"arm64","variant":"","env":{"B":"2","A":"1"},"layer_env":{"A":"0","C":"3"},
        "entrypoint":["/file"],"cmd":null,"user":"me","working_dir":"","stop_signal":null,"labels":{"l":"v"},"annotations":{"n":"m"},
        "base_name":"","config_media_type":"","artifact_type":""}"#
        .replace('\n', "");
    make_image(&workspace, "image", &["layer"], &[], &values);
    let config = format!(
        r#"{{"architecture":"arm64","os":"linux","variant":"v8","config":{{"User":"me","Env":["A=1","B=2","C=3"],"Entrypoint":["/file"],"Labels":{{"l":"v"}}}},"rootfs":{{"type":"layers","diff_ids":[{}]}},"history":[{{"created_by":"bazel build //:layer"}}]}}"#,
        layer["diff_id"]
    );
    assert_eq!(workspace.read("image_config"), config);
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{}","size":{}}},"layers":[{{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":{},"size":{}}}],"annotations":{{"n":"m"}}}}"#,
        blob::digest_of(config.as_bytes()),
        config.len(),
        layer["digest"],
        layer["size"]
    );
    assert_eq!(workspace.read("image_manifest"), manifest);
    let digest = blob::digest_of(manifest.as_bytes());
    assert_eq!(workspace.read("image_digest"), digest.to_string());
    assert_eq!(
        workspace.read("image_descriptor"),
        format!(
            r#"{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{digest}","size":{},"annotations":{{"n":"m"}},"platform":{{"architecture":"arm64","os":"linux","variant":"v8"}}}}"#,
            manifest.len()
        )
    );
}

#[test]
fn inherits_from_a_docker_base() {
    let workspace = docker_base(DOCKER_CONFIG);
    workspace
        .write("env", "A=file\nNEW=file\n")
        .write("labels1", "x=1\ny=1\n")
        .write("labels2", "y=2\n")
        .write("notes", "n=file\n");
    let values = r#"{"label":"//x:y","os":"linux","architecture":"amd64","env":{"NEW":"rule"},"labels":{"x":"0","z":"0"},
        "annotations":{"n":"rule"},"base_name":"docker.io/library/base:1"}"#
        .replace('\n', "");
    let files = [
        "--env-file",
        "env",
        "--label-file",
        "labels1",
        "--label-file",
        "labels2",
        "--annotations-file",
        "notes",
    ];
    make_image(&workspace, "image", &["layer"], &[&BASE[..], &files[..]].concat(), &values);
    let manifest = workspace.json("image_manifest");
    assert_eq!(manifest["mediaType"], "application/vnd.oci.image.manifest.v1+json");
    assert_eq!(manifest["layers"][0]["mediaType"], "application/vnd.oci.image.layer.v1.tar+gzip");
    assert_eq!(manifest["layers"][0]["size"], 7);
    let base_digest = blob::digest_of(workspace.read("base_manifest").as_bytes()).to_string();
    assert_eq!(
        manifest["annotations"],
        json!({"n": "file", "org.opencontainers.image.base.name": "docker.io/library/base:1",
               "org.opencontainers.image.base.digest": base_digest})
    );
    let config = workspace.json("image_config");
    assert_eq!(config["created"], Value::Null);
    assert_eq!(config["author"], Value::Null);
    assert_eq!(config["os.version"], "1.2");
    assert_eq!(config["config"]["Env"], json!(["PATH=/bin", "A=file", "NEW=rule"]));
    assert_eq!(config["config"]["Cmd"], json!(["sh"]));
    assert_eq!(config["config"]["Labels"], json!({"from": "base", "x": "1", "y": "2", "z": "0"}));
    assert_eq!(config["config"]["Healthcheck"], json!({"Test": ["CMD", "true"]}));
    assert_eq!(config["rootfs"]["diff_ids"].as_array().unwrap().len(), 2);
    assert_eq!(
        config["history"],
        json!([{"created_by": "base", "unknown": 1}, {"created_by": "env", "empty_layer": true},
               {"created_by": "bazel build //:layer"}])
    );
    assert_eq!(workspace.json("image_descriptor")["platform"]["os.version"], "1.2");
}

#[test]
fn a_base_that_is_an_artifact() {
    docker_base("application/vnd.cncf.helm.config.v1+json").fail(
        &["manifest"],
        &[&OUTPUTS[..], &BASE[..], &["--values", LINUX]].concat(),
        1,
        "error: //x:y: base image `base_manifest`: it is an artifact (`application/vnd.cncf.helm.config.v1+json`), not an image\n\
         hint: set `base` to an image; artifacts such as charts and signatures have nothing to run\n",
    );
}

#[test]
fn a_base_for_another_platform() {
    let values = r#"{"label":"//x:y","os":"linux","architecture":"s390x"}"#;
    let workspace = docker_base(DOCKER_CONFIG);
    workspace.fail(
        &["manifest"],
        &[&OUTPUTS[..], &BASE[..], &["--values", values]].concat(),
        1,
        "error: //x:y: on base image `base_manifest`: the architecture is `amd64`, but the image is built for `s390x`\n\
         hint: choose a base that has the platform, or build for the base's with `--platforms` or the attribute `platform`\n",
    );
    assert!(!workspace.files().iter().any(|file| OUTPUTS.contains(&file.as_str())));
}

#[test]
fn a_base_whose_parts_do_not_fit() {
    let workspace = docker_base(DOCKER_CONFIG);
    let config = workspace.read("base_config").replace("somebody", "somebodY");
    workspace.write("base_config", &config);
    let manifest = workspace.read("base_manifest");
    let ended = workspace.run(&["manifest"], &[&OUTPUTS[..], &BASE[..], &["--values", LINUX]].concat());
    assert!(
        ended.stderr.starts_with(
            "error: //x:y: base image `base_manifest`: configuration `base_config`: content does not match its digest: expected `sha256:"
        ),
        "{}",
        ended.stderr
    );

    let mut document: Value = serde_json::from_str(&manifest).unwrap();
    document["config"]["digest"] = json!(blob::digest_of(config.as_bytes()).to_string());
    document["layers"] = json!([]);
    workspace.write("base_manifest", document.to_string()).fail(
        &["manifest"],
        &[&OUTPUTS[..], &BASE[..], &["--values", LINUX]].concat(),
        1,
        "error: //x:y: base image `base_manifest`: its manifest has 0 layers, but its configuration has 1 diff ids\n\
         hint: use a base image that is whole\n",
    );
}

#[test]
fn artifacts_have_configurations_of_their_own() {
    let workspace = Workspace::new();
    workspace.write("chart", "a chart").succeed(
        &["blob"],
        &["--input", "chart", "--metadata", "chart.json", "--values", r#"{"media_type":"application/x"}"#],
    );
    let values = r#"{"os":"linux","architecture":"amd64","config_media_type":"application/vnd.oci.empty.v1+json","artifact_type":"application/y"}"#;
    make_image(&workspace, "artifact", &["chart"], &[], values);
    assert_eq!(workspace.read("artifact_config"), "{}");
    let manifest = workspace.json("artifact_manifest");
    assert_eq!(manifest["artifactType"], "application/y");
    assert_eq!(manifest["config"]["data"], "e30=");
    assert_eq!(workspace.json("artifact_descriptor")["artifactType"], "application/y");
    assert_eq!(workspace.json("artifact_descriptor")["platform"], Value::Null);

    workspace.write("fragment", "not even JSON");
    let values = r#"{"os":"linux","architecture":"amd64","config_media_type":"application/z"}"#;
    make_image(&workspace, "artifact", &["chart"], &["--config-fragment", "fragment"], values);
    assert_eq!(workspace.read("artifact_config"), "not even JSON");

    workspace.fail(
        &["manifest"],
        &[&OUTPUTS[..], &["--values", values]].concat(),
        2,
        "error: `config_media_type` is `application/z`, but there is no `config_fragment`\n\
         hint: set `config_fragment` to the configuration, or use `application/vnd.oci.empty.v1+json`\n",
    );
    workspace.fail(
        &["manifest"],
        &[&OUTPUTS[..], &["--layer", "chart.json", "--values", LINUX]].concat(),
        1,
        "error: //x:y: the layer described in `chart.json` has no diff id, so it cannot be unpacked\n\
         hint: if it is a tar, set `diff_id = True` at its `layer_from_file`\n\
         hint: if the image is no container image, give it a `config_media_type` or an `artifact_type`\n",
    );
}

#[test]
fn an_image_needs_a_platform() {
    Workspace::new().fail(
        &["manifest"],
        &[&OUTPUTS[..], &["--values", r#"{"label":"//x:y"}"#]].concat(),
        1,
        "error: //x:y: the image has no operating system\n\
         hint: choose a base that has the platform, or build for the base's with `--platforms` or the attribute `platform`\n",
    );
}
