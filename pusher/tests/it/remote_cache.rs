//! How the environment says to speak to the remote cache: encryption, sockets, headers, helpers, patience.

use testkit::fake_cas::FakeCas;
use testkit::{Certificate, FakeRegistry, Image};

use crate::lazy::{fill, lazy};
use crate::target::{Target, image};

fn filled(cache: FakeCas) -> (FakeRegistry, FakeCas, Image, Target) {
    let (registry, image) = (FakeRegistry::start(), image(&["layer"]));
    fill(&cache, &image);
    let target = lazy(&registry, &image, &cache);
    (registry, cache, image, target)
}

fn authorizations(cache: &FakeCas) -> Vec<String> {
    let mut all: Vec<String> = cache.calls().into_iter().map(|call| call.authorization).collect();
    all.dedup();
    all
}

#[test]
fn encrypted_with_certificates_of_both_sides() {
    let (server, own) = (Certificate::valid("127.0.0.1"), Certificate::valid("client"));
    let (_registry, _cache, _, target) = filled(FakeCas::start_tls(&server, Some(&own)));
    let authority = target.file("authority.pem", &server.pem);
    let (certificate, key) = (target.file("own.pem", &own.pem), target.file("own.key", &own.key_pem));
    let ran = target.run(&[]);
    assert_eq!(ran.status, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("\nhint: set IMG_REAPI_TLS_CERTIFICATE to "), "{}", ran.stderr);
    target
        .env("IMG_REAPI_TLS_CERTIFICATE", authority.to_str().unwrap())
        .env("IMG_REAPI_TLS_CLIENT_CERTIFICATE", certificate.to_str().unwrap())
        .env("IMG_REAPI_TLS_CLIENT_KEY", key.to_str().unwrap())
        .pushes(&[]);
}

#[test]
fn the_authorities_of_the_system_are_a_file() {
    let server = Certificate::valid("127.0.0.1");
    let (_registry, _cache, _, target) = filled(FakeCas::start_tls(&server, None));
    let authority = target.file("authority.pem", &server.pem);
    target.env("SSL_CERT_FILE", authority.to_str().unwrap()).pushes(&[]);
}

#[test]
fn a_socket_of_this_machine() {
    let folder = tempfile::tempdir().unwrap();
    let (_registry, _cache, _, target) = filled(FakeCas::start_unix(&folder.path().join("cas.sock")));
    target.pushes(&[]);
}

#[test]
fn headers_go_along() {
    let (_registry, cache, _, target) = filled(FakeCas::start());
    target.env("IMG_REAPI_HEADERS", "x-key=a=b\n\nAuthorization=Bearer secret\n").pushes(&[]);
    assert_eq!(authorizations(&cache), ["Bearer secret"]);
}

#[test]
fn the_workspace_s_helper_is_asked_where_none_is_named() {
    let (_registry, cache, _, target) = filled(FakeCas::start());
    let script = r#"#!/bin/sh
echo '{"headers":{"Authorization":["Bearer helped"]}}'"#;
    let helper = target.script("workspace/tools/credential-helper", script);
    let workspace = helper.ancestors().nth(2).unwrap().to_str().unwrap().to_owned();
    let target = target.env("BUILD_WORKSPACE_DIRECTORY", workspace);
    target.pushes(&[]);
    assert_eq!(authorizations(&cache), ["Bearer helped"]);

    let named = target.script("named", &script.replace("helped", "named"));
    let other = FakeRegistry::start();
    let target = target.env("IMG_CREDENTIAL_HELPER_REMOTE_CACHE", named.to_str().unwrap());
    target.pushes(&["--registry", &other.host()]);
    assert_eq!(authorizations(&cache), ["Bearer helped", "Bearer named"]);
}

#[test]
fn credentials_in_the_clear_are_warned_of_once() {
    let (registry, cache, _, target) = filled(FakeCas::start());
    // Every interface of this machine, and none that is known to be loopback.
    let open = |user: &str| cache.endpoint().replace("grpc://127.0.0.1", &format!("grpc://{user}0.0.0.0"));
    let ran = target.run(&["--remote-cache", &open("me:hunter2@")]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    let warning = format!("credentials are sent to the remote cache `{}` in the clear", open(""));
    assert_eq!(ran.stderr.matches(&warning).count(), 1, "{}", ran.stderr);
    assert!(!ran.stderr.contains("hunter2"), "{}", ran.stderr);
    assert_eq!(authorizations(&cache), ["Basic bWU6aHVudGVyMg=="]);

    drop(registry);
    let other = FakeRegistry::start();
    target.pushes(&["--remote-cache", &open(""), "--registry", &other.host()]);
}

#[test]
fn what_cannot_be_used_is_wrong_usage() {
    let table: &[(&[(&'static str, &str)], &str)] = &[
        (
            &[("IMG_REAPI_HEADERS", "a=b\nsecret")],
            "error: line 2 of IMG_REAPI_HEADERS is not a header: expected `NAME=VALUE`\n",
        ),
        (
            &[("IMG_REAPI_HEADERS", "data-bin=secret")],
            "error: line 1 of IMG_REAPI_HEADERS is not a header: expected `NAME=VALUE`\n",
        ),
        (
            &[("IMG_REAPI_TLS_CERTIFICATE", "/nonexistent")],
            "error: IMG_REAPI_TLS_CERTIFICATE names no file that can be read: failed to open file `/nonexistent`: No such file or directory (os error 2)\n",
        ),
        (
            &[("IMG_REAPI_TLS_CLIENT_KEY", "/dev/null")],
            "error: IMG_REAPI_TLS_CLIENT_KEY is set and IMG_REAPI_TLS_CLIENT_CERTIFICATE is not: one is of no use without the other\n",
        ),
    ];
    for (variables, expected) in table {
        let (_registry, _cache, _, mut target) = filled(FakeCas::start());
        for (name, value) in *variables {
            target = target.env(name, *value);
        }
        let ran = target.run(&[]);
        assert_eq!((ran.status, ran.stderr.as_str()), (2, *expected));
    }
}
