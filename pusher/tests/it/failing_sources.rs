//! Sources of layers that fail, at first or in the middle, or that have other bytes than they should: the next source is
//! read, and the registry never gets a wrong byte.

use plan::Source;
use testkit::fake_cas::{Failure, FakeCas};
use testkit::{FakeRegistry, Fault, Image};

use crate::lazy::{fill, lazy, store};
use crate::target::{REPOSITORY, Target, asked, image};

const SIZE: usize = 1_000_000;

fn large() -> Image {
    image(&[&"layer".repeat(SIZE / 5)])
}

/// A target whose layer is in a cache, and in the repository `base` of another registry.
fn with_two_sources(registry: &FakeRegistry, other: &FakeRegistry, cache: &FakeCas, image: &Image) -> Target {
    fill(cache, image);
    other.add_blob("base", image.layers[0].bytes.clone());
    let mut target = lazy(registry, image, cache);
    let source = Source { registry: other.host(), repository: "base".to_owned() };
    target.plan.blobs.get_mut(&image.layers[0].digest()).unwrap().sources = vec![source];
    target.env("IMG_REAPI_RETRY_MAX_ATTEMPTS", "3").env("IMG_REAPI_IDLE_TIMEOUT", "200ms")
}

fn uploads(registry: &FakeRegistry) -> usize {
    asked(registry).iter().filter(|asked| *asked == "POST upload").count()
}

fn assert_pushed(registry: &FakeRegistry, image: &Image, about: &str) {
    let layer = registry.blob(REPOSITORY, &image.layers[0].digest().to_string());
    assert!(layer.is_some_and(|layer| layer == image.layers[0].bytes), "{about}");
    assert!(registry.manifest(REPOSITORY, "v1").is_some(), "{about}");
}

#[test]
fn a_cache_that_fails_is_followed_by_the_next_source() {
    // 7: PERMISSION_DENIED, 13: INTERNAL, 15: DATA_LOSS
    let failures = [
        Failure::NotFound,
        Failure::Code(7),
        Failure::Code(13),
        Failure::Code(15),
        Failure::Unavailable(None),
        Failure::Unauthenticated,
        Failure::Drop(0),
        Failure::Drop(1),
        Failure::Drop(300_000),
        Failure::Stall(0),
        Failure::Stall(200_000),
        Failure::Short,
    ];
    for failure in failures {
        let (registry, other, cache, image) =
            (FakeRegistry::start(), FakeRegistry::start(), FakeCas::start(), large());
        let target = with_two_sources(&registry, &other, &cache, &image);
        cache.fail("Read", failure.clone(), usize::MAX);
        let about = format!("{failure:?}");
        let ran = target.run(&[]);
        assert_eq!(ran.status, 0, "{about}: {}", ran.stderr);
        assert_pushed(&registry, &image, &about);
        assert_eq!(uploads(&registry), 2, "{about}: what was sent already was right");
        assert_eq!(asked(&other), ["GET blob"], "{about}");
    }
}

#[test]
fn a_cache_that_breaks_in_the_middle_for_good_costs_no_byte_twice() {
    let (registry, other, cache, image) =
        (FakeRegistry::start(), FakeRegistry::start(), FakeCas::start(), large());
    let target = with_two_sources(&registry, &other, &cache, &image);
    cache.fail("Read", Failure::Drop(600_000), 1);
    cache.fail("Read", Failure::NotFound, usize::MAX);
    target.pushes(&[]);
    assert_pushed(&registry, &image, "broke");
    let sent: u64 = registry.requests().iter().map(|record| record.request_bytes).sum();
    assert!(sent <= (SIZE + SIZE / 10) as u64, "{sent}");
}

#[test]
fn a_cache_with_other_bytes_is_followed_by_the_next_source() {
    for failure in [Failure::Flip, Failure::Other, Failure::Long] {
        let (registry, other, cache, image) =
            (FakeRegistry::start(), FakeRegistry::start(), FakeCas::start(), large());
        let target = with_two_sources(&registry, &other, &cache, &image);
        cache.fail("Read", failure.clone(), usize::MAX);
        let ran = target.run(&[]);
        assert_eq!(ran.status, 0, "{failure:?}: {}", ran.stderr);
        let warning = format!("the remote cache `{}` has other bytes than those of `", cache.endpoint());
        assert!(ran.stderr.contains(&warning), "{failure:?}: {}", ran.stderr);
        assert_pushed(&registry, &image, &format!("{failure:?}"));
        assert_eq!(uploads(&registry), 3, "{failure:?}: the upload of the layer began anew");
        assert_eq!(asked(&other), ["GET blob"], "{failure:?}");
    }
}

#[test]
fn in_parts_as_well() {
    for failure in [Failure::Flip, Failure::Drop(300_000)] {
        let (registry, other, cache) = (FakeRegistry::start(), FakeRegistry::start(), FakeCas::start());
        let image = image(&[&"layer".repeat(800_000)]);
        registry.limit_bodies(1 << 20);
        let target = with_two_sources(&registry, &other, &cache, &image);
        cache.fail("Read", failure.clone(), usize::MAX);
        let ran = target.run(&[]);
        assert_eq!(ran.status, 0, "{failure:?}: {}", ran.stderr);
        assert_pushed(&registry, &image, &format!("{failure:?}"));
    }
}

#[test]
fn a_broken_disk_cache_is_followed_by_the_remote_one() {
    let (registry, cache, image) = (FakeRegistry::start(), FakeCas::start(), large());
    fill(&cache, &image);
    let target = lazy(&registry, &image, &cache);
    let folder = store(&target, &image, 0, &"other".repeat(SIZE / 5));
    let ran = target.run(&["--disk-cache", &folder]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("` in the disk cache has other bytes than those of `"), "{}", ran.stderr);
    assert_pushed(&registry, &image, "disk");
}

#[test]
fn wrong_bytes_before_a_break_are_not_blamed_on_the_next_source() {
    let (registry, other, cache, image) =
        (FakeRegistry::start(), FakeRegistry::start(), FakeCas::start(), large());
    let target = with_two_sources(&registry, &other, &cache, &image);
    cache.fail("Read", Failure::WrongThenDrop(10_000), 1);
    cache.fail("Read", Failure::NotFound, usize::MAX);
    target.pushes(&[]);
    assert_pushed(&registry, &image, "mixed");
    assert_eq!(uploads(&registry), 3);
}

#[test]
fn every_source_but_the_last_one_fails() {
    let (registry, other, cache, image) =
        (FakeRegistry::start(), FakeRegistry::start(), FakeCas::start(), large());
    let target = with_two_sources(&registry, &other, &cache, &image);
    let folder = store(&target, &image, 0, &"other".repeat(SIZE / 5));
    cache.fail("Read", Failure::Drop(10_000), usize::MAX);
    let ran = target.run(&["--disk-cache", &folder]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert_pushed(&registry, &image, "all but one");
}

#[test]
fn no_source_is_any_good() {
    for failure in [Failure::Flip, Failure::NotFound, Failure::Drop(1000)] {
        for fault in ["GET blobs 404", "GET blobs wrong"] {
            let (registry, other, cache, image) =
                (FakeRegistry::start(), FakeRegistry::start(), FakeCas::start(), large());
            let target = with_two_sources(&registry, &other, &cache, &image);
            cache.fail("Read", failure.clone(), usize::MAX);
            other.fault(Fault::parse(fault).unwrap());
            let ran = target.run(&[]);
            let about = format!("{failure:?}, {fault}: {}", ran.stderr);
            let digest = image.layers[0].digest();
            let start = format!(
                "error: failed to push `//:push`: failed to read blob `{digest}` ({SIZE} bytes) from any of its sources: "
            );
            let error: Vec<&str> = ran.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
            assert_eq!((error.len(), ran.status), (1, 3), "{about}");
            assert!(error[0].starts_with(&start), "{about}");
            assert!(error[0].contains(cache.endpoint()) && error[0].contains(&other.host()), "{about}");
            assert!(ran.stderr.contains("\nhint: bring it back, then try again: "), "{about}");
            target.assert_nothing_pushed(&registry);
            assert!(registry.blob(REPOSITORY, &digest.to_string()).is_none(), "{about}");
        }
    }
}

#[test]
fn what_passes_in_the_cache_is_survived() {
    // CANCELLED, UNKNOWN, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, ABORTED, INTERNAL, UNAVAILABLE
    for code in [1, 2, 4, 8, 10, 13, 14] {
        for method in ["GetCapabilities", "FindMissingBlobs", "Read"] {
            let (registry, cache, image) = (FakeRegistry::start(), FakeCas::start(), large());
            fill(&cache, &image);
            cache.fail(method, Failure::Code(code), 2);
            lazy(&registry, &image, &cache).pushes(&[]);
            assert_pushed(&registry, &image, &format!("{method} {code}"));
        }
    }
}

#[test]
fn another_digest_function_is_refused_with_advice() {
    let (registry, cache, image) = (FakeRegistry::start(), FakeCas::start(), large());
    fill(&cache, &image);
    // BLAKE3
    cache.offer(testkit::fake_cas::Offer { digest_functions: vec![9], ..Default::default() });
    let target = lazy(&registry, &image, &cache);
    let ran = target.run(&[]);
    let said = "the cache knows blobs by BLAKE3, and images need SHA256\nhint: give Bazel `--digest_function=sha256`, ";
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
    assert_eq!((ran.status, ran.stderr.lines().count()), (1, 2), "{}", ran.stderr);
    target.assert_nothing_pushed(&registry);
}
