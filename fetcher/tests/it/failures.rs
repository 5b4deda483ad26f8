//! A registry that fails: what is said, with which exit code, and that nothing half-written stays behind.

use std::net::TcpListener;

use testkit::{FakeRegistry, Fault};

use crate::command::Folder;

/// A registry with an image of two platforms, and a way to fail.
fn faulty(fault: &str) -> FakeRegistry {
    let registry = FakeRegistry::start();
    registry.add_image("a/b", "1", &["linux/amd64", "linux/arm64"]);
    registry.fault(Fault::parse(fault).unwrap());
    registry
}

#[test]
fn unknown_host() {
    let ran = Folder::new().pull(&["registry.invalid"], "1");
    assert_eq!(ran.status, 1);
    let expected = "error: failed to fetch manifest `1` from `registry.invalid/a/b`: host `registry.invalid` is unknown: ";
    assert!(ran.stderr.starts_with(expected), "{}", ran.stderr);
    let hint = "hint: check the spelling of `registry.invalid` and that the network is up\n";
    assert!(ran.stderr.ends_with(hint), "{}", ran.stderr);
}

#[test]
fn connection_refused() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    Folder::new().fails(
        &free,
        "1",
        "error: failed to fetch manifest `1` from `HOST/a/b`: `HOST` refused the connection: Connection refused (os error 111)\n\
         hint: is a registry running at `HOST`?\n",
    );
}

#[test]
fn status_403() {
    let registry = faulty("GET manifests 403");
    Folder::new().fails(
        &registry.host(),
        "1",
        "error: failed to fetch manifest `1` from `HOST/a/b`: the registry answered 403 Forbidden: FORBIDDEN: forbidden\n\
         hint: the credentials may lack the right to use `HOST/a/b` this way\n\
         hint: the registry did not say which credentials it wants\n",
    );
    assert_eq!(registry.requests().len(), 1);
}

#[test]
fn status_404() {
    let registry = faulty("GET nothing 200");
    Folder::new().fails(
        &registry.host(),
        "2",
        "error: failed to fetch manifest `2` from `HOST/a/b`: the registry answered 404 Not Found: MANIFEST_UNKNOWN: manifest unknown\n\
         hint: check the repository `HOST/a/b` and the tag or digest\n",
    );
    assert_eq!(registry.requests().len(), 1);
}

#[test]
fn a_tag_that_moved() {
    let registry = FakeRegistry::start();
    let now = registry.add_image("a/b", "1", &["linux/amd64"]);
    let gone = format!("sha256:{}", "1".repeat(64));
    let folder = Folder::new();
    let output = folder.output();
    let arguments = [
        "--registry",
        &registry.host(),
        "--digest",
        &gone,
        "--tag",
        "1",
        "--output",
        output.to_str().unwrap(),
    ];
    let ran = folder.run(&[&["pull", "--repository", "a/b"], arguments.as_slice()].concat());
    assert_eq!(ran.status, 1);
    let hint = format!("hint: the tag `1` points to `{now}` now; to follow it, write digest = \"{now}\"\n");
    assert!(ran.stderr.ends_with(&hint), "{}", ran.stderr);
    assert_eq!(folder.blobs(), Vec::<String>::new());
}

#[test]
fn too_many_requests_and_outages_pass() {
    for fault in [
        "GET /v2/ 429+0 4",
        "GET blobs 429 2",
        "GET manifests 503 3",
        "GET blobs 500 1",
        "GET manifests drop 2",
    ] {
        let registry = faulty(fault);
        Folder::new().pull_silently(&registry, "1");
    }
}

#[test]
fn an_outage_that_stays() {
    let registry = faulty("GET blobs 502");
    let folder = Folder::new();
    let ran = folder.pull(&[&registry.host()], "1");
    assert_eq!(ran.status, 1);
    assert!(ran.stderr.contains("the registry answered 502 Bad Gateway"), "{}", ran.stderr);
    assert!(ran.stderr.ends_with("hint: it was tried 6 times\n"), "{}", ran.stderr);
    assert_eq!(folder.blobs().len(), 3, "what came before is whole and stays");
    registry.behave();
    assert_eq!(folder.pull_silently(&registry, "1")["requests"], 3);
}

#[test]
fn wrong_digest() {
    let registry = faulty("GET blobs wrong");
    let folder = Folder::new();
    let ran = folder.pull(&[&registry.host()], "1");
    assert_eq!(ran.status, 1);
    assert!(ran.stderr.contains(": content does not match its digest: expected `sha256:"), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("`, or a proxy before it, serves wrong content; nothing of it was kept\n"),
        "{}",
        ran.stderr
    );
    assert_eq!(folder.blobs().len(), 3);
    assert!(!folder.output().join("pull.json").exists());
}

#[test]
fn truncated_body() {
    let registry = faulty("GET manifests truncate");
    Folder::new().fails(
        &registry.host(),
        "1",
        "error: failed to fetch manifest `1` from `HOST/a/b`: the connection was interrupted: end of file before message length reached\n\
         hint: it was tried 6 times\n",
    );
    let once = faulty("GET manifests truncate 1");
    Folder::new().pull_silently(&once, "1");
}

#[test]
fn html_instead_of_json() {
    let registry = faulty("GET manifests html");
    Folder::new().fails(
        &registry.host(),
        "1",
        "error: failed to fetch manifest `1` from `HOST/a/b`: answered with `text/html` instead of a manifest\n\
         hint: is `HOST` a registry? a proxy or a login page may have answered in its place\n",
    );
}

#[test]
fn a_folder_that_cannot_be_written() {
    let registry = faulty("GET nothing 200");
    let folder = Folder::new();
    folder.file("output", "a file");
    let ran = folder.pull(&[&registry.host()], "1");
    assert_eq!(ran.status, 1);
    assert!(ran.stderr.contains("failed to create directory `"), "{}", ran.stderr);
    assert_eq!(registry.requests().len(), 0);
}
