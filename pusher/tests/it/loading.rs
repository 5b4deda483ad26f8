//! Loads into a containerd: what is sent, what it is called, and what happens when something fails.

use oci::media_type::{OCI_CONFIG, OCI_INDEX, OCI_MANIFEST};
use oci::{Index, Platform};
use plan::{Daemon, Kind, Load, Name, Operation, Strategy};
use serde_json::{Value, json};
use testkit::fake_containerd::{Failure, FakeContainerd};
use testkit::{Document, FakeRegistry, Image};

use crate::target::{REPOSITORY, Target, image, root};

/// A target that loads, and the containerd that it finds.
fn target(root: &Document, names: &[&str]) -> (Target, FakeContainerd) {
    let mut target = Target::new("localhost:1", root, &[]);
    target.plan.operations = vec![Operation::Load(load("load", root, names))];
    let socket = target.path("containerd.sock");
    let containerd = FakeContainerd::start(&socket);
    (target.env("CONTAINERD_ADDRESS", socket.to_str().unwrap()), containerd)
}

fn load(name: &str, document: &Document, names: &[&str]) -> Load {
    Load {
        label: format!("//:{name}"),
        strategy: Strategy::Eager,
        daemon: Daemon::Containerd,
        name: Name::Whole(names.iter().map(ToString::to_string).collect()),
        root: root(document),
        original: None,
    }
}

fn with_image(image: &Image, names: &[&str]) -> (Target, FakeContainerd) {
    let (mut target, containerd) = target(&image.manifest, names);
    target.ship_image(image);
    (target, containerd)
}

#[test]
fn sends_what_is_missing_and_names_it() {
    let image = image(&["base layer", "own layer"]);
    let (target, containerd) = with_image(&image, &["b:2", "a"]);
    containerd.add(image.layers[0].bytes.clone());
    let dry = target.run(&["--dry-run"]);
    let bytes = image.config.bytes.len() + image.layers[1].bytes.len();
    let moved = format!("1 blob already there, 2 to send ({bytes} B)");
    let expected = format!("would load b:2 into containerd: {moved}\n");
    assert_eq!((dry.status, dry.stdout.as_str(), dry.stderr), (0, "", expected));
    assert_eq!((containerd.images().len(), containerd.sent()), (0, 0));

    let ran = target.run(&["--tag", "c:3"]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    let digest = image.manifest.digest();
    assert_eq!(ran.stdout, format!("{digest}\na:latest\nb:2\nc:3\n"));
    let moved = moved.replace("to send", "sent");
    assert_eq!(ran.stderr, format!("loaded c:3 into containerd: {moved}\n"));
    assert_eq!(containerd.images(), ["a:latest", "b:2", "c:3"]);
    assert_eq!(containerd.image("a:latest").unwrap().digest, digest.to_string());
    containerd.collect();
    for document in [&image.manifest, &image.config, &image.layers[0], &image.layers[1]] {
        assert!(containerd.has(document.digest()));
    }
    assert_eq!(containerd.leases(), [""; 0]);

    let sent = containerd.sent();
    let again = target.run(&["--tag", "c:3"]);
    assert_eq!(again.stderr, "unchanged c:3: containerd has it already\n");
    assert_eq!(containerd.sent(), sent);
}

#[test]
fn layers_of_a_base_are_read_only_if_they_are_missing() {
    let registry = FakeRegistry::start();
    let image = image(&["base layer", "own layer"]);
    registry.add_blob("base", image.layers[0].bytes.clone());
    let (mut target, containerd) = with_image(&image, &["app"]);
    target.pulled(&image.layers[0], &[(&registry.host(), "base")]);
    assert_eq!(target.run(&[]).status, 0);
    assert_eq!(containerd.bytes(image.layers[0].digest()).unwrap(), image.layers[0].bytes);
    registry.forget_requests();
    assert_eq!(target.run(&[]).status, 0);
    assert_eq!(registry.requests().len(), 0);
}

/// An index of images for these platforms.
fn index(platforms: &[(&str, &str)]) -> (Document, Vec<Image>) {
    let mut images = Vec::new();
    let mut manifests = Vec::new();
    for (number, (architecture, variant)) in platforms.iter().enumerate() {
        let image = image(&["shared layer", &format!("layer {number}")]);
        let mut descriptor: oci::Descriptor = serde_json::from_value(image.manifest.descriptor()).unwrap();
        descriptor.platform = Some(Platform::new("linux", *architecture, variant));
        manifests.push(descriptor);
        images.push(image);
    }
    let index = serde_json::to_value(Index::of(manifests)).unwrap();
    (Document::json(OCI_INDEX, &index), images)
}

fn with_index(platforms: &[(&str, &str)]) -> (Target, FakeContainerd, Vec<Image>) {
    let (index, images) = index(platforms);
    let (mut target, containerd) = target(&index, &["app"]);
    target.ship(Kind::Index, &index);
    for image in &images {
        target.ship_image(image);
    }
    (target, containerd, images)
}

#[test]
fn an_index_is_loaded_for_some_platforms() {
    let platforms = [("s390x", ""), ("arm", "v6"), ("arm", "v7"), ("arm64", "")];
    let table: [(&[&str], &[usize]); 5] = [
        (&["--platform", "linux/arm/v7"], &[2]),
        (&["--platform", "linux/arm/v8"], &[2]),
        (&["--platform", "linux/s390x,linux/arm64/v8"], &[0, 3]),
        (&["--platform=all"], &[0, 1, 2, 3]),
        (&[], &[1]),
    ];
    for (arguments, expected) in table {
        let (target, containerd, images) = with_index(&platforms);
        let ran = target.env("DOCKER_DEFAULT_PLATFORM", "linux/arm/v6").run(arguments);
        assert_eq!(ran.status, 0, "{arguments:?}: {}", ran.stderr);
        let own = |place: &usize| containerd.has(images[*place].layers[1].digest());
        let found: Vec<usize> = (0..platforms.len()).filter(own).collect();
        assert_eq!(found, expected, "{arguments:?}");
        assert_eq!(containerd.images(), ["app:latest"]);
    }
    // There is nothing to choose from.
    let (target, containerd, images) = with_index(&[("s390x", "")]);
    assert_eq!(target.run(&[]).status, 0);
    assert!(containerd.has(images[0].layers[1].digest()));
}

#[test]
fn platforms_that_are_not_there() {
    let (target, containerd, _) = with_index(&[("s390x", ""), ("arm64", "")]);
    let target = target.env("DOCKER_DEFAULT_PLATFORM", "linux/amd64");
    for (arguments, hint) in [
        (&[][..], "name one of them: `bazel run TARGET -- --platform OS/ARCHITECTURE`, or `--platform all`"),
        (&["--platform", "linux/amd64"], "name some of them, or `--platform all`"),
    ] {
        let ran = target.run(arguments);
        let message = "error: failed to load `//:load`: the image is not for `linux/amd64`; it is for `linux/s390x`, `linux/arm64/v8`";
        assert_eq!((ran.status, ran.stderr), (2, format!("{message}\nhint: {hint}\n")));
    }
    let ran = target.run(&["--platform", "linux"]);
    assert_eq!(ran.status, 2);
    assert!(ran.stderr.contains("`linux` is not a platform"), "{}", ran.stderr);
    assert_eq!(containerd.images(), [""; 0]);

    let (target, _containerd) = with_image(&image(&["layer"]), &["app"]);
    assert_eq!(target.run(&["--platform", "linux/amd64"]).status, 0);
    let ran = target.run(&["--platform", "linux/arm64"]);
    assert!(
        ran.stderr.contains("the image is for `linux/amd64` and not for `linux/arm64/v8`"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_config_may_be_larger_than_a_manifest() {
    let mut image = image(&["layer"]);
    let mut config: Value = serde_json::from_slice(&image.config.bytes).unwrap();
    config["config"] = json!({"Labels": {"large": "x".repeat(5 << 20)}});
    image.config = Document::json(OCI_CONFIG, &config);
    let mut manifest: Value = serde_json::from_slice(&image.manifest.bytes).unwrap();
    manifest["config"] = image.config.descriptor();
    image.manifest = Document::json(OCI_MANIFEST, &manifest);
    let (target, containerd) = with_image(&image, &["app"]);
    let ran = target.run(&["--platform", "linux/amd64"]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(containerd.has(image.config.digest()));
}

#[test]
fn nothing_is_named_that_is_not_whole() {
    let image = image(&["layer", "other layer"]);
    let (target, containerd) = with_image(&image, &["app"]);
    fs_err::write(target.runfile(&image.layers[1]), "other lxyer").unwrap();
    let ran = target.run(&[]);
    assert_eq!(ran.status, 1);
    assert!(ran.stderr.contains("was changed after the build"), "{}", ran.stderr);
    assert!(ran.stderr.contains("hint: build it again: bazel build //:load"), "{}", ran.stderr);
    assert_eq!((containerd.images(), containerd.ingests()), (Vec::new(), Vec::new()));
    assert!(!containerd.has(image.layers[1].digest()));
    assert_eq!(containerd.leases(), [""; 0]);
}

#[test]
fn a_containerd_that_is_interrupted() {
    let layer = "x".repeat(3 << 20);
    let image = image(&[&layer]);
    let (target, containerd) = with_image(&image, &["app"]);
    containerd.fail("Write", Failure::Break(1 << 20), 2);
    let ran = target.run(&[]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert_eq!(containerd.bytes(image.layers[0].digest()).unwrap(), layer.as_bytes());
    assert!(containerd.sent() < 5 << 20, "{} bytes", containerd.sent());
}

#[test]
fn a_containerd_that_is_not_there() {
    let image = image(&["layer"]);
    let mut target = Target::new("localhost:1", &image.manifest, &[]);
    target.plan.operations = vec![Operation::Load(load("load", &image.manifest, &["app"]))];
    target.ship_image(&image);
    let socket = target.path("nobody.sock");
    let ran = target.env("CONTAINERD_ADDRESS", socket.to_str().unwrap()).run(&[]);
    assert_eq!(ran.status, 1);
    let message = "error: failed to load `//:load`: no containerd answers: `DIR/nobody.sock`";
    assert!(ran.stderr.starts_with(message), "{}", ran.stderr);
    assert!(ran.stderr.contains("hint: "), "{}", ran.stderr);
}

#[test]
fn one_name_is_one_image() {
    let (first, second) = (image(&["first"]), image(&["second"]));
    let (mut target, containerd) = with_image(&first, &["app"]);
    target.ship_image(&second);
    target.plan.operations.push(Operation::Load(load("other", &second.manifest, &["x", "app:latest"])));
    target.plan.operations.push(Operation::Load(load("same", &first.manifest, &["app"])));
    let ran = target.run(&[]);
    assert_eq!(ran.status, 1);
    let message = "error: failed to load `//:other`: `//:load` gives the name `app:latest` to another image\nhint: give them different names\n";
    assert!(ran.stderr.ends_with(message), "{}", ran.stderr);
    assert_eq!(containerd.images(), ["app:latest"]);
    assert_eq!(containerd.image("app:latest").unwrap().digest, first.manifest.digest().to_string());
}

#[test]
fn the_standard_output_takes_one_archive() {
    let image = image(&["layer"]);
    let (mut target, _containerd) = with_image(&image, &["app"]);
    target.plan.operations = ["one", "two"]
        .map(|name| Operation::Load(Load { daemon: Daemon::Tar, ..load(name, &image.manifest, &[name]) }))
        .to_vec();
    let ran = target.run_binary(&[]);
    assert_eq!(ran.0, 1);
    assert!(ran.1.starts_with(b"blobs/"), "an archive");
    assert!(ran.2.contains("\none:latest\n"), "names are on the standard error: {}", ran.2);
    let message = "error: failed to load `//:two`: `//:one` writes its archive to the standard output, which takes one\n";
    assert!(ran.2.contains(message), "{}", ran.2);
}

#[test]
fn pushes_and_loads_of_one_run() {
    let registry = FakeRegistry::start();
    let image = image(&["layer"]);
    let (mut target, containerd) = with_image(&image, &["app"]);
    let push = plan::Push {
        tags: vec!["v1".to_owned()],
        ..plan::Push::new("//:push", &registry.host(), REPOSITORY, root(&image.manifest))
    };
    target.plan.operations.push(Operation::Push(push));
    let ran = target.run(&["--json"]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    let mut printed: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(printed["pushes"]["//:push"]["references"].as_array().unwrap().len(), 2);
    let seconds = printed["loads"]["//:load"].as_object_mut().unwrap().remove("seconds").unwrap();
    assert!(seconds.is_f64());
    let bytes = image.config.bytes.len() + image.layers[0].bytes.len();
    assert_eq!(
        printed["loads"],
        json!({"//:load": {
            "label": "//:load",
            "into": "containerd",
            "digest": image.manifest.digest(),
            "names": ["app:latest"],
            "unchanged": false,
            "dry_run": false,
            "present": {"blobs": 0, "bytes": 0},
            "sent": {"blobs": 2, "bytes": bytes},
        }})
    );
    assert_eq!(containerd.images(), ["app:latest"]);
    assert!(registry.manifest(REPOSITORY, "v1").is_some());
}

#[test]
fn lazy_loads_read_caches() {
    let image = image(&["base layer", "own layer"]);
    let (mut target, containerd) = with_image(&image, &["app"]);
    for layer in &image.layers {
        target.pulled(layer, &[]);
    }
    let Operation::Load(load) = &mut target.plan.operations[0] else { unreachable!() };
    load.strategy = Strategy::Lazy;
    let ran = target.run(&[]);
    assert_eq!(ran.status, 1);
    assert!(ran.stderr.contains("no cache is named to read the layer"), "{}", ran.stderr);
    for layer in &image.layers {
        let hex = layer.digest().hex();
        let file = target.file(&format!("cache/cas/{}/{hex}", &hex[..2]), "");
        fs_err::write(file, &layer.bytes).unwrap();
    }
    let cache = target.path("cache");
    let ran = target.run(&["--disk-cache", cache.to_str().unwrap()]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert_eq!(containerd.bytes(image.layers[1].digest()).unwrap(), image.layers[1].bytes);
}
