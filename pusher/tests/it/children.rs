//! What goes along with an image: tags of the manifests below an index, and images that refer to it.

use oci::media_type::{OCI_INDEX, OCI_MANIFEST};
use oci::{Digest, Index};
use plan::Kind;
use serde_json::json;
use testkit::{Document, FakeRegistry, Image, index};

use crate::target::{REPOSITORY, Target, asked, by_digest, image, root};

/// An image that refers to another.
fn referrer(subject: &Document, text: &str) -> Image {
    let mut image = image(&[text]);
    let mut manifest: serde_json::Value = serde_json::from_slice(&image.manifest.bytes).unwrap();
    manifest["artifactType"] = json!("application/vnd.example.sbom");
    manifest["subject"] = subject.descriptor();
    manifest["annotations"] = json!({"made": "here"});
    image.manifest = Document::json(OCI_MANIFEST, &manifest);
    image
}

fn with_referrers(registry: &FakeRegistry) -> (Target, Image, [Image; 2]) {
    let image = image(&["layer"]);
    let referrers = ["sbom", "signature"].map(|text| referrer(&image.manifest, text));
    let mut target = Target::image(&registry.host(), &image, &["v1"]);
    for referrer in &referrers {
        target.ship_image(referrer);
        let root = root(&referrer.manifest);
        target.push().referrers.push(root);
    }
    (target, image, referrers)
}

#[test]
fn referrers_come_last_and_without_a_tag() {
    let registry = FakeRegistry::start();
    let (target, image, referrers) = with_referrers(&registry);
    let line = target.pushes(&[]);
    assert!(line.ends_with(", 3 manifests"), "{line}");
    let requests = asked(&registry);
    let mut last = requests[requests.len() - 2..].to_vec();
    let mut expected = referrers.each_ref().map(|referrer| by_digest("PUT", &referrer.manifest)).to_vec();
    last.sort();
    expected.sort();
    assert_eq!(last, expected);
    assert_eq!(requests[requests.len() - 3], "PUT manifest v1");

    registry.forget_requests();
    assert!(target.pushes(&[]).starts_with("unchanged "));
    let mut requests = asked(&registry);
    requests.sort();
    expected = referrers.each_ref().map(|referrer| by_digest("HEAD", &referrer.manifest)).to_vec();
    expected.push("HEAD manifest v1".to_owned());
    expected.sort();
    assert_eq!(requests, expected);
    assert_eq!(registry.manifest(REPOSITORY, "v1").unwrap().digest(), image.manifest.digest());
}

#[test]
fn a_new_referrer_of_an_image_that_is_there() {
    let registry = FakeRegistry::start();
    let (mut target, _, referrers) = with_referrers(&registry);
    let added = target.push().referrers.pop().unwrap();
    target.pushes(&[]);
    target.push().referrers.push(added);
    let line = target.pushes(&[]);
    assert!(line.contains(": 0 blobs already there, 0 mounted, 2 uploaded ("), "{line}");
    assert!(line.ends_with(", 1 manifest"), "{line}");
    assert!(registry.manifest(REPOSITORY, &referrers[1].manifest.digest().to_string()).is_some());
}

#[test]
fn a_registry_without_the_list_gets_one() {
    let registry = FakeRegistry::start();
    registry.without_referrers();
    let (target, image, referrers) = with_referrers(&registry);
    target.pushes(&[]);
    let tag = format!("sha256-{}", image.manifest.digest().hex());
    let list = registry.manifest(REPOSITORY, &tag).unwrap();
    assert_eq!(list.media_type, OCI_INDEX);
    let list: Index = serde_json::from_slice(&list.bytes).unwrap();
    let mut listed: Vec<Digest> = list.manifests.iter().map(|entry| entry.digest).collect();
    let mut expected = referrers.each_ref().map(|referrer| referrer.manifest.digest()).to_vec();
    listed.sort_unstable();
    expected.sort_unstable();
    assert_eq!(listed, expected);
    for entry in &list.manifests {
        assert_eq!(entry.artifact_type.as_deref(), Some("application/vnd.example.sbom"));
        assert_eq!(entry.annotations["made"], "here");
    }
}

/// An index of two images whose manifests get tags of their own.
fn with_child_tags(registry: &FakeRegistry) -> (Target, [Image; 2]) {
    let images = [image(&["shared", "amd64"]), image(&["shared", "arm64"])];
    let index = index(&[("linux/amd64", &images[0]), ("linux/arm64", &images[1])]);
    let mut target = Target::new(&registry.host(), &index, &["v1"]);
    target.ship(Kind::Index, &index);
    for (image, tags) in images.iter().zip([["amd64", "x86"], ["arm64", "arm"]]) {
        target.ship_image(image);
        let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        target.push().manifest_tags.insert(image.manifest.digest(), tags);
    }
    (target, images)
}

#[test]
fn manifests_below_an_index_get_their_tags_after_it() {
    let registry = FakeRegistry::start();
    let (target, images) = with_child_tags(&registry);
    let ran = target.run(&[]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    let names: Vec<&str> = ran.stdout.lines().skip(1).map(|line| line.rsplit_once(':').unwrap().1).collect();
    assert_eq!(names, ["v1", "amd64", "arm", "arm64", "x86"]);
    for (image, tag) in [(&images[0], "amd64"), (&images[0], "x86"), (&images[1], "arm")] {
        assert_eq!(registry.manifest(REPOSITORY, tag).unwrap().digest(), image.manifest.digest());
    }
    let requests = asked(&registry);
    let mut last = requests[requests.len() - 5..].to_vec();
    assert_eq!(last.remove(0), "PUT manifest v1");

    registry.forget_requests();
    assert!(target.pushes(&[]).starts_with("unchanged "));
    assert_eq!(registry.requests().len(), 5, "one question for each tag");
    let ran = target.run(&["--repository", "other/place", "--tag", "v2"]);
    assert_eq!((ran.status, ran.stdout.lines().count()), (0, 7), "{}", ran.stderr);
    assert!(registry.manifest("other/place", "arm64").is_some());
}

#[test]
fn a_tag_of_something_else_is_an_error() {
    let registry = FakeRegistry::start();
    let (mut target, images) = with_child_tags(&registry);
    let stranger = Digest::from_bytes([9; 32]);
    target.push().manifest_tags.insert(stranger, vec!["stranger".to_owned()]);
    let ran = target.run(&[]);
    assert_eq!(ran.status, 1);
    let expected = format!("`stranger` is to point at `{stranger}`, which the image does not have\n");
    assert!(ran.stderr.contains(&expected), "{}", ran.stderr);

    target.push().manifest_tags.insert(images[1].manifest.digest(), vec!["stranger".to_owned()]);
    let ran = target.run(&[]);
    assert_eq!(ran.status, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("the tag `stranger` is given to both `"), "{}", ran.stderr);
}
