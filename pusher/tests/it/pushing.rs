//! Pushes that go well: which requests they cost, in which order, and what is printed.

use plan::Kind;
use serde_json::json;
use testkit::{Document, FakeRegistry, index};

use crate::target::{REPOSITORY, Target, asked, by_digest, image};

#[test]
fn the_first_push_sends_all_and_tags_last() {
    let registry = FakeRegistry::start();
    let image = image(&["layer"]);
    let target = Target::image(&registry.host(), &image, &["v1"]);
    let ran = target.run(&[]);
    let (host, digest) = (registry.host(), image.manifest.digest());
    let stdout = format!("{host}/me/app@{digest}\n{host}/me/app:v1\n");
    assert_eq!((ran.status, ran.stdout), (0, stdout));
    let size = image.config.bytes.len() + image.layers[0].bytes.len();
    let stderr = format!(
        "pushed {host}/me/app:v1: 0 blobs already there, 0 mounted, 2 uploaded ({size} B), 1 manifest\n"
    );
    assert_eq!(ran.stderr, stderr);

    let requests = asked(&registry);
    let expected = ["HEAD manifest v1".to_owned(), by_digest("HEAD", &image.manifest)];
    assert_eq!(requests[..2], expected);
    assert_eq!(requests.last().unwrap(), "PUT manifest v1");
    assert_eq!(requests.len(), 9, "{requests:?}");
    for request in ["HEAD blob", "POST upload", "PUT upload"] {
        assert_eq!(requests.iter().filter(|asked| *asked == request).count(), 2, "{requests:?}");
    }
    assert_eq!(registry.manifest(REPOSITORY, "v1").unwrap().bytes, image.manifest.bytes);
}

#[test]
fn the_second_push_is_one_question_for_each_tag() {
    let registry = FakeRegistry::start();
    let target = Target::image(&registry.host(), &image(&["layer"]), &["v1", "latest"]);
    let first = target.run(&[]);
    registry.forget_requests();
    let second = target.run(&[]);
    assert_eq!((second.status, second.stdout), (0, first.stdout));
    let host = registry.host();
    assert_eq!(second.stderr, format!("unchanged {host}/me/app:v1: the registry has it already\n"));
    let mut requests = asked(&registry);
    requests.sort();
    assert_eq!(requests, ["HEAD manifest latest", "HEAD manifest v1"]);
}

#[test]
fn a_hundred_tags_are_a_hundred_questions() {
    let registry = FakeRegistry::start();
    let tags: Vec<String> = (0..100).map(|number| format!("v{number}")).collect();
    let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
    let target = Target::image(&registry.host(), &image(&["layer"]), &tags);
    target.pushes(&[]);
    registry.forget_requests();
    target.pushes(&[]);
    assert_eq!(registry.requests().len(), 100);
}

#[test]
fn without_tags_by_digest() {
    let registry = FakeRegistry::start();
    let image = image(&["layer"]);
    let target = Target::image(&registry.host(), &image, &[]);
    let ran = target.run(&[]);
    let (host, digest) = (registry.host(), image.manifest.digest());
    assert_eq!((ran.status, ran.stdout), (0, format!("{host}/me/app@{digest}\n")));
    let requests = asked(&registry);
    assert_eq!(requests[0], by_digest("HEAD", &image.manifest));
    assert_eq!(*requests.last().unwrap(), by_digest("PUT", &image.manifest));

    registry.forget_requests();
    assert!(target.pushes(&[]).starts_with("unchanged "));
    assert_eq!(asked(&registry), [by_digest("HEAD", &image.manifest)]);
}

#[test]
fn only_the_tags_that_are_missing_or_point_elsewhere_are_set() {
    let registry = FakeRegistry::start();
    let (image, other) = (image(&["layer"]), image(&["other"]));
    Target::image(&registry.host(), &image, &["right"]).pushes(&[]);
    Target::image(&registry.host(), &other, &["elsewhere"]).pushes(&[]);
    registry.forget_requests();
    let target = Target::image(&registry.host(), &image, &["right", "elsewhere", "missing"]);
    let ran = target.run(&[]);
    let (host, digest) = (registry.host(), image.manifest.digest());
    let stdout = format!(
        "{host}/me/app@{digest}\n{host}/me/app:elsewhere\n{host}/me/app:missing\n{host}/me/app:right\n"
    );
    assert_eq!((ran.status, ran.stdout), (0, stdout));
    let mut requests = asked(&registry);
    requests[3..].sort();
    assert_eq!(requests[3..], ["PUT manifest elsewhere", "PUT manifest missing"]);
    assert_eq!(registry.manifest(REPOSITORY, "elsewhere").unwrap().digest(), digest);
}

#[test]
fn an_inner_index_comes_between_its_children_and_its_parent() {
    let registry = FakeRegistry::start();
    let image = image(&["layer"]);
    let inner = index(&[("linux/amd64", &image)]);
    let root = json!({"schemaVersion": 2, "mediaType": inner.media_type, "manifests": [inner.descriptor()]});
    let root = Document::json(&inner.media_type, &root);
    let mut target = Target::new(&registry.host(), &root, &["v1"]);
    for index in [&root, &inner] {
        target.ship(Kind::Index, index);
    }
    target.ship_image(&image);
    target.pushes(&[]);
    let requests = asked(&registry);
    let manifests: Vec<_> = requests.iter().filter(|asked| asked.starts_with("PUT manifest")).collect();
    assert_eq!(manifests, [&by_digest("PUT", &image.manifest), &by_digest("PUT", &inner), "PUT manifest v1"]);
}

#[test]
fn an_index_comes_after_its_children() {
    let registry = FakeRegistry::start();
    let images = [image(&["shared", "amd64"]), image(&["shared", "arm64"])];
    let root = index(&[("linux/amd64", &images[0]), ("linux/arm64", &images[1])]);
    let mut target = Target::new(&registry.host(), &root, &["v1"]);
    target.ship(Kind::Index, &root);
    for image in &images {
        target.ship_image(image);
    }
    let line = target.pushes(&[]);
    assert!(line.contains(": 0 blobs already there, 0 mounted, 5 uploaded ("), "{line}");
    assert!(line.ends_with("), 3 manifests"), "{line}");

    let requests = asked(&registry);
    let count = |request: &str| requests.iter().filter(|asked| *asked == request).count();
    assert_eq!(
        (count("HEAD blob"), count("POST upload"), count("PUT upload")),
        (5, 5, 5),
        "the shared layer once"
    );
    let mut children = requests[requests.len() - 3..requests.len() - 1].to_vec();
    let mut expected = images.each_ref().map(|image| by_digest("PUT", &image.manifest)).to_vec();
    children.sort();
    expected.sort();
    assert_eq!(children, expected);
    assert_eq!(requests.last().unwrap(), "PUT manifest v1");

    registry.forget_requests();
    assert!(target.pushes(&[]).starts_with("unchanged "));
    assert_eq!(asked(&registry), ["HEAD manifest v1"]);
}

#[test]
fn of_an_index_only_what_is_missing_is_sent() {
    let registry = FakeRegistry::start();
    let images = [image(&["shared", "amd64"]), image(&["shared", "arm64"])];
    Target::image(&registry.host(), &images[0], &[]).pushes(&[]);
    registry.forget_requests();
    let root = index(&[("linux/amd64", &images[0]), ("linux/arm64", &images[1])]);
    let mut target = Target::new(&registry.host(), &root, &["v1"]);
    target.ship(Kind::Index, &root);
    for image in &images {
        target.ship_image(image);
    }
    let line = target.pushes(&[]);
    assert!(line.contains(": 1 blob already there, 0 mounted, 2 uploaded ("), "{line}");
    let requests = asked(&registry);
    assert!(!requests.contains(&by_digest("PUT", &images[0].manifest)), "{requests:?}");
    assert!(requests.contains(&by_digest("PUT", &images[1].manifest)), "{requests:?}");
}

#[test]
fn layers_that_only_their_publisher_may_distribute_stay_there() {
    let registry = FakeRegistry::start();
    let mut image = image(&["windows", "own"]);
    let kind = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
    let manifest = String::from_utf8(image.manifest.bytes.to_vec()).unwrap();
    image.manifest.bytes = manifest.replacen(oci::media_type::OCI_LAYER, kind, 1).into();
    // The fake registry wants all layers to be there; it must not be asked.
    let foreign = registry.add_blob(REPOSITORY, image.layers[0].bytes.clone());
    let target = Target::image(&registry.host(), &image, &["v1"]);
    target.pushes(&[]);
    let foreign = foreign.hex();
    assert!(registry.requests().iter().all(|record| !record.path.contains(&foreign)));
}

#[test]
fn several_operations_and_one_that_fails() {
    let registry = FakeRegistry::start();
    let image = image(&["layer"]);
    let mut target = Target::image(&registry.host(), &image, &["v1"]);
    let mut second = target.push().clone();
    second.label = "//:other".to_owned();
    second.repository = "me/other".to_owned();
    target.plan.operations.push(plan::Operation::Push(second));
    let ran = target.run(&[]);
    assert_eq!((ran.status, ran.stdout.lines().count()), (0, 4), "{}", ran.stderr);

    target.push().tags = vec!["v2".to_owned()];
    registry.fault(testkit::Fault::parse("PUT me/app/manifests/v2 403").unwrap());
    let ran = target.run(&[]);
    let (host, digest) = (registry.host(), image.manifest.digest());
    assert_eq!(ran.stdout, format!("{host}/me/other@{digest}\n{host}/me/other:v1\n"));
    let first = format!(
        "unchanged {host}/me/other:v1: the registry has it already\n2 images: 0 pushed, 1 unchanged, 1 failed\nerror: failed to push `//:push`: "
    );
    assert!(ran.stderr.starts_with(&first), "{}", ran.stderr);
    assert_eq!(ran.status, 1);
}
