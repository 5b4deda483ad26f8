//! The program as build actions start it.

use plan::Source;
use serde_json::json;
use testkit::{Document, FakeRegistry, Fault, Image};

use crate::target::{REPOSITORY, Ran, Target, image};

const STAGING: &str = "staging/layers";

/// An image whose layers are pushed by actions of their own, and its target.
fn build(registry: &FakeRegistry, repository: &str) -> (Image, Target) {
    let image = image(&["one", "two"]);
    let mut target = Target::image(&registry.host(), &image, &["v1"]);
    for layer in &image.layers {
        target.plan.blobs.get_mut(&layer.digest()).unwrap().runfile = None;
        target.file(&layer.digest().hex(), std::str::from_utf8(&layer.bytes).unwrap());
        let metadata = json!({"diff_id": layer.digest(), "mediaType": layer.media_type, "digest": layer.digest(),
            "size": layer.bytes.len(), "history": [{"created_by": "test"}]});
        target.file(&format!("{}.json", layer.digest().hex()), &metadata.to_string());
    }
    let to = json!({"registry": registry.host(), "repository": repository});
    target.file("to.json", &to.to_string());
    target.file("plan.json", &target.plan.to_json());
    (image, target)
}

fn push_layer(target: &Target, layer: &Document, more: &[&str]) -> (Ran, String) {
    let hex = layer.digest().hex();
    let path = |name: &str| target.path(name).to_str().unwrap().to_owned();
    let output = format!("{hex}.pushed");
    let files = [path("to.json"), path(&format!("{hex}.json")), path(&hex), path(&output)];
    let flags = ["--destination", "--metadata", "--blob", "--output"];
    let mut words = vec!["build-push", "layer", "--label", "//:push"];
    words.extend(flags.iter().zip(&files).flat_map(|(flag, file)| [*flag, file.as_str()]));
    words.extend(more);
    let ran = target.run_as_it_is(&words);
    (ran, fs_err::read_to_string(target.path(&output)).unwrap_or_default())
}

fn push_image(target: &Target, image: &Image, more: &[&str]) -> (Ran, String) {
    let path = |name: &str| target.path(name).to_str().unwrap().to_owned();
    let documents = [&image.manifest, &image.config];
    let line = |document: &Document| {
        let runfile = target.plan.blobs[&document.digest()].runfile.clone().unwrap();
        format!("{runfile}\0{}", target.runfile(document).display())
    };
    let files = documents.map(line).join("\n") + "\n";
    target.file("files", &files);
    let mut words: Vec<String> =
        ["build-push", "image", "--label", "//:push"].map(str::to_owned).into_iter().collect();
    for (flag, file) in
        [("--destination", "to.json"), ("--plan", "plan.json"), ("--output", "pushed"), ("--files", "files")]
    {
        words.extend([flag.to_owned(), path(file)]);
    }
    for layer in &image.layers {
        words.extend(["--layer".to_owned(), path(&format!("{}.pushed", layer.digest().hex()))]);
    }
    words.extend(more.iter().map(|word| (*word).to_owned()));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let ran = target.run_as_it_is(&words);
    (ran, fs_err::read_to_string(target.path("pushed")).unwrap_or_default())
}

const QUIET: fn() -> Ran = || Ran { status: 0, stdout: String::new(), stderr: String::new() };

#[test]
fn layers_first_then_the_rest() {
    for repository in [REPOSITORY, STAGING] {
        let registry = FakeRegistry::start();
        let (image, target) = build(&registry, repository);
        for layer in &image.layers {
            let (ran, output) = push_layer(&target, layer, &[]);
            assert_eq!(ran, QUIET());
            let pushed: serde_json::Value = serde_json::from_str(&output).unwrap();
            assert_eq!(
                pushed,
                json!({"registry": registry.host(), "repository": repository, "digest": layer.digest(),
                    "mediaType": layer.media_type, "size": layer.bytes.len()})
            );
        }
        let (ran, output) = push_image(&target, &image, &[]);
        assert_eq!(ran, QUIET(), "{repository}");
        let host = registry.host();
        assert_eq!(output, format!("{host}/me/app@{}\n{host}/me/app:v1\n", image.manifest.digest()));
        assert_eq!(registry.manifest(REPOSITORY, "v1").unwrap().bytes, image.manifest.bytes);
    }
}

#[test]
fn a_layer_that_is_there_is_not_sent() {
    let registry = FakeRegistry::start();
    let (image, target) = build(&registry, REPOSITORY);
    push_layer(&target, &image.layers[0], &[]);
    registry.forget_requests();
    let (ran, _) = push_layer(&target, &image.layers[0], &[]);
    assert_eq!(ran, QUIET());
    assert_eq!(registry.requests().iter().filter(|record| record.kind == testkit::Kind::Upload).count(), 0);
}

#[test]
fn only_blobs() {
    let registry = FakeRegistry::start();
    let (image, mut target) = build(&registry, STAGING);
    // A layer of the base lies in a repository of its own.
    registry.add_blob("base", image.layers[0].bytes.clone());
    let base = Source { registry: registry.host(), repository: "base".to_owned() };
    target.plan.blobs.get_mut(&image.layers[0].digest()).unwrap().sources.push(base);
    target.file("plan.json", &target.plan.to_json());
    push_layer(&target, &image.layers[1], &[]);
    let rest = Image { layers: vec![image.layers[1].clone()], ..image.clone() };
    let (ran, output) = push_image(&target, &rest, &["--only-blobs"]);
    assert_eq!(ran, QUIET());
    assert_eq!(output.lines().count(), 3, "{output}");
    for blob in image.layers.iter().chain([&image.config]) {
        assert!(registry.blob(STAGING, &blob.digest().to_string()).is_some());
    }
    target.assert_nothing_pushed(&registry);
}

#[test]
fn a_failure_counts_or_not() {
    let registry = FakeRegistry::start();
    let (image, target) = build(&registry, REPOSITORY);
    registry.fault(Fault::parse("POST uploads 403").unwrap());
    let layer = &image.layers[0];
    let about = format!("layer `{}` to `{}/me/app`", layer.digest(), registry.host());
    let (ran, output) = push_layer(&target, layer, &[]);
    assert_eq!((ran.status, output.as_str()), (1, ""));
    assert!(
        ran.stderr.starts_with(&format!("error: failed to push `//:push` during the build: {about}: ")),
        "{}",
        ran.stderr
    );

    for layer in &image.layers {
        let (ran, output) = push_layer(&target, layer, &["--best-effort"]);
        assert_eq!(ran.status, 0, "{}", ran.stderr);
        assert!(ran.stderr.starts_with("warning: //:push: layer `sha256:"), "{}", ran.stderr);
        assert!(output.ends_with(",\"failed\":true}\n"), "{output}");
    }
    let (ran, output) = push_image(&target, &image, &["--best-effort"]);
    assert_eq!((ran.status, output.as_str()), (0, "nothing was pushed\n"), "{}", ran.stderr);
    target.assert_nothing_pushed(&registry);
}

#[test]
fn a_layer_that_the_registry_lost() {
    let registry = FakeRegistry::start();
    let (image, target) = build(&registry, REPOSITORY);
    for layer in &image.layers {
        push_layer(&target, layer, &[]);
    }
    let empty = FakeRegistry::start();
    for layer in &image.layers {
        let name = format!("{}.pushed", layer.digest().hex());
        let text = fs_err::read_to_string(target.path(&name)).unwrap();
        target.file(&name, &text.replace(&registry.host(), &empty.host()));
    }
    target.file("plan.json", &target.plan.to_json().replace(&registry.host(), &empty.host()));
    let (ran, _) = push_image(&target, &image, &[]);
    let expected = format!(
        "error: failed to push `//:push` during the build: the layer `{}`, which the build had put into `{}/me/app`, is no longer there\n",
        image.layers[0].digest(),
        empty.host()
    );
    assert!(ran.stderr.starts_with(&expected), "{}", ran.stderr);
    assert!(ran.stderr.contains("hint: `bazel run //:push` sends it"), "{}", ran.stderr);
    assert_eq!(ran.status, 1);
    target.assert_nothing_pushed(&empty);
}
