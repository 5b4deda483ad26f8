//! Pushes to a registry that reads Bazel's remote cache itself. The fake cache is the registry's blob cache, too: what the
//! registry took over is put into the fake registry by hand.

use plan::{Operation, Source, Strategy};
use testkit::fake_cas::{Failure, FakeCas};
use testkit::{FakeRegistry, Image};

use crate::target::{REPOSITORY, Target, asked, image};

const REBUILD: &str =
    "bring it back, then try again: bazel clean && bazel build --output_groups=layers //:push";
const HOW: &str = "give the address of the registry's `--grpc-port`: --@rules_img//img/settings:blob_cache=grpc://HOST:PORT \
                   or IMG_BLOB_CACHE_ENDPOINT, or `bazel run TARGET -- --blob-cache ADDRESS`";

/// A target that ships no layers, and a registry whose blob cache is this.
fn target(registry: &FakeRegistry, image: &Image, blob_cache: &FakeCas) -> Target {
    let mut target = Target::image(&registry.host(), image, &["v1"]);
    target.push().strategy = Strategy::CasRegistry;
    for layer in &image.layers {
        fs_err::remove_file(target.runfile(layer)).unwrap();
        let blob = target.plan.blobs.get_mut(&layer.digest()).unwrap();
        blob.runfile = None;
        blob.label = Some("//:layer".to_owned());
    }
    target.env("IMG_BLOB_CACHE_ENDPOINT", blob_cache.endpoint())
}

/// The registry has taken over the image's blobs.
fn take_over(registry: &FakeRegistry, image: &Image, blob_cache: &FakeCas) {
    for document in image.layers.iter().chain([&image.config]) {
        blob_cache.add(document.bytes.clone());
        registry.add_blob(REPOSITORY, document.bytes.clone());
    }
}

#[test]
fn nothing_is_uploaded() {
    let (registry, blob_cache) = (FakeRegistry::start(), FakeCas::start());
    let image = image(&["first layer", "second layer"]);
    take_over(&registry, &image, &blob_cache);
    let line = target(&registry, &image, &blob_cache).pushes(&[]);
    assert!(line.contains(": 3 blobs already there, 0 mounted, 0 uploaded ("), "{line}");
    assert_eq!(blob_cache.asked(), ["Commit me/app:3"]);
    assert!(registry.manifest(REPOSITORY, "v1").is_some());
    assert!(asked(&registry).iter().all(|asked| !asked.starts_with("POST")));
}

#[test]
fn all_operations_are_told_of_at_once_and_others_not_at_all() {
    let (registry, blob_cache) = (FakeRegistry::start(), FakeCas::start());
    let image = image(&["layer"]);
    take_over(&registry, &image, &blob_cache);
    for document in image.layers.iter().chain([&image.config]) {
        registry.add_blob("other", document.bytes.clone());
    }
    let mut target = target(&registry, &image, &blob_cache);
    let mut other = target.plan.operations[0].as_push().unwrap().clone();
    other.repository = "other".to_owned();
    target.plan.operations.push(Operation::Push(other));
    let ran = target.run(&[]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert_eq!(blob_cache.asked(), ["Commit me/app:2 other:2"]);
}

#[test]
fn pushes_with_another_strategy_do_not_care() {
    let (registry, blob_cache) = (FakeRegistry::start(), FakeCas::start());
    let image = image(&["layer"]);
    let mut target = target(&registry, &image, &blob_cache).env("IMG_BLOB_CACHE_ENDPOINT", "");
    let mut other = target.plan.operations[0].as_push().unwrap().clone();
    other.label = "//:other".to_owned();
    other.repository = "other".to_owned();
    other.strategy = Strategy::Lazy;
    target.plan.operations.push(Operation::Push(other));
    blob_cache.add(image.layers[0].bytes.clone());
    let ran = target.run(&["--remote-cache", blob_cache.endpoint()]);
    assert_eq!(ran.status, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("error: failed to push `//:push`: no blob cache is named"), "{}", ran.stderr);
    assert!(registry.manifest("other", "v1").is_some());
    target.assert_nothing_pushed(&registry);
}

#[test]
fn a_dry_run_only_asks() {
    let (registry, blob_cache) = (FakeRegistry::start(), FakeCas::start());
    let image = image(&["layer"]);
    for document in image.layers.iter().chain([&image.config]) {
        blob_cache.add(document.bytes.clone());
    }
    let line = target(&registry, &image, &blob_cache).pushes(&["--dry-run"]);
    assert!(line.contains("2 blobs already there"), "{line}");
    assert_eq!(blob_cache.asked(), ["Commit me/app:2 only asked"]);
}

#[test]
fn what_the_registry_cannot_take_comes_from_elsewhere() {
    let (registry, base, blob_cache) = (FakeRegistry::start(), FakeRegistry::start(), FakeCas::start());
    let image = image(&["base layer", "layer of the cache", "layer of the registry"]);
    // One is in the base's registry, one in a cache that the registry does not read, one was taken over.
    base.add_blob("base", image.layers[0].bytes.clone());
    let cache = FakeCas::start();
    cache.add(image.layers[1].bytes.clone());
    blob_cache.add(image.layers[2].bytes.clone());
    registry.add_blob(REPOSITORY, image.layers[2].bytes.clone());
    let mut target = target(&registry, &image, &blob_cache);
    let source = Source { registry: base.host(), repository: "base".to_owned() };
    target.plan.blobs.get_mut(&image.layers[0].digest()).unwrap().sources = vec![source];
    let line = target.pushes(&["--remote-cache", cache.endpoint()]);
    assert!(line.contains(": 1 blob already there, 0 mounted, 3 uploaded ("), "{line}");
    for layer in &image.layers {
        assert_eq!(registry.blob(REPOSITORY, &layer.digest().to_string()).unwrap(), layer.bytes);
    }
}

#[test]
fn a_layer_that_nobody_has_is_named() {
    let (registry, blob_cache) = (FakeRegistry::start(), FakeCas::start());
    let image = image(&["layer"]);
    let target = target(&registry, &image, &blob_cache);
    let digest = image.layers[0].digest();
    target.fails(
        &registry,
        &format!(
            "error: failed to push `//:push`: the layer `{digest}` (5 bytes), which `//:layer` makes, \
             is not in the remote cache that the registry `HOST` reads\nhint: {REBUILD}\n\
             hint: the registry's `--remote-cache` has to be the cache that Bazel writes to\n"
        ),
    );
    // The blob cache is that of another registry.
    blob_cache.add(image.layers[0].bytes.clone());
    let endpoint = blob_cache.endpoint();
    target.fails(
        &registry,
        &format!(
            "error: failed to push `//:push`: the registry `HOST` does not have the layer `{digest}` (5 bytes), which `//:layer` makes, \
             although the blob cache `{endpoint}` took it\nhint: `{endpoint}` has to be the `--grpc-port` of the server at `HOST`\n"
        ),
    );
}

#[test]
fn the_blob_cache_must_be_named_and_answer() {
    let (registry, blob_cache) = (FakeRegistry::start(), FakeCas::start());
    let image = image(&["layer"]);
    let target = target(&registry, &image, &blob_cache);
    blob_cache.fail("Commit", Failure::Unauthenticated, usize::MAX);
    let endpoint = blob_cache.endpoint().to_owned();
    let ran = target.run(&[]);
    assert_eq!(ran.status, 1);
    let expected = format!(
        "error: failed to push `//:push`: failed to commit 2 blobs to the blob cache `{endpoint}`: the cache answered UNAUTHENTICATED"
    );
    assert!(ran.stderr.starts_with(&expected), "{}", ran.stderr);

    drop(blob_cache);
    let ran = target.run(&["--blob-cache", "grpc://127.0.0.1:1"]);
    assert_eq!(ran.status, 1);
    let expected = "error: failed to push `//:push`: failed to commit 2 blobs to the blob cache `grpc://127.0.0.1:1`: failed to connect";
    assert!(ran.stderr.starts_with(expected), "{}", ran.stderr);
    assert!(ran.stderr.ends_with(&format!("\nhint: {HOW}\n")), "{}", ran.stderr);

    // The registry's other port.
    let ran = target.run(&["--blob-cache", &format!("grpc://{}", registry.host())]);
    assert_eq!(ran.status, 1);
    assert!(ran.stderr.contains(HOW), "{}", ran.stderr);

    let ran = target.run(&["--blob-cache", "registry:5000/path"]);
    assert_eq!(ran.status, 2);
    assert!(
        ran.stderr.starts_with("error: --blob-cache is not the address of a blob cache: "),
        "{}",
        ran.stderr
    );

    let target = target.env("IMG_BLOB_CACHE_ENDPOINT", "");
    let ran = target.run(&[]);
    assert_eq!(
        ran.stderr,
        format!(
            "error: failed to push `//:push`: no blob cache is named, and the strategy `cas_registry` needs one\nhint: {HOW}\n"
        )
    );
    assert_eq!(ran.status, 2);
    target.assert_nothing_pushed(&registry);
}
