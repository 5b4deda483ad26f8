//! Registries are asked in the order in which they are given.

use testkit::{FakeRegistry, Fault};

use crate::command::Folder;

/// Two registries with the same image, and the image's digest.
fn two() -> (FakeRegistry, FakeRegistry, String) {
    let platforms = ["linux/amd64", "linux/arm64"];
    let (mirror, primary) = (FakeRegistry::start(), FakeRegistry::start());
    mirror.add_image("a/b", "1", &platforms);
    let digest = primary.add_image("a/b", "1", &platforms).to_string();
    (mirror, primary, digest)
}

#[test]
fn the_first_one_that_works_is_enough() {
    let (mirror, primary, digest) = two();
    let folder = Folder::new();
    let ran = folder.pull(&[&mirror.host(), &primary.host()], &digest);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    assert_eq!((mirror.requests().len(), primary.requests().len()), (5, 0));
    assert_eq!(folder.report()["registry"], mirror.host());
}

#[test]
fn a_mirror_that_is_down_is_asked_once_and_reported_once() {
    let (mirror, primary, digest) = two();
    let host = mirror.host();
    mirror.fault(Fault::parse("* / 403").unwrap());
    let folder = Folder::new();
    let ran = folder.pull(&[&host, &primary.host()], &digest);
    let expected = format!(
        "warning: failed to fetch manifest `{digest}` from `{host}/a/b`: the registry answered 403 Forbidden: \
         FORBIDDEN: forbidden; the next registry is asked\n"
    );
    assert_eq!((ran.status, ran.stderr), (0, expected));
    assert_eq!((mirror.requests().len(), primary.requests().len()), (1, 5));
    assert_eq!(folder.report()["registry"], primary.host());
}

#[test]
fn a_mirror_that_lacks_or_spoils_one_document_stays_in_use() {
    for fault in ["GET blobs wrong 1", "GET blobs 404 1"] {
        let (mirror, primary, digest) = two();
        mirror.fault(Fault::parse(fault).unwrap());
        let folder = Folder::new();
        let ran = folder.pull(&[&mirror.host(), &primary.host()], &digest);
        assert_eq!(ran.status, 0, "{}", ran.stderr);
        assert!(ran.stderr.starts_with("warning: failed to fetch blob `sha256:"), "{}", ran.stderr);
        assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
        assert_eq!(primary.requests().len(), 1, "{fault}");
        assert_eq!(folder.blobs().len(), 5);
    }
}

#[test]
fn a_slow_mirror_does_not_cost_the_whole_patience() {
    let (mirror, primary, digest) = two();
    mirror.fault(Fault::parse("* / 503").unwrap());
    let ran = Folder::new().pull(&[&mirror.host(), &primary.host()], &digest);
    assert_eq!(ran.status, 0);
    assert_eq!(mirror.requests().len(), 2);
}

#[test]
fn when_all_fail_the_last_one_is_the_error() {
    let (mirror, primary, _) = two();
    let (first, last) = (mirror.host(), primary.host());
    mirror.fault(Fault::parse("* / 403").unwrap());
    let ran = Folder::new().pull(&[&first, &last], "2");
    let expected = format!(
        "warning: failed to fetch manifest `2` from `{first}/a/b`: the registry answered 403 Forbidden: FORBIDDEN: forbidden; the next registry is asked\n\
         error: failed to fetch manifest `2` from `{last}/a/b`: the registry answered 404 Not Found: MANIFEST_UNKNOWN: manifest unknown\n\
         hint: check the repository `{last}/a/b` and the tag or digest\n\
         hint: 2 registries were asked; see the warnings for the others\n"
    );
    assert_eq!((ran.status, ran.stderr), (1, expected));
}
