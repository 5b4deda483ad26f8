//! `builder plan push`: tags of manifests, referrers, mounts, and what the build pushes; `builder plan merge` of several targets.

use plan::{Kind, Operation, Plan, Push};
use serde_json::json;

use crate::support::{Workspace, lines, make_image, make_layer};

/// An index of two images, and an image about each.
fn index() -> Workspace {
    let workspace = Workspace::new();
    make_layer(&workspace, "layer", "hello");
    for (name, values) in [
        ("amd", r#"{"os":"linux","architecture":"amd64"}"#),
        ("arm", r#"{"os":"linux","architecture":"arm64","variant":"v8"}"#),
    ] {
        make_image(&workspace, name, &["layer"], &[], values);
    }
    let outputs = ["--index", "index", "--descriptor", "index_descriptor", "--digest", "index_digest"];
    let manifests = ["--manifest", "amd_descriptor", "--manifest", "arm_descriptor", "--values", "{}"];
    workspace.succeed(&["index"], &[&outputs[..], &manifests].concat());
    for about in ["index", "arm"] {
        let subject = format!("--subject-descriptor={about}_descriptor");
        let values = r#"{"os":"linux","architecture":"amd64"}"#;
        make_image(&workspace, &format!("about_{about}"), &[], &[&subject], values);
    }
    make_image(&workspace, "about_nothing", &[], &[], r#"{"os":"linux","architecture":"s390x"}"#);
    list(&workspace, &[]);
    workspace
}

/// The index with these referrers.
fn list(workspace: &Workspace, referrers: &[&str]) {
    let mut text = lines(&[
        &["index", "index", "blobs/index"],
        &["manifest", "amd_manifest", "blobs/amd"],
        &["manifest", "arm_manifest", "blobs/arm"],
        &["layer", "layer.json", "blobs/layer", "//x:layer"],
    ]);
    for name in referrers {
        text += &lines(&[
            &["manifest", &format!("{name}_manifest"), &format!("blobs/{name}")],
            &["referrer", &format!("{name}_descriptor"), &format!("//x:{name}")],
        ]);
    }
    workspace.write("list", text);
}

fn run(workspace: &Workspace, more: &[&str], values: &serde_json::Value) -> (i32, String) {
    let mut all =
        json!({"label": "//x:push", "registry": "ghcr.io", "repository": "app", "strategy": "eager"});
    all.as_object_mut().unwrap().extend(values.as_object().unwrap().clone());
    let text = all.to_string();
    let flags = ["--output", "plan", "--root-descriptor", "index_descriptor", "--entries=list"];
    let ended = workspace.run(&["plan", "push"], &[&flags[..], more, &["--values", &text]].concat());
    (ended.code, ended.stderr)
}

fn succeed(workspace: &Workspace, more: &[&str], values: &serde_json::Value) -> Push {
    assert_eq!(run(workspace, more, values), (0, String::new()));
    let plan = Plan::from_json(workspace.read("plan").as_bytes()).unwrap();
    let push = plan.operations[0].as_push().unwrap();
    push.clone()
}

#[test]
fn manifests_have_tags_of_their_own() {
    let workspace = index();
    let values = json!({
        "tags": ["v1"],
        "manifest_tags": ["v1-{{.os}}-{{.arch}}", "{{.cpu}}{{.variant}}", "{{if eq .architecture \"arm64\"}}pi{{end}}"],
        "build_settings": {"os": "Linux"},
    });
    let push = succeed(&workspace, &[], &values);
    let tags: Vec<_> = push.manifest_tags.into_values().collect();
    assert!(tags.contains(&vec!["amd64".to_owned(), "v1-Linux-amd64".to_owned()]), "{tags:?}");
    assert!(
        tags.contains(&vec!["arm64v8".to_owned(), "pi".to_owned(), "v1-Linux-arm64".to_owned()]),
        "{tags:?}"
    );
}

#[test]
fn tags_that_say_nothing() {
    let workspace = index();
    for (tags, template, message) in [
        (json!([]), "{{.os}}", "error: //x:push: `manifest_tags`: the tag `linux` is claimed by `sha256:"),
        (
            json!(["v1-arm64"]),
            "v1-{{.arch}}",
            "error: //x:push: `manifest_tags`: the tag `v1-arm64` of `sha256:",
        ),
        (json!([]), "{{.no}}", "error: //x:push: `manifest_tags`: `<no value>` is not a tag"),
        (json!([]), "{{", "error: //x:push: `manifest_tags`: "),
    ] {
        let (code, stderr) = run(&workspace, &[], &json!({"tags": tags, "manifest_tags": [template]}));
        assert_eq!(code, 2, "{stderr}");
        assert!(stderr.starts_with(message), "{stderr}");
        assert!(!workspace.files().contains(&"plan".to_owned()));
    }
}

#[test]
fn referrers_are_about_what_is_pushed() {
    let workspace = index();
    list(&workspace, &["about_index", "about_arm"]);
    let push = succeed(&workspace, &[], &json!({}));
    let digests: Vec<_> = push.referrers.iter().map(|root| root.digest.to_string()).collect();
    assert_eq!(digests, [workspace.read("about_index_digest"), workspace.read("about_arm_digest")]);

    list(&workspace, &["about_nothing"]);
    let (code, stderr) = run(&workspace, &[], &json!({}));
    assert_eq!(
        (code, stderr.as_str()),
        (
            2,
            "error: //x:push: `referrers`: `//x:about_nothing` is about no other image\nhint: give `//x:about_nothing` the attribute `subject`\n"
        )
    );

    make_image(
        &workspace,
        "stranger",
        &[],
        &["--subject-descriptor=about_nothing_descriptor"],
        r#"{"os":"linux","architecture":"amd64"}"#,
    );
    list(&workspace, &["stranger"]);
    let (code, stderr) = run(&workspace, &[], &json!({}));
    let digest = workspace.read("about_nothing_digest");
    assert_eq!(code, 2);
    assert!(
        stderr.contains(&format!("`//x:stranger` is about `{digest}`, which is not part of")),
        "{stderr}"
    );
}

#[test]
fn other_pushes_may_have_the_layers() {
    let workspace = index();
    succeed(&workspace, &[], &json!({"repository": "other"}));
    fs_err::rename(workspace.at("plan"), workspace.at("other")).unwrap();
    let push = succeed(&workspace, &["--cross-mount-from", "other"], &json!({}));
    let [source] = push.mount_from.as_slice() else { panic!("{push:?}") };
    assert_eq!((source.registry.as_str(), source.repository.as_str()), ("ghcr.io", "other"));

    workspace.write("other", r#"{"operations":[],"blobs":{}}"#);
    let (code, stderr) = run(&workspace, &["--cross-mount-from", "other"], &json!({}));
    assert_eq!(code, 2);
    assert!(
        stderr.contains(
            "`cross_mount_from`: nothing is pushed by the plan `other`\nhint: name an `image_push`"
        )
    );
}

#[test]
fn the_build_pushes_into_repositories_of_its_own() {
    let workspace = index();
    let values = json!({
        "staging_repository": "staging", "manifest_repository": "manifests", "forbid_layer_push": true,
        "deduplicate": {"mode": "enabled", "repository": "home", "content": "blobs"},
    });
    let push = succeed(&workspace, &["--destination", "to"], &values);
    assert_eq!(push.repository, "manifests");
    assert_eq!(push.staging_repository.as_deref(), Some("staging"));
    assert!(push.forbid_layer_push);
    assert_eq!(push.deduplicate.unwrap().repository.as_deref(), Some("home"));
    assert_eq!(workspace.read("to"), "{\"registry\":\"ghcr.io\",\"repository\":\"staging\"}\n");

    succeed(&workspace, &["--destination", "to"], &json!({"manifest_repository": "manifests"}));
    assert_eq!(workspace.read("to"), "{\"registry\":\"ghcr.io\",\"repository\":\"app\"}\n");

    for (field, value, attribute) in [
        ("staging_repository", json!("A"), "push_at_build_time_blob_repository"),
        ("manifest_repository", json!("A"), "push_at_build_time_manifest_repository"),
        (
            "deduplicate",
            json!({"mode": "enabled", "repository": "A", "content": "blobs"}),
            "deduplicated_push_blob_repository",
        ),
    ] {
        let (code, stderr) = run(&workspace, &[], &json!({field: value}));
        assert_eq!(code, 2, "{stderr}");
        assert!(stderr.starts_with(&format!("error: //x:push: `{attribute}`: `A` is not a repository")));
    }
}

fn merge(workspace: &Workspace, more: &[&str]) -> (i32, String) {
    let flags = ["--output", "merged", "--label", "//:deploy", "--plan", "one", "--plan", "two"];
    let ended = workspace.run(&["plan", "merge"], &[&flags[..], more].concat());
    (ended.code, ended.stderr)
}

/// Plans of two pushes, `one` and `two`.
fn two_plans(first: &serde_json::Value, second: &serde_json::Value) -> Workspace {
    let workspace = index();
    for (name, values) in [("one", first), ("two", second)] {
        succeed(&workspace, &[], values);
        fs_err::rename(workspace.at("plan"), workspace.at(name)).unwrap();
    }
    workspace
}

#[test]
fn a_merge_says_how_layers_are_pushed() {
    let workspace = two_plans(&json!({"strategy": "lazy"}), &json!({"repository": "other"}));
    for (strategy, runfile) in [("lazy", ""), ("eager", "blobs/elsewhere")] {
        workspace.write("layers", lines(&[&["layer", "layer.json", runfile, "//x:layer"]]));
        assert_eq!(
            merge(
                &workspace,
                &[
                    "--push-strategy",
                    strategy,
                    "--entries=layers",
                    "--operation",
                    "push",
                    "--operation",
                    "load"
                ]
            ),
            (0, String::new())
        );
        let merged = Plan::from_json(workspace.read("merged").as_bytes()).unwrap();
        for push in merged.operations.iter().filter_map(Operation::as_push) {
            assert_eq!(serde_json::to_value(push.strategy).unwrap(), strategy);
        }
        let layers: Vec<_> = merged.blobs.values().filter(|blob| blob.kind == Kind::Layer).collect();
        assert_eq!(layers.len(), 1);
        assert_eq!(layers[0].runfile.as_deref().unwrap_or_default(), runfile);
        assert_eq!(layers[0].label.as_deref(), Some("//x:layer"));
        assert!(merged.blobs.values().any(|blob| blob.runfile.as_deref() == Some("blobs/index")));
    }
}

#[test]
fn merges_that_make_no_sense() {
    let workspace = two_plans(&json!({}), &json!({"repository": "other"}));
    assert_eq!(
        merge(&workspace, &["--operation", "load"]),
        (
            2,
            "error: //:deploy: no operation is left: none of them is a load\nhint: let `deploy_operations` name what the targets in `operations` do\n"
                .to_owned()
        )
    );
    let (code, _) = merge(&workspace, &["--push-strategy", "fast"]);
    assert_eq!(code, 2);
    workspace.write("layers", "index\0index\0blobs/index\n");
    let (code, stderr) = merge(&workspace, &["--entries=layers"]);
    assert_eq!(code, 2);
    assert!(stderr.ends_with("in `layers` is not a layer\n"), "{stderr}");
    assert!(!workspace.files().contains(&"merged".to_owned()));
}

#[test]
fn one_tag_is_one_image() {
    let tags = json!({"tags": ["v1-arm64"]});
    let manifests = json!({"manifest_tags": ["v1-{{.arch}}"]});
    let workspace = two_plans(&tags, &manifests);
    let (code, stderr) = merge(&workspace, &[]);
    assert_eq!(code, 2);
    assert!(stderr.starts_with("error: //:deploy: `ghcr.io/app:v1-arm64` is to be `sha256:"), "{stderr}");
    assert!(stderr.ends_with("hint: give them different tags or repositories\n"), "{stderr}");

    let workspace = two_plans(&tags, &tags);
    assert_eq!(merge(&workspace, &[]), (0, String::new()));
}
