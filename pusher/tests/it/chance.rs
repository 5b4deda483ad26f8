//! Large deploys through a registry that fails now and then.

use testkit::{FakeRegistry, Image};

use crate::target::{Target, image};

const IMAGES: usize = 200;

/// Pushes 200 images on a shared base while one request of a hundred fails, and looks at what arrived.
fn push_by_chance(target: &mut Target, images: &[Image], seed: u64) {
    let registry = FakeRegistry::start();
    registry.fail_by_chance(seed, 10);
    for push in target.pushes_mut() {
        push.registry = registry.host();
    }
    let ran = target.run(&[]);
    assert_eq!(ran.status, 0, "seed {seed}: {}", ran.stderr);
    assert_eq!(ran.stdout.lines().count(), 2 * IMAGES, "seed {seed}");
    let failed =
        registry.requests().iter().filter(|record| record.status == 0 || record.status > 404).count();
    assert!(failed > 10, "seed {seed}: only {failed} failed");
    for (number, image) in images.iter().enumerate() {
        let repository = repository(number);
        let found = registry.manifest(&repository, "v1").unwrap();
        assert_eq!(found.bytes, image.manifest.bytes, "seed {seed}: {repository}");
        for blob in image.layers.iter().chain([&image.config]) {
            let found = registry.blob(&repository, &blob.digest().to_string()).unwrap();
            assert_eq!(found, blob.bytes, "seed {seed}: {repository}");
        }
    }
}

fn repository(number: usize) -> String {
    if number == 0 { "me/app".to_owned() } else { format!("me/app{number}") }
}

fn deploy() -> (Target, Vec<Image>) {
    let images: Vec<Image> =
        (0..IMAGES).map(|number| image(&["base 1", "base 2", &format!("own {number}")])).collect();
    let mut target = Target::image("unknown", &images[0], &["v1"]);
    for (number, image) in images.iter().enumerate().skip(1) {
        target.also(&format!("app{number}"), image, &["v1"]);
    }
    (target, images)
}

#[test]
fn one_failure_in_a_hundred_requests_is_never_seen() {
    let (mut target, images) = deploy();
    for seed in 0..4 {
        push_by_chance(&mut target, &images, seed);
    }
}
