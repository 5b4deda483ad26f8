//! The command line: exit codes and messages.

use std::process::Command;

use crate::server::{PROGRAM, Server};

/// Runs the program where it must end by itself: exit code, standard error.
fn run(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(PROGRAM).args(arguments).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "");
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn an_address_that_others_can_reach_needs_a_second_word() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("store");
    let (code, message) = run(&["--root", root.to_str().unwrap(), "--port", "0", "--address", "0.0.0.0"]);
    assert_eq!(code, Some(2));
    assert!(message.starts_with("error: `0.0.0.0` is not a loopback address"), "{message}");
    assert!(
        message.contains("\nhint: ") && message.contains("--dangerously-without-authentication"),
        "{message}"
    );
    assert!(!root.exists());
    let server = Server::start_on(&root, &["--address", "0.0.0.0", "--dangerously-without-authentication"]);
    assert!(server.url.starts_with("http://0.0.0.0:"));
    let server = Server::start_on(&folder.path().join("v6"), &["--address", "localhost"]);
    assert!(server.url.starts_with("http://127.0.0.1:"));
}

#[test]
fn wrong_usage_is_exit_code_2() {
    for arguments in [
        &["--port", "0"][..],
        &["--root", "x", "--port", "99999"],
        &["--root", "x", "--address", "example.com"],
        &["--root", "x", "--grpc-port", "0"],
        &["--root", "x", "--cas-keepalive"],
        &["--root", "x", "--tls-cert", "cert.pem"],
        &["--root", "x", "--tls-key", "key.pem"],
        &["--root", "x", "--tls-cert", "absent.pem", "--tls-key", "absent.pem"],
        &["--root", "x", "--remote-cache", "http://cache"],
        &["--root", "x", "--remote-cache", "grpc://a:1", "--grpc-port", "0", "--grpc-address", "0.0.0.0"],
        &["--root", "x", "--remote-cache", "grpc://a:1", "--cas-keepalive", "--cas-remote-cache-ttl", "1h"],
        &["--root", "x", "--remote-cache", "grpc://a:1", "--cas-keepalive", "--cas-remote-cache-ttl", "soon"],
    ] {
        assert_eq!(run(arguments).0, Some(2), "{arguments:?}");
    }
}

#[test]
fn a_root_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs_err::write(&file, "").unwrap();
    let below = file.join("store");
    let (code, message) = run(&["--port", "0", "--root", below.to_str().unwrap()]);
    assert_eq!(code, Some(1));
    assert!(
        message.starts_with(&format!("error: failed to open the root `{}`: ", below.display())),
        "{message}"
    );
    let missing = folder.path().join("missing");
    let (code, message) = run(&["--read-only", "--port", "0", "--root", missing.to_str().unwrap()]);
    assert_eq!(code, Some(1));
    assert!(message.contains("No such file"), "{message}");
    assert!(!missing.exists());
}

#[test]
fn two_servers_do_not_share_a_root_or_a_port() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_on(folder.path(), &[]);
    let (code, message) = run(&["--port", "0", "--root", folder.path().to_str().unwrap()]);
    assert_eq!(code, Some(1));
    assert!(message.contains("another process has it open"), "{message}");
    let port = server.url.rsplit_once(':').unwrap().1;
    let other = tempfile::tempdir().unwrap();
    let (code, message) = run(&["--port", port, "--root", other.path().to_str().unwrap()]);
    assert_eq!(code, Some(1));
    assert!(message.starts_with("error: failed to listen on `127.0.0.1:"), "{message}");
    assert!(message.contains("hint: "), "{message}");
}

#[test]
fn a_signal_ends_it_well() {
    let mut server = Server::start();
    assert_eq!(server.terminate(), Some(0));
}
