//! `builder plan push`.

use plan::{Kind, Operation, Plan};

use crate::support::{Workspace, lines, make_image, make_layer};

fn image() -> Workspace {
    let workspace = Workspace::new();
    make_layer(&workspace, "layer", "hello");
    make_image(&workspace, "image", &["layer"], &[], r#"{"os":"linux","architecture":"amd64"}"#);
    workspace.write(
        "list",
        lines(&[
            &["manifest", "image_manifest", "blobs/manifest"],
            &["config", "image_config", "blobs/config"],
            &["layer", "layer.json", "blobs/layer", "//x:layer"],
        ]),
    );
    workspace
}

const FLAGS: [&str; 5] = ["--output", "plan", "--root-descriptor", "image_descriptor", "--entries=list"];

fn run(workspace: &Workspace, more: &[&str], values: &str) -> (i32, String) {
    let ended = workspace.run(&["plan", "push"], &[&FLAGS[..], more, &["--values", values]].concat());
    (ended.code, ended.stderr)
}

#[test]
fn says_what_to_push_and_where_it_lies() {
    let workspace = image();
    workspace.write("tags", "\n file-tag \nlatest\n");
    let values = r#"{"label":"//x:push","registry":"docker.io","repository":"me/app","tags":["latest","1.0"],"strategy":"lazy",
        "original":{"registries":["ghcr.io"],"repository":"base","tag":"","digest":""},"cross_mount":"disabled"}"#
        .replace('\n', "");
    assert_eq!(run(&workspace, &["--tag-file", "tags"], &values), (0, String::new()));
    let plan = Plan::from_json(workspace.read("plan").as_bytes()).unwrap();
    let [Operation::Push(push)] = plan.operations.as_slice() else { panic!("{plan:?}") };
    assert_eq!((push.registry.as_str(), push.repository.as_str()), ("index.docker.io", "me/app"));
    assert_eq!(push.tags, ["latest", "1.0", "file-tag"]);
    assert_eq!(push.root.digest.to_string(), workspace.read("image_digest"));
    assert_eq!(push.original.as_ref().unwrap().repository, "base");
    let mut blobs: Vec<(Kind, Option<&str>)> =
        plan.blobs.values().map(|blob| (blob.kind, blob.runfile.as_deref())).collect();
    blobs.sort_by_key(|(_, runfile)| *runfile);
    let labels: Vec<&str> = plan.blobs.values().filter_map(|blob| blob.label.as_deref()).collect();
    assert_eq!(labels, ["//x:layer"]);
    assert_eq!(
        blobs,
        [
            (Kind::Config, Some("blobs/config")),
            (Kind::Layer, Some("blobs/layer")),
            (Kind::Manifest, Some("blobs/manifest"))
        ]
    );
}

#[test]
fn templates_say_where_to() {
    let workspace = image();
    workspace
        .write("status", "STABLE_USER me\n")
        .write("tags", "{{.COMMIT}}\nv{{.VERSION}}\n{{if .NOBODY}}never{{end}}\n");
    let values = r#"{"label":"//x:push","registry":"{{.REGISTRY}}","repository":"{{.STABLE_USER}}/{{.image_target_package}}/{{.image_target_name}}",
        "tags":["{{.digest | printf \"%.6s\"}}"],"strategy":"eager","image_target_package":"pkg","image_target_name":"lost","tracks_content":true,
        "build_settings":{"REGISTRY":"ghcr.io","VERSION":"1.0","COMMIT":"abc","image_target_name":"name"}}"#
        .replace('\n', "");
    assert_eq!(run(&workspace, &["--tag-file", "tags", "--stamp", "status"], &values), (0, String::new()));
    let plan = Plan::from_json(workspace.read("plan").as_bytes()).unwrap();
    let [Operation::Push(push)] = plan.operations.as_slice() else { panic!("{plan:?}") };
    assert_eq!((push.registry.as_str(), push.repository.as_str()), ("ghcr.io", "me/pkg/name"));
    assert_eq!(push.tags, ["sha256", "abc", "v1.0"]);

    let values =
        r#"{"label":"//x:push","registry":"ghcr.io","repository":"app/{{.digest}}","strategy":"eager"}"#;
    let (code, stderr) = run(&workspace, &[], values);
    assert_eq!(code, 2);
    assert!(stderr.contains("error: //x:push: `repository`: `app/<no value>`"), "{stderr}");
}

#[test]
fn base_layers_have_sources_and_lazy_layers_no_runfile() {
    let workspace = image();
    let sources = r#"[{"registry":"ghcr.io","repository":"base"}]"#;
    workspace.write(
        "list",
        lines(&[
            &["manifest", "image_manifest", "blobs/manifest"],
            &["base-layers", "image_manifest", sources],
            &["layer", "layer.json", "", "//x:layer"],
        ]),
    );
    let values = r#"{"label":"//x:push","registry":"localhost:5000","repository":"app","strategy":"eager"}"#;
    assert_eq!(run(&workspace, &[], values), (0, String::new()));
    let plan = Plan::from_json(workspace.read("plan").as_bytes()).unwrap();
    let layers: Vec<_> = plan.blobs.values().filter(|blob| blob.kind == Kind::Layer).collect();
    assert_eq!(layers.len(), 1);
    assert_eq!(layers[0].runfile, None);
    assert_eq!(layers[0].sources[0].registry, "ghcr.io");
    let configs: Vec<_> = plan.blobs.values().filter(|blob| blob.kind == Kind::Config).collect();
    assert_eq!(configs.len(), 1, "an attestation's config stays in the registry, too");
    assert_eq!(configs[0].sources[0].registry, "ghcr.io");
}

#[test]
fn a_destination_may_come_from_a_file() {
    let workspace = image();
    workspace.write("destination", " localhost:5000/deep/er/app \n");
    let values = r#"{"label":"//x:push","registry":"","repository":"","strategy":"eager"}"#;
    assert_eq!(run(&workspace, &["--destination-file", "destination"], values), (0, String::new()));
    let plan = Plan::from_json(workspace.read("plan").as_bytes()).unwrap();
    let push = plan.operations[0].as_push().unwrap();
    assert_eq!((push.registry.as_str(), push.repository.as_str()), ("localhost:5000", "deep/er/app"));

    workspace.write("destination", "nowhere");
    let (code, stderr) = run(&workspace, &["--destination-file", "destination"], values);
    assert_eq!(
        (code, stderr.as_str()),
        (2, "error: //x:push: `nowhere` in `destination` is not `registry/repository`\n")
    );
}

#[test]
fn names_that_no_registry_takes() {
    let workspace = image();
    for (registry, repository, tag, message) in [
        (
            "https://ghcr.io",
            "app",
            "a",
            "`registry`: `https://ghcr.io` is not a registry; expected `host` or `host:port` without scheme or path\n",
        ),
        (
            "ghcr.io",
            "App",
            "a",
            "`repository`: `App` is not a repository; expected lower-case letters, digits, `.`, `_`, `-` in parts separated by `/`\n",
        ),
        (
            "ghcr.io",
            "app",
            "a b",
            "`tag`: `a b` is not a tag; expected at most 128 letters, digits, `_`, `.`, `-`, not starting with `.` or `-`\n",
        ),
        (
            "",
            "app",
            "a",
            "`registry` is empty\nhint: set `registry`, or `--@rules_img//img/settings:destination_registry` for all targets\n",
        ),
        ("ghcr.io", "", "a", "`repository` is empty\nhint: set `repository`\n"),
    ] {
        let values = format!(
            r#"{{"label":"//x:push","registry":"{registry}","repository":"{repository}","tags":["{tag}"],"strategy":"eager"}}"#
        );
        assert_eq!(run(&workspace, &[], &values), (2, format!("error: //x:push: {message}")));
        assert!(!workspace.files().contains(&"plan".to_owned()));
    }
}

#[test]
fn a_root_that_is_not_in_the_list() {
    let workspace = image();
    workspace.write("list", "");
    let values = r#"{"label":"//x:push","registry":"ghcr.io","repository":"app","strategy":"eager"}"#;
    let digest = workspace.read("image_digest");
    assert_eq!(
        run(&workspace, &[], values),
        (1, format!("error: //x:push: `list` lacks the document `{digest}`, which the operation is about\n"))
    );
}

#[test]
fn a_spec_is_named_beside_the_image() {
    let workspace = image();
    let values =
        r#"{"label":"//x:app","spec":"//:spec","registry":"ghcr.io","repository":"App","strategy":"eager"}"#;
    let (code, stderr) = run(&workspace, &[], values);
    assert_eq!(code, 2);
    assert!(
        stderr.starts_with("error: //x:app: //:spec: `repository`: `App` is not a repository"),
        "{stderr}"
    );

    assert_eq!(run(&workspace, &[], &values.replace("App", "app")), (0, String::new()));
    let plan = Plan::from_json(workspace.read("plan").as_bytes()).unwrap();
    let push = plan.operations[0].as_push().unwrap();
    assert_eq!(push.label, "//x:app");
}

#[test]
fn plans_are_merged_in_order() {
    let workspace = image();
    for (name, repository) in [("one", "z"), ("two", "a")] {
        let values = format!(
            r#"{{"label":"//x:app","registry":"ghcr.io","repository":"{repository}","strategy":"eager"}}"#
        );
        assert_eq!(run(&workspace, &[], &values), (0, String::new()));
        fs_err::rename(workspace.at("plan"), workspace.at(name)).unwrap();
    }
    workspace.succeed(&["plan", "merge"], &["--output", "merged", "--plan", "one", "--plan", "two"]);
    let merged = Plan::from_json(workspace.read("merged").as_bytes()).unwrap();
    let repositories: Vec<_> = merged
        .operations
        .iter()
        .filter_map(Operation::as_push)
        .map(|push| push.repository.as_str())
        .collect();
    assert_eq!(repositories, ["z", "a"]);
    assert_eq!(merged.blobs, Plan::from_json(workspace.read("one").as_bytes()).unwrap().blobs);

    workspace.write("two", "{}");
    let ended = workspace.run(&["plan", "merge"], &["--output", "merged", "--plan", "two"]);
    assert_eq!(ended.code, 2);
    assert!(
        ended.stderr.starts_with("error: `two`: not a plan of a deploy target: missing field"),
        "{}",
        ended.stderr
    );
}
