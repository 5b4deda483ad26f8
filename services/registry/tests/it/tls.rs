//! The same server over TLS.

use std::io::Read as _;
use std::net::TcpStream;
use std::path::Path;

use cas::{Blob, Tls, Wanted};
use reqwest::{Method, StatusCode, Version};
use tempfile::TempDir;
use testkit::Certificate;
use testkit::fake_cas::FakeCas;

use crate::client::{Client, expect};
use crate::server::Server;

/// A server for `127.0.0.1` with a certificate of its own, with a remote cache behind it.
struct Setup {
    certificate: Certificate,
    cache: FakeCas,
    server: Server,
    _folder: TempDir,
}

/// Writes certificate and key; returns where.
fn write(folder: &Path, certificate: &Certificate) -> [String; 2] {
    [("cert.pem", &certificate.pem), ("key.pem", &certificate.key_pem)].map(|(name, text)| {
        let path = folder.join(name);
        fs_err::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    })
}

impl Setup {
    fn start() -> Self {
        let (certificate, cache) = (Certificate::valid("127.0.0.1"), FakeCas::start());
        let folder = tempfile::tempdir().unwrap();
        let [file, key] = write(folder.path(), &certificate);
        let words =
            ["--tls-cert", &file, "--tls-key", &key, "--remote-cache", cache.endpoint(), "--grpc-port", "0"];
        let server = Server::start_on(&folder.path().join("store"), &words);
        Self { certificate, cache, server, _folder: folder }
    }
}

#[tokio::test]
async fn http_is_encrypted_and_nothing_else_is_spoken() {
    let setup = Setup::start();
    let url = &setup.server.url;
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");
    let client = Client::trusting(url, &setup.certificate.pem);
    for size in [0, 10, 3_000_000] {
        let bytes = vec![7; size];
        let digest = client.push_blob("a", &bytes).await;
        let answer = expect(client.get(&format!("a/blobs/{digest}")), StatusCode::OK).await;
        assert_eq!(answer.version(), Version::HTTP_2, "the better one is agreed on");
        assert_eq!(answer.bytes().await.unwrap(), bytes);
    }
    let plain = Client::new(&url.replace("https://", "http://"));
    for stranger in [Client::new(url), plain] {
        assert!(stranger.request(Method::GET, "").send().await.is_err());
    }
}

#[tokio::test]
async fn who_says_nothing_keeps_nobody_waiting() {
    let setup = Setup::start();
    let host = setup.server.url.trim_start_matches("https://");
    let mut silent = TcpStream::connect(host).unwrap();
    expect(Client::trusting(&setup.server.url, &setup.certificate.pem).get(""), StatusCode::OK).await;
    silent.set_nonblocking(true).unwrap();
    assert_eq!(silent.read(&mut [0]).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn commits_are_encrypted_too() {
    let setup = Setup::start();
    let endpoint = &setup.server.blob_cache;
    assert!(endpoint.starts_with("grpcs://"), "{endpoint}");
    let blob = Blob { digest: setup.cache.add(b"one".to_vec()), size: 3 };
    let wanted = Wanted::from([("a".to_owned(), [blob].into())]);
    let config = cas::Config::new(endpoint.parse().unwrap());
    let tls = Tls { authorities: Some(setup.certificate.pem.clone().into_bytes()), identity: None };
    let missing =
        cas::Client::new(cas::Config { tls, ..config.clone() }).commit(&wanted, false).await.unwrap();
    assert!(missing.values().all(std::collections::BTreeSet::is_empty));
    let client = Client::trusting(&setup.server.url, &setup.certificate.pem);
    expect(client.get(&format!("a/blobs/{}", blob.digest)), StatusCode::OK).await;
    let error = cas::Client::new(config).commit(&wanted, false).await.unwrap_err();
    assert!(matches!(error.cause(), cas::Cause::Tls { plain: false, .. }), "{error:?}");
}
