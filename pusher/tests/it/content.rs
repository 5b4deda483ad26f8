//! Runfiles that are missing or were changed: found before or while they are sent, named, never tagged, never retried.

use testkit::FakeRegistry;

use crate::target::{REPOSITORY, Target, asked, image};

fn uploads_begun(registry: &FakeRegistry) -> usize {
    asked(registry).iter().filter(|asked| *asked == "POST upload").count()
}

#[test]
fn a_manifest_that_is_not_there() {
    let registry = FakeRegistry::start();
    let image = image(&["layer"]);
    let target = Target::image(&registry.host(), &image, &["v1"]);
    fs_err::remove_file(target.runfile(&image.manifest)).unwrap();
    target.fails(
        &registry,
        &format!(
            "error: failed to push `//:push`: the runfile `rules_img_blobs/k8-fastbuild/bin/{}` is not there\n\
             hint: start the target with `bazel run`, or build it with --remote_download_outputs=toplevel so that its runfiles are downloaded\n",
            image.manifest.digest().hex()
        ),
    );
    assert_eq!(registry.requests().len(), 0);
}

#[test]
fn a_layer_that_is_not_there() {
    let registry = FakeRegistry::start();
    let image = image(&["layer"]);
    let target = Target::image(&registry.host(), &image, &["v1"]);
    fs_err::remove_file(target.runfile(&image.layers[0])).unwrap();
    let digest = image.layers[0].digest();
    target.fails(
        &registry,
        &format!(
            "error: failed to push `//:push`: no source for the blob `{digest}` (5 bytes): \
             its runfile `rules_img_blobs/k8-fastbuild/bin/{}` is not there, and no registry is known to have it\n\
             hint: start the target with `bazel run //:push`\n",
            digest.hex()
        ),
    );
}

#[test]
fn a_layer_that_the_plan_does_not_know() {
    let registry = FakeRegistry::start();
    let image = image(&["layer"]);
    let mut target = Target::image(&registry.host(), &image, &["v1"]);
    let digest = image.layers[0].digest();
    target.plan.blobs.remove(&digest);
    target.fails(
        &registry,
        &format!(
            "error: failed to push `//:push`: no source for the blob `{digest}` (5 bytes): \
             the plan names neither a file nor a registry for it\n\
             hint: start the target with `bazel run //:push`\n"
        ),
    );
}

#[test]
fn a_manifest_with_other_bytes() {
    let registry = FakeRegistry::start();
    let image = image(&["layer"]);
    let target = Target::image(&registry.host(), &image, &["v1"]);
    let mut bytes = image.manifest.bytes.to_vec();
    bytes[1] ^= 1;
    fs_err::write(target.runfile(&image.manifest), &bytes).unwrap();
    let (expected, found) = (image.manifest.digest(), testkit::digest_of(&bytes));
    target.fails(
        &registry,
        &format!(
            "error: failed to push `//:push`: `DIR/push.runfiles/rules_img_blobs/k8-fastbuild/bin/{}` was changed after the build: \
             content does not match its digest: expected `{expected}`, found `{found}`\n\
             hint: build it again: bazel build //:push\n",
            expected.hex()
        ),
    );
    assert_eq!(registry.requests().len(), 0);
}

#[test]
fn a_layer_of_another_size() {
    let registry = FakeRegistry::start();
    let image = image(&["layer"]);
    let target = Target::image(&registry.host(), &image, &["v1"]);
    fs_err::write(target.runfile(&image.layers[0]), "longer layer").unwrap();
    target.fails(
        &registry,
        &format!(
            "error: failed to push `//:push`: `DIR/push.runfiles/rules_img_blobs/k8-fastbuild/bin/{}` was changed after the build: \
             expected 5 bytes, found 12\n\
             hint: build it again: bazel build //:push\n",
            image.layers[0].digest().hex()
        ),
    );
}

/// Small enough for one chunk, and large enough for many: the registry may see some of it, but never all.
#[test]
fn a_layer_of_the_same_size_with_other_bytes() {
    for size in [5, 3 << 20] {
        let registry = FakeRegistry::start();
        let (right, wrong) = ("a".repeat(size), "a".repeat(size - 1) + "b");
        let image = image(&[&right]);
        let target = Target::image(&registry.host(), &image, &["v1"]);
        fs_err::remove_file(target.runfile(&image.config)).unwrap();
        registry.add_blob(REPOSITORY, image.config.bytes.clone());
        fs_err::write(target.runfile(&image.layers[0]), &wrong).unwrap();
        target.fails(&registry, &changed(&image.layers[0], wrong.as_bytes()));
        assert_eq!(uploads_begun(&registry), 1, "what is wrong with the file is not tried again");
        assert!(registry.blob(REPOSITORY, &image.layers[0].digest().to_string()).is_none());
    }
}

#[test]
fn a_layer_in_parts_with_other_bytes() {
    let registry = FakeRegistry::start();
    registry.limit_bodies(1 << 20);
    let size = 3 << 20;
    let (right, wrong) = ("a".repeat(size), "b".repeat(size));
    let image = image(&[&right]);
    let target = Target::image(&registry.host(), &image, &["v1"]);
    fs_err::write(target.runfile(&image.layers[0]), &wrong).unwrap();
    target.fails(&registry, &changed(&image.layers[0], wrong.as_bytes()));
    assert!(registry.blob(REPOSITORY, &image.layers[0].digest().to_string()).is_none());
}

fn changed(layer: &testkit::Document, found: &[u8]) -> String {
    let (expected, found) = (layer.digest(), testkit::digest_of(found));
    format!(
        "error: failed to push `//:push`: `DIR/push.runfiles/rules_img_blobs/k8-fastbuild/bin/{}` was changed after the build: \
         content does not match its digest: expected `{expected}`, found `{found}`\n\
         hint: build it again: bazel build //:push\n",
        expected.hex()
    )
}
