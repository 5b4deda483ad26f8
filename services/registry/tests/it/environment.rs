//! The remote cache as the environment names it, and what of it options replace.

use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;
use testkit::Certificate;
use testkit::fake_cas::FakeCas;

use crate::cached::commit;
use crate::server::{PROGRAM, Server};

/// A server on a new folder.
fn start(arguments: &[&str], environment: &[(&str, &str)]) -> (TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_with(&folder.path().join("store"), arguments, environment, Stdio::inherit());
    (folder, server)
}

/// Whether the server has the blob committed that lies in the cache.
async fn reads(server: &Server, cache: &FakeCas) -> bool {
    let blobs = [(cache.add(b"layer".to_vec()), 5)];
    commit(&server.blob_cache, "app", &blobs, false).await.unwrap().is_empty()
}

fn write(folder: &Path, name: &str, content: &str) -> String {
    let path = folder.join(name);
    fs_err::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn address_authority_certificate_and_headers() {
    let (server, own) = (Certificate::valid("127.0.0.1"), Certificate::valid("client"));
    let cache = FakeCas::start_tls(&server, Some(&own));
    let folder = tempfile::tempdir().unwrap();
    let authority = write(folder.path(), "authority.pem", &server.pem);
    let (certificate, key) =
        (write(folder.path(), "own.pem", &own.pem), write(folder.path(), "own.key", &own.key_pem));
    let environment = [
        ("IMG_REAPI_ENDPOINT", cache.endpoint()),
        ("IMG_REAPI_TLS_CERTIFICATE", &authority),
        ("IMG_REAPI_TLS_CLIENT_CERTIFICATE", &certificate),
        ("IMG_REAPI_TLS_CLIENT_KEY", &key),
        ("IMG_REAPI_HEADERS", "Authorization=Bearer secret"),
    ];
    let (_folder, server) = start(&["--grpc-port", "0"], &environment);
    assert!(reads(&server, &cache).await);
    assert!(cache.calls().iter().all(|call| call.authorization == "Bearer secret"));
}

#[tokio::test]
async fn options_win() {
    let (named, other) = (FakeCas::start(), FakeCas::start());
    let environment = [
        ("IMG_REAPI_ENDPOINT", other.endpoint()),
        ("IMG_REAPI_INSTANCE_NAME", "other"),
        ("IMG_CREDENTIAL_HELPER_REMOTE_CACHE", "/nonexistent"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let script = "#!/bin/sh\necho '{\"headers\":{\"Authorization\":[\"Bearer helped\"]}}'";
    let helper = write(folder.path(), "helper", script);
    assert!(Command::new("chmod").args(["+x", &helper]).status().unwrap().success());
    let arguments = ["--grpc-port", "0", "--remote-cache", named.endpoint(), "--credential-helper", &helper];
    let (_folder, server) = start(&arguments, &environment);
    assert!(reads(&server, &named).await);
    assert!(named.calls().iter().all(|call| call.authorization == "Bearer helped"));
    assert!(other.calls().is_empty());
}

#[test]
fn what_cannot_be_used_is_wrong_usage() {
    let cache = ("IMG_REAPI_ENDPOINT", "grpc://cache:1");
    for (arguments, environment, message) in [
        (
            &["--grpc-port", "0"][..],
            &[][..],
            "error: --grpc-port is about a remote cache, and none is named\nhint: name it with --remote-cache or IMG_REAPI_ENDPOINT\n",
        ),
        (
            &["--cas-keepalive", "--remote-cache="],
            &[cache],
            "error: --cas-keepalive is about a remote cache, and none is named\n",
        ),
        (
            &[],
            &[("IMG_REAPI_ENDPOINT", "http://cache")],
            "error: IMG_REAPI_ENDPOINT is not the address of a remote cache: ",
        ),
        (
            &["--remote-cache", "http://cache"],
            &[cache],
            "error: --remote-cache is not the address of a remote cache: ",
        ),
        (
            &[],
            &[cache, ("IMG_REAPI_HEADERS", "secret")],
            "error: line 1 of IMG_REAPI_HEADERS is not a header: expected `NAME=VALUE`\n",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let output = Command::new(PROGRAM)
            .args(["--port", "0", "--root"])
            .arg(folder.path().join("store"))
            .args(arguments)
            .envs(environment.iter().copied())
            .output()
            .unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.starts_with(message), "{arguments:?}: {stderr}");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!stderr.contains("secret"), "{stderr}");
    }
}
