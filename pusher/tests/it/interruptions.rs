//! Connections that break or go silent at whatever byte, and pushes that are killed: what is sent is sent once, what is
//! there is right, and nothing is visible before its parts are.

use plan::Kind;
use testkit::fake_cas::{Failure, FakeCas};
use testkit::{Break, Breaker, Document, FakeRegistry, Fault, Image, index};

use crate::lazy::{fill, lazy};
use crate::target::{REPOSITORY, Target, asked, image};

const SIZE: usize = 2_500_000;

/// What a connection that is reset takes with it, at most: bytes that had arrived and were not handed on yet.
const IN_FLIGHT: u64 = 1 << 20;

/// An image with one layer large enough to be cut anywhere.
fn large() -> Image {
    image(&[&"layer".repeat(SIZE / 5)])
}

fn assert_pushed(registry: &FakeRegistry, image: &Image, about: &str) {
    for blob in image.layers.iter().chain([&image.config]) {
        let found = registry.blob(REPOSITORY, &blob.digest().to_string());
        assert!(found.is_some_and(|found| found == blob.bytes), "{about}");
    }
    let manifest = registry.manifest(REPOSITORY, "v1").map(|manifest| manifest.digest());
    assert_eq!(manifest, Some(image.manifest.digest()), "{about}");
}

#[test]
fn the_cache_breaks_off_anywhere() {
    let size = SIZE as u64;
    for at in [0, 1, 100, 400, 1000, 4096, 1 << 20, size / 2, size - 1] {
        let (registry, cache, image) = (FakeRegistry::start(), FakeCas::start(), large());
        fill(&cache, &image);
        let breaker = Breaker::start(cache.endpoint().strip_prefix("grpc://").unwrap());
        breaker.breaks([Break::Answers(at)]);
        let target = lazy(&registry, &image, &cache)
            .env("IMG_REAPI_ENDPOINT", format!("grpc://{}", breaker.host()))
            .env("IMG_REAPI_MAX_CONNECTIONS", "1");
        target.pushes(&[]);
        assert!(breaker.is_done(), "{at}");
        assert_pushed(&registry, &image, &format!("broke after {at} bytes"));
        let read = at + breaker.passed().1;
        assert!(read <= size + size / 10 + IN_FLIGHT, "broke after {at} bytes: {read} were read");
        let uploads = asked(&registry).iter().filter(|asked| *asked == "POST upload").count();
        assert_eq!(uploads, 2, "the registry need not know");
    }
}

#[test]
fn the_cache_goes_away_politely() {
    for number in [1, 2, 3] {
        let (registry, cache, image) = (FakeRegistry::start(), FakeCas::start(), large());
        fill(&cache, &image);
        let breaker = Breaker::start(cache.endpoint().strip_prefix("grpc://").unwrap());
        breaker.breaks([Break::RefuseStreams(number)]);
        lazy(&registry, &image, &cache)
            .env("IMG_REAPI_ENDPOINT", format!("grpc://{}", breaker.host()))
            .env("IMG_REAPI_MAX_CONNECTIONS", "1")
            .pushes(&[]);
        assert_pushed(&registry, &image, &format!("{number} calls refused"));
    }
}

#[test]
fn the_registry_s_answers_break_off_anywhere() {
    for at in [0, 1, 60, 150, 300, 450, 600, 800, 1000] {
        let (registry, image) = (FakeRegistry::start(), large());
        let breaker = Breaker::start(&registry.host());
        breaker.breaks([Break::Answers(at)]);
        Target::image(&breaker.host(), &image, &["v1"]).pushes(&[]);
        assert!(breaker.is_done(), "{at}");
        assert_pushed(&registry, &image, &format!("answers broke after {at} bytes"));
    }
}

#[test]
fn requests_to_the_registry_break_off_anywhere() {
    let size = SIZE as u64;
    for at in [0, 1, 500, 4096, 1 << 20, size / 2, size - 1] {
        let (registry, image) = (FakeRegistry::start(), large());
        let breaker = Breaker::start(&registry.host());
        breaker.breaks([Break::Requests(at)]);
        Target::image(&breaker.host(), &image, &["v1"]).pushes(&[]);
        assert!(breaker.is_done(), "{at}");
        assert_pushed(&registry, &image, &format!("requests broke after {at} bytes"));
        let sent = at + breaker.passed().0;
        assert!(sent <= size + size / 10 + IN_FLIGHT, "broke after {at} bytes: {sent} were sent");
    }
}

#[test]
fn silence_is_not_waited_out() {
    for fault in [
        "HEAD manifests hang 1",
        "HEAD blobs hang 1",
        "POST uploads hang 1",
        "PUT uploads hang 1",
        "PUT manifests hang 1",
    ] {
        let (registry, image) = (FakeRegistry::start(), large());
        registry.fault(Fault::parse(fault).unwrap());
        Target::image(&registry.host(), &image, &["v1"])
            .env("IMG_REGISTRY_IDLE_TIMEOUT", "200ms")
            .pushes(&[]);
        assert_pushed(&registry, &image, fault);
    }
    for at in [0, 1000, 1 << 20] {
        let (registry, cache, image) = (FakeRegistry::start(), FakeCas::start(), large());
        fill(&cache, &image);
        cache.fail("Read", Failure::Stall(at), 1);
        lazy(&registry, &image, &cache).env("IMG_REAPI_IDLE_TIMEOUT", "300ms").pushes(&[]);
        assert_pushed(&registry, &image, &format!("silent after {at} bytes"));
        assert!(cache.asked().last().unwrap().ends_with(&format!(" from {at}")), "{:?}", cache.asked());
    }
}

/// A target for two platforms, with their index above them.
fn for_two_platforms(registry: &FakeRegistry) -> (Target, [Image; 2], Document) {
    let images = [image(&["shared layer", "a"]), image(&["shared layer", "b"])];
    let root = index(&[("linux/amd64", &images[0]), ("linux/arm64", &images[1])]);
    let mut target = Target::new(&registry.host(), &root, &["v1", "latest"]);
    target.ship(Kind::Manifest, &root);
    for image in &images {
        target.ship_image(image);
    }
    (target, images, root)
}

/// Whatever can be seen is complete.
fn assert_whole(registry: &FakeRegistry, images: &[Image; 2], root: &Document, about: &str) {
    let seen = |name: &str| registry.manifest(REPOSITORY, name).is_some();
    for image in images {
        if seen(&image.manifest.digest().to_string()) {
            for blob in image.layers.iter().chain([&image.config]) {
                assert!(registry.blob(REPOSITORY, &blob.digest().to_string()).is_some(), "{about}");
            }
        }
    }
    if ["v1", "latest", &root.digest().to_string()].into_iter().any(seen) {
        assert!(images.iter().all(|image| seen(&image.manifest.digest().to_string())), "{about}");
    }
}

#[test]
fn a_push_that_is_killed_can_be_repeated() {
    let registry = FakeRegistry::start();
    let (target, ..) = for_two_platforms(&registry);
    target.pushes(&[]);
    let all = registry.requests().len();
    assert!(all >= 20, "{all}");
    for after in 0..all {
        let registry = FakeRegistry::start();
        let (target, images, root) = for_two_platforms(&registry);
        let mut push = target.start();
        while registry.requests().len() < after && push.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        push.kill().unwrap();
        push.wait().unwrap();
        let about = format!("killed after {after} of {all} requests");
        assert_whole(&registry, &images, &root, &about);
        let ran = target.run(&[]);
        assert_eq!(ran.status, 0, "{about}: {}", ran.stderr);
        assert_whole(&registry, &images, &root, &about);
        for tag in ["v1", "latest"] {
            assert_eq!(registry.manifest(REPOSITORY, tag).unwrap().digest(), root.digest(), "{about}");
        }
    }
}
