//! How many requests a pull costs, and how long it takes.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use testkit::{FakeRegistry, Guard, image, index};

use crate::command::Folder;

const PLATFORMS: &[&str] = &[
    "linux/386",
    "linux/amd64",
    "linux/arm/v6",
    "linux/arm/v7",
    "linux/arm64",
    "linux/ppc64le",
    "linux/riscv64",
    "linux/s390x",
];

#[test]
fn an_index_of_eight_costs_seventeen_requests() {
    let registry = FakeRegistry::start();
    let digest = registry.add_image("a/b", "1", PLATFORMS);
    let folder = Folder::new();
    let report = folder.pull_silently(&registry, "1");
    let counts = BTreeMap::from([("GET manifest".to_owned(), 9), ("GET blob".to_owned(), 8)]);
    assert_eq!(registry.counts(), counts);
    assert_eq!(folder.blobs().len(), 17);
    assert_eq!(report["digest"], digest.to_string());
    assert_eq!(report["mediaType"], "application/vnd.oci.image.index.v1+json");
    assert_eq!(report["registry"], registry.host());
    assert_eq!(report["requests"], 17);
    let received: u64 = registry.requests().iter().map(|record| record.response_bytes).sum();
    assert_eq!(report["bytes"], received);
}

#[test]
fn three_waves_through_a_long_way() {
    let registry = FakeRegistry::start();
    registry.add_image("a/b", "1", PLATFORMS);
    registry.latency(Duration::from_millis(50));
    let started = Instant::now();
    Folder::new().pull_silently(&registry, "1");
    println!("8 platforms through 50 ms of latency: {:?} (to be under 350 ms)", started.elapsed());
    let kinds: Vec<_> = registry.requests().iter().map(|record| record.kind.to_string()).collect();
    let waves: Vec<(String, usize)> =
        kinds.chunk_by(|a, b| a == b).map(|wave| (wave[0].clone(), wave.len())).collect();
    assert_eq!(waves, [("manifest".to_owned(), 9), ("blob".to_owned(), 8)]);
}

#[test]
fn a_token_costs_two_more() {
    let registry = FakeRegistry::start();
    registry.add_image("a/b", "1", PLATFORMS);
    registry.guard(Guard::anonymous());
    let report = Folder::new().pull_silently(&registry, "1");
    assert_eq!(report["requests"], 19);
    assert_eq!(registry.counts()["GET token"], 1);
}

#[test]
fn one_image_costs_two() {
    let registry = FakeRegistry::start();
    let digest = registry.add("a/b", "1", &image("linux/amd64", "layer"));
    assert_eq!(Folder::new().pull_silently(&registry, &digest.to_string())["requests"], 2);
}

#[test]
fn equal_documents_are_fetched_once() {
    let registry = FakeRegistry::start();
    let image = image("linux/amd64", "layer");
    registry.add("a/b", "", &image);
    registry.add_manifest("a/b", "1", &index(&[("linux/amd64", &image), ("linux/amd64", &image)]));
    assert_eq!(Folder::new().pull_silently(&registry, "1")["requests"], 3);
}

#[test]
fn what_is_there_is_not_fetched_again() {
    let registry = FakeRegistry::start();
    let digest = registry.add_image("a/b", "1", PLATFORMS).to_string();
    let folder = Folder::new();
    folder.pull_silently(&registry, &digest);
    assert_eq!(folder.pull_silently(&registry, &digest)["requests"], 0);

    let damaged = &folder.blobs()[3];
    folder.file(&format!("output/blobs/sha256/{damaged}"), "half");
    assert_eq!(folder.pull_silently(&registry, &digest)["requests"], 1);
    assert_eq!(folder.blobs().len(), 17);
}
