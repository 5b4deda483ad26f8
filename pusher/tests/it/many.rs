//! Many operations in one run: what they share is asked for, read and sent once, and none hides what became of another.

use testkit::{FakeRegistry, Fault, Guard, Image};

use crate::target::{Target, asked, image};

/// Images with a layer of their own on a base of five layers.
fn images(count: usize) -> Vec<Image> {
    (0..count)
        .map(|number| image(&["base 1", "base 2", "base 3", "base 4", "base 5", &format!("own {number}")]))
        .collect()
}

/// A target that pushes each image to a repository of its own. The base lies in the registry.
fn target(registry: &FakeRegistry, images: &[Image]) -> Target {
    let mut target = Target::image(&registry.host(), &images[0], &["v1"]);
    for (number, image) in images.iter().enumerate().skip(1) {
        target.also(&format!("app{number:03}"), image, &["v1"]);
    }
    for layer in &images[0].layers[..5] {
        registry.add_blob("base", layer.bytes.clone());
        target.pulled(layer, &[(&registry.host(), "base")]);
    }
    target
}

fn count(registry: &FakeRegistry, request: &str) -> usize {
    asked(registry).iter().filter(|asked| *asked == request).count()
}

#[test]
fn a_hundred_images_on_a_base_that_is_there() {
    let registry = FakeRegistry::start();
    let images = images(100);
    let target = target(&registry, &images);
    let ran = target.run(&[]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert_eq!(ran.stdout.lines().count(), 200);
    let lines: Vec<&str> = ran.stderr.lines().collect();
    assert_eq!((lines.len(), lines[10]), (12, "and 90 more"), "{}", ran.stderr);
    assert!(
        lines[11].starts_with(
            "100 images: 100 pushed, 0 unchanged; 0 blobs already there, 500 mounted, 200 uploaded ("
        ),
        "{}",
        lines[11]
    );
    // Two questions, five mounts, three requests for each of two blobs, the manifest.
    assert_eq!(registry.requests().len(), 1400, "{:?}", registry.counts());
    for (number, image) in images.iter().enumerate().skip(1) {
        let found = registry.manifest(&format!("me/app{number:03}"), "v1").unwrap();
        assert_eq!(found.digest(), image.manifest.digest());
    }

    registry.forget_requests();
    let ran = target.run(&[]);
    assert_eq!(registry.counts().into_iter().collect::<Vec<_>>(), [("HEAD manifest".to_owned(), 100)]);
    assert_eq!(ran.stderr, "100 images: 0 pushed, 100 unchanged\n");
    assert_eq!((ran.status, ran.stdout.lines().count()), (0, 200));
}

#[test]
fn a_layer_of_several_is_read_and_sent_once() {
    let (registry, other) = (FakeRegistry::start(), FakeRegistry::start());
    let images = ["a", "b", "c"].map(|own| image(&["shared", own]));
    other.add_blob("base", images[0].layers[0].bytes.clone());
    let mut target = Target::image(&registry.host(), &images[0], &["v1"]);
    target.also("b", &images[1], &["v1"]);
    target.also("c", &images[2], &["v1"]);
    target.pulled(&images[0].layers[0], &[(&other.host(), "base")]);
    let ran = target.run(&[]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(
        ran.stderr
            .contains("3 images: 3 pushed, 0 unchanged; 0 blobs already there, 2 mounted, 7 uploaded ("),
        "{}",
        ran.stderr
    );
    assert_eq!(asked(&other), ["GET blob"], "read once");
    assert_eq!(count(&registry, "PUT upload"), 7, "three configs, three own layers, one shared");
}

#[test]
fn in_one_repository_nothing_is_asked_twice() {
    let registry = FakeRegistry::start();
    let images = ["a", "b"].map(|own| image(&["shared", own]));
    let mut target = Target::image(&registry.host(), &images[0], &["v1"]);
    target.also("b", &images[1], &["v2"]).repository = "me/app".to_owned();
    let ran = target.run(&[]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert_eq!(count(&registry, "HEAD blob"), 5);
    assert!(ran.stderr.contains("; 1 blob already there, 0 mounted, 5 uploaded ("), "{}", ran.stderr);
}

#[test]
fn where_nothing_is_mounted_each_gets_its_own() {
    let registry = FakeRegistry::start();
    registry.without_mounts();
    let images = ["a", "b", "c"].map(|own| image(&["shared", own]));
    let mut target = Target::image(&registry.host(), &images[0], &["v1"]);
    target.also("b", &images[1], &["v1"]);
    target.also("c", &images[2], &["v1"]);
    registry.add_blob("me/c", images[0].layers[0].bytes.clone());
    let ran = target.run(&[]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("; 1 blob already there, 0 mounted, 8 uploaded ("), "{}", ran.stderr);
    for repository in ["me/app", "me/b", "me/c"] {
        assert!(registry.manifest(repository, "v1").is_some());
    }
}

#[test]
fn one_that_may_not_write_keeps_nobody_from_it() {
    let registry = FakeRegistry::start();
    let images = ["a", "b", "c"].map(|own| image(&["shared", own]));
    let mut target = Target::image(&registry.host(), &images[0], &["v1"]);
    target.also("b", &images[1], &["v1"]);
    target.also("c", &images[2], &["v1"]);
    registry.fault(Fault::parse("POST me/app/blobs 403").unwrap());
    let ran = target.run(&[]);
    let host = registry.host();
    assert_eq!(ran.status, 1);
    assert!(ran.stderr.contains("\n3 images: 2 pushed, 0 unchanged, 1 failed; "), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("\nerror: failed to push `//:push`: failed to push blob `"),
        "{}",
        ran.stderr
    );
    let references: Vec<String> = ["b", "c"]
        .iter()
        .zip(&images[1..])
        .flat_map(|(name, image)| {
            [format!("{host}/me/{name}@{}", image.manifest.digest()), format!("{host}/me/{name}:v1")]
        })
        .collect();
    assert_eq!(ran.stdout.lines().collect::<Vec<_>>(), references);
    assert!(registry.manifest("me/app", "v1").is_none());
}

#[test]
fn what_fails_for_the_same_reason_is_told_once() {
    let registry = FakeRegistry::start();
    let target = target(&registry, &images(20));
    registry.fault(Fault::parse("PUT manifests 403").unwrap());
    let ran = target.run(&[]);
    let host = registry.host();
    assert_eq!((ran.status, ran.stdout.as_str()), (1, ""));
    let expected = format!(
        "20 images: 0 pushed, 0 unchanged, 20 failed; 0 blobs already there, 100 mounted, 40 uploaded (10.28 KiB), 0 manifests\n\
         error: failed to push `//:push`: failed to push manifest `v1` to `{host}/me/app`: the registry answered 403 Forbidden: FORBIDDEN: forbidden\n\
         hint: the credentials may lack the right to use `{host}/me/app` this way\n\
         hint: the registry did not say which credentials it wants\n\
         hint: `//:app001`, `//:app002`, `//:app003` and 16 more failed for the same reason\n"
    );
    assert_eq!(ran.stderr, expected);
}

#[test]
fn progress_of_several_is_a_line_for_each() {
    let registry = FakeRegistry::start();
    let target = target(&registry, &images(3));
    let ran = target.run(&["--progress", "auto"]);
    let mut said: Vec<&str> = ran.stderr.lines().take(3).collect();
    assert_eq!(said.iter().map(|line| &line[..6]).collect::<Vec<_>>(), ["[1/3] ", "[2/3] ", "[3/3] "]);
    said.sort_unstable_by_key(|line| &line[6..]);
    assert_eq!(said.iter().map(|line| &line[6..]).collect::<Vec<_>>(), ["//:app001", "//:app002", "//:push"]);
    assert_eq!(ran.stderr.lines().count(), 3 + 3 + 1, "{}", ran.stderr);
}

#[test]
fn two_images_cannot_have_one_tag() {
    let registry = FakeRegistry::start();
    let images = ["a", "b"].map(|own| image(&[own]));
    let mut target = Target::image(&registry.host(), &images[0], &["v1"]);
    target.also("b", &images[1], &["v1"]);
    let ran = target.run(&["--repository", "me/app"]);
    let host = registry.host();
    assert_eq!(ran.status, 1, "the first one went well");
    assert!(
        ran.stderr.ends_with(&format!(
            "error: failed to push `//:b`: `//:push` gives the tag `{host}/me/app:v1` to another image\n\
             hint: give them different tags or repositories\n"
        )),
        "{}",
        ran.stderr
    );
    assert_eq!(registry.manifest("me/app", "v1").unwrap().digest(), images[0].manifest.digest());
}

#[test]
fn a_dry_run_of_many_changes_nothing() {
    let registry = FakeRegistry::start();
    let images = images(3);
    let target = target(&registry, &images);
    let ran = target.run(&["--dry-run"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
    assert!(
        ran.stderr
            .contains("\n3 images: 3 to push, 0 unchanged; 0 blobs already there, 15 mounted, 6 to upload ("),
        "{}",
        ran.stderr
    );
    assert!(registry.requests().iter().all(|record| record.method == "HEAD"), "{:?}", registry.counts());
}

#[test]
fn a_token_for_sixteen_repositories() {
    let registry = FakeRegistry::start();
    registry.guard(Guard::bearer("me", "hunter2"));
    let target = target(&registry, &images(40));
    let config = format!(r#"{{"auths": {{"{}": {{"auth": "bWU6aHVudGVyMg=="}}}}}}"#, registry.host());
    target.file("home/.docker/config.json", &config);
    let ran = target.run(&[]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert_eq!(registry.counts()["GET token"], 3);
    assert_eq!(registry.requests().len(), 1 + 3 + 40 * 14, "{:?}", registry.counts());
}
