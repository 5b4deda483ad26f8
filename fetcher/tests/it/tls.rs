//! Registries that speak TLS.

use testkit::{Certificate, FakeRegistry};

use crate::command::{Folder, Ran};

/// Pulls over TLS, trusting the registry's certificate or not.
fn pull(certificate: &Certificate, trusted: bool) -> (String, Ran) {
    let registry = FakeRegistry::start_tls(certificate);
    registry.add_image("a/b", "1", &["linux/amd64"]);
    let folder = Folder::new();
    let other = Certificate::valid("127.0.0.1");
    let file = folder.file("ca.pem", if trusted { &certificate.pem } else { &other.pem });
    let folder = folder.env("SSL_CERT_FILE", file.to_str().unwrap());
    let ran = folder.pull(&[&registry.host()], "1");
    (registry.host(), ran)
}

#[test]
fn a_certificate_authority_of_one_s_own() {
    let (_, ran) = pull(&Certificate::valid("127.0.0.1"), true);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
}

#[test]
fn certificates_that_prove_nothing() {
    let table = [
        (Certificate::valid("127.0.0.1"), false, "UnknownIssuer"),
        (Certificate::expired("127.0.0.1"), true, "certificate expired"),
        (Certificate::valid("registry.example"), true, "certificate not valid for name"),
    ];
    for (certificate, trusted, expected) in table {
        let (host, ran) = pull(&certificate, trusted);
        assert_eq!(ran.status, 1);
        let start = format!(
            "error: failed to fetch manifest `1` from `{host}/a/b`: no secure connection to `{host}`: "
        );
        assert!(ran.stderr.starts_with(&start), "{}", ran.stderr);
        assert!(ran.stderr.contains(expected), "{}", ran.stderr);
    }
}

#[test]
fn insecure_trusts_everything() {
    let registry = FakeRegistry::start_tls(&Certificate::expired("registry.example"));
    registry.add_image("a/b", "1", &["linux/amd64"]);
    Folder::new().env("IMG_INSECURE", "1").pull_silently(&registry, "1");
}

#[test]
fn a_machine_without_certificates() {
    let registry = FakeRegistry::start_tls(&Certificate::valid("127.0.0.1"));
    let folder = Folder::new();
    let missing = folder.path("missing.pem");
    let folder = folder.env("SSL_CERT_FILE", missing.to_str().unwrap());
    let ran = folder.pull(&[&registry.host()], "1");
    let host = registry.host();
    let expected = format!(
        "error: failed to fetch manifest `1` from `{host}/a/b`: no secure connection to `{host}`: unexpected error: No CA certificates were loaded from the system\n\
         hint: set SSL_CERT_FILE to a file with the certificate authority that the registry uses\n"
    );
    assert_eq!((ran.status, ran.stderr), (1, expected));
}
