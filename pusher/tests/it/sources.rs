//! Layers that the build never had: mounted, or streamed from where the base was pulled.

use plan::CrossMount;
use testkit::{FakeRegistry, Fault};

use crate::target::{REPOSITORY, Target, asked, image};

/// A registry that has the lowest layer of an image in the repository `base`.
fn base() -> (FakeRegistry, testkit::Image) {
    let registry = FakeRegistry::start();
    let image = image(&["base layer", "own layer"]);
    registry.add_blob("base", image.layers[0].bytes.clone());
    (registry, image)
}

fn count(registry: &FakeRegistry, request: &str) -> usize {
    asked(registry).iter().filter(|asked| *asked == request).count()
}

#[test]
fn a_base_in_the_same_registry_is_mounted_without_a_question() {
    let (registry, image) = base();
    let host = registry.host();
    let target = Target::with_base(&host, &image, &["v1"], &[(&host, "base")]);
    let line = target.pushes(&[]);
    assert!(line.contains(": 0 blobs already there, 1 mounted, 2 uploaded ("), "{line}");
    let layer = image.layers[0].digest().hex();
    let about_layer: Vec<_> =
        registry.requests().into_iter().filter(|record| record.path.contains(&layer)).collect();
    assert_eq!(about_layer.len(), 1, "{about_layer:?}");
    assert_eq!(about_layer[0].method, "POST");
    assert!(about_layer[0].path.contains("from=base"), "{}", about_layer[0].path);
}

#[test]
fn a_refused_mount_becomes_a_stream() {
    for fault in ["POST mount= 400", "POST mount= 403", "POST mount= 405"] {
        let (registry, image) = base();
        let host = registry.host();
        registry.fault(Fault::parse(fault).unwrap());
        let target = Target::with_base(&host, &image, &["v1"], &[(&host, "base")]);
        let line = target.pushes(&[]);
        assert!(line.contains(": 0 blobs already there, 0 mounted, 3 uploaded ("), "{fault}: {line}");
        assert_eq!(count(&registry, "POST upload"), 4, "{fault}");
        let layer = image.layers[0].digest().to_string();
        assert_eq!(registry.blob(REPOSITORY, &layer).unwrap(), image.layers[0].bytes, "{fault}");
    }
}

#[test]
fn a_mount_that_is_answered_with_an_upload_becomes_a_stream() {
    let (registry, image) = base();
    let host = registry.host();
    let sources = [(host.as_str(), "gone"), (host.as_str(), "base")];
    let line = Target::with_base(&host, &image, &["v1"], &sources).pushes(&[]);
    assert!(line.contains(": 0 blobs already there, 0 mounted, 3 uploaded ("), "{line}");
    assert_eq!(count(&registry, "POST upload"), 3);
}

#[test]
fn a_base_in_another_registry_is_streamed() {
    let (other, image) = base();
    let registry = FakeRegistry::start();
    let target = Target::with_base(&registry.host(), &image, &["v1"], &[(&other.host(), "base")]);
    let line = target.pushes(&[]);
    assert!(line.contains(", 0 mounted, 3 uploaded ("), "{line}");
    assert_eq!(asked(&other), ["GET blob"]);
    assert_eq!(count(&registry, "HEAD blob"), 3);
    let layer = image.layers[0].digest().to_string();
    assert_eq!(registry.blob(REPOSITORY, &layer).unwrap(), image.layers[0].bytes);
}

#[test]
fn a_layer_that_is_there_is_not_read_at_all() {
    let (other, image) = base();
    let registry = FakeRegistry::start();
    registry.add_blob(REPOSITORY, image.layers[0].bytes.clone());
    Target::with_base(&registry.host(), &image, &["v1"], &[(&other.host(), "base")]).pushes(&[]);
    assert_eq!(other.requests().len(), 0);
}

#[test]
fn mounting_follows_the_setting() {
    let (registry, image) = base();
    let host = registry.host();
    let mut target = Target::with_base(&host, &image, &["v1"], &[(&host, "base")]);
    target.push().cross_mount = CrossMount::Disabled;
    target.pushes(&[]);
    assert_eq!(count(&registry, "HEAD blob"), 3);
    assert!(registry.requests().iter().all(|record| !record.path.contains("mount=")));

    let (other, image) = base();
    let (registry, _) = base();
    let mut target = Target::with_base(&registry.host(), &image, &["v1"], &[(&other.host(), "base")]);
    target.push().cross_mount = CrossMount::CrossRegistry;
    let line = target.pushes(&[]);
    assert!(line.contains(", 1 mounted, "), "{line}");
    assert_eq!(other.requests().len(), 0);
}

#[test]
fn the_next_source_is_read_when_one_fails() {
    for fault in ["GET blobs 404", "GET blobs 403", "GET blobs 503"] {
        let (mirror, image) = base();
        let (primary, _) = base();
        let registry = FakeRegistry::start();
        mirror.fault(Fault::parse(fault).unwrap());
        let sources = [(mirror.host(), "base"), (primary.host(), "base")];
        let sources = sources.each_ref().map(|(host, repository)| (host.as_str(), *repository));
        Target::with_base(&registry.host(), &image, &["v1"], &sources).pushes(&[]);
        assert_eq!(asked(&primary), ["GET blob"], "{fault}");
    }
}

#[test]
fn a_download_that_breaks_goes_on() {
    let (other, image) = base();
    other.fault(Fault::parse("GET blobs truncate 2").unwrap());
    let registry = FakeRegistry::start();
    Target::with_base(&registry.host(), &image, &["v1"], &[(&other.host(), "base")]).pushes(&[]);
    assert_eq!(count(&registry, "POST upload"), 3, "no upload had to be repeated");
    assert_eq!(other.requests().len(), 3);
}

#[test]
fn a_source_that_lost_the_layer() {
    let (other, image) = base();
    other.fault(Fault::parse("GET blobs 404").unwrap());
    let registry = FakeRegistry::start();
    let target = Target::with_base(&registry.host(), &image, &["v1"], &[(&other.host(), "base")]);
    let (digest, other_host) = (image.layers[0].digest(), other.host());
    target.fails(
        &registry,
        &format!(
            "error: failed to push `//:push`: failed to push blob `{digest}` to `HOST/me/app`: failed to read what is to be uploaded: \
             failed to fetch blob `{digest}` from `{other_host}/base`: the registry answered 404 Not Found: NOT_FOUND: not found\n\
             hint: check the repository `{other_host}/base` and the tag or digest\n"
        ),
    );
    assert_eq!(other.requests().len(), 1);
}

#[test]
fn a_source_with_other_bytes() {
    let (other, image) = base();
    other.fault(Fault::parse("GET blobs wrong").unwrap());
    let registry = FakeRegistry::start();
    let target = Target::with_base(&registry.host(), &image, &["v1"], &[(&other.host(), "base")]);
    let ran = target.run(&[]);
    let (digest, other_host) = (image.layers[0].digest(), other.host());
    let start = format!(
        "error: failed to push `//:push`: failed to fetch blob `{digest}` from `{other_host}/base`: \
         content does not match its digest: expected `{digest}`, found `sha256:"
    );
    assert!(ran.stderr.starts_with(&start), "{}", ran.stderr);
    let hint = format!("hint: `{other_host}`, or a proxy before it, serves wrong content\n");
    assert!(ran.stderr.ends_with(&hint), "{}", ran.stderr);
    assert_eq!((ran.status, other.requests().len()), (1, 1));
    target.assert_nothing_pushed(&registry);
}
