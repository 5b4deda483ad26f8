//! The strategy bes: the program waits for somebody else's push.

use plan::Strategy;
use testkit::{FakeRegistry, Image};

use crate::target::{REPOSITORY, Target, asked, image};

/// A target with nothing but its plan.
fn target(registry: &FakeRegistry, image: &Image, tags: &[&str]) -> Target {
    let mut target = Target::new(&registry.host(), &image.manifest, tags);
    target.push().strategy = Strategy::Bes;
    target
}

#[test]
fn what_is_there_is_named() {
    let registry = FakeRegistry::start();
    let image = image(&["layer"]);
    for tag in ["a", "b"] {
        registry.add(REPOSITORY, tag, &image);
    }
    let ran = target(&registry, &image, &["b", "a"]).run(&[]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    let remote = format!("{}/{REPOSITORY}", registry.host());
    assert_eq!(ran.stdout, format!("{remote}@{}\n{remote}:a\n{remote}:b\n", image.manifest.digest()));
    assert_eq!(asked(&registry), ["HEAD manifest a", "HEAD manifest b"]);
}

#[test]
fn what_comes_late_is_waited_for() {
    let registry = FakeRegistry::start();
    let image = image(&["layer"]);
    let target = target(&registry, &image, &["v1"]);
    let ran = std::thread::scope(|scope| {
        let running = scope.spawn(|| target.run(&["--wait", "60"]));
        for _ in 0..1000 {
            if !registry.requests().is_empty() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        registry.add(REPOSITORY, "v1", &image);
        running.join().unwrap()
    });
    assert_eq!(ran.status, 0, "{}", ran.stderr);
}

#[test]
fn what_does_not_come_is_an_error_that_says_what_is_there() {
    let registry = FakeRegistry::start();
    let (wanted, other) = (image(&["layer"]), image(&["other layer"]));
    registry.add(REPOSITORY, "old", &other);
    let (digest, found) = (wanted.manifest.digest(), other.manifest.digest());
    let remote = format!("HOST/{REPOSITORY}");
    let table: [(&[&str], String); 3] = [
        (&["new"], format!("`{remote}:new` is not there")),
        (&["old"], format!("`{remote}:old` is `{found}` and not `{digest}`")),
        (&[], format!("`{remote}@{digest}` is not there")),
    ];
    for (tags, expected) in table {
        let ran = target(&registry, &wanted, tags).run(&["--wait", "0"]);
        let start = format!(
            "error: failed to find what the build event service pushed for `//:push`: {expected} after 0 seconds\n\
             hint: the push is part of the build: bazel build //:push --bes_backend=grpc://HOST:PORT"
        );
        let stderr = ran.stderr.replace(&registry.host(), "HOST");
        assert!(stderr.starts_with(&start), "{stderr}");
        assert_eq!((ran.status, ran.stdout.as_str()), (1, ""));
    }
}

#[test]
fn another_destination_is_refused() {
    let registry = FakeRegistry::start();
    let image = image(&["layer"]);
    let ran = target(&registry, &image, &["v1"]).run(&["--tag", "v2"]);
    assert_eq!(ran.status, 2);
    assert!(ran.stderr.contains("--registry, --repository and --tag have no effect"), "{}", ran.stderr);
    assert_eq!(registry.requests().len(), 0);
}
