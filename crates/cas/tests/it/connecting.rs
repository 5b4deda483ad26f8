//! Sockets and encryption, against a server that speaks them.

use auth::Secret;
use cas::{Cause, Client, Config, Encoding, Tls};
use testkit::Certificate;
use testkit::fake_cas::FakeCas;

use crate::client::{blob, bytes, config, read};

const SIZE: usize = 100_000;

/// Trusts a server's certificate, and shows one of its own.
fn trusting(cache: &FakeCas, server: &Certificate, own: Option<&Certificate>) -> Client {
    let identity = own.map(|own| (own.pem.clone().into_bytes(), Secret::new(own.key_pem.clone())));
    let tls = Tls { authorities: Some(server.pem.clone().into_bytes()), identity };
    Client::new(Config { tls, ..config(cache) })
}

#[tokio::test]
async fn a_socket_of_this_machine() {
    let folder = tempfile::tempdir().unwrap();
    let cache = FakeCas::start_unix(&folder.path().join("cache.sock"));
    assert!(cache.endpoint().starts_with("unix:/"), "{}", cache.endpoint());
    let blob = blob(cache.add(bytes(SIZE)), SIZE);
    let client = Client::new(config(&cache));
    assert!(client.find_missing(&[blob]).await.unwrap().is_empty());
    assert!(read(&client, blob, 7, Encoding::Identity).await.unwrap() == bytes(SIZE)[7..]);
}

#[tokio::test]
async fn a_socket_that_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = format!("unix:{}", folder.path().join("cache.sock").display());
    let client = Client::new(Config::new(endpoint.parse().unwrap()));
    let error = client.find_missing(&[blob(testkit::digest_of(b"a"), 1)]).await.unwrap_err();
    assert!(matches!(error.cause(), Cause::Connect(_)), "{error:?}");
    assert_eq!(error.hints(), [format!("is a remote cache running at `{endpoint}`?")]);
}

#[tokio::test]
async fn encrypted_with_a_named_authority() {
    let certificate = Certificate::valid("127.0.0.1");
    let cache = FakeCas::start_tls(&certificate, None);
    let blob = blob(cache.add(bytes(SIZE)), SIZE);
    let client = trusting(&cache, &certificate, None);
    assert!(read(&client, blob, 0, Encoding::Identity).await.unwrap() == bytes(SIZE));
}

#[tokio::test]
async fn certificates_that_are_not_to_be_trusted() {
    let right = Certificate::valid("127.0.0.1");
    for (shown, trusted) in [
        (right, &Certificate::valid("127.0.0.1")),
        (Certificate::expired("127.0.0.1"), &Certificate::valid("127.0.0.1")),
    ] {
        let cache = FakeCas::start_tls(&shown, None);
        refused(&trusting(&cache, trusted, None)).await;
    }
    for certificate in [Certificate::expired("127.0.0.1"), Certificate::valid("cache.example.com")] {
        let cache = FakeCas::start_tls(&certificate, None);
        refused(&trusting(&cache, &certificate, None)).await;
    }
}

async fn refused(client: &Client) {
    let error = client.find_missing(&[blob(testkit::digest_of(b"a"), 1)]).await.unwrap_err();
    assert!(matches!(error.cause(), Cause::Tls { plain: false, .. }), "{error:?}");
    assert_eq!(error.attempts(), 1);
    assert!(error.hints()[0].starts_with("set IMG_REAPI_TLS_CERTIFICATE to "), "{:?}", error.hints());
}

#[tokio::test]
async fn a_server_that_wants_to_know_its_clients() {
    let (server, own) = (Certificate::valid("127.0.0.1"), Certificate::valid("client"));
    let cache = FakeCas::start_tls(&server, Some(&own));
    let blob = blob(cache.add(bytes(SIZE)), SIZE);
    let client = trusting(&cache, &server, Some(&own));
    assert!(read(&client, blob, 0, Encoding::Identity).await.unwrap() == bytes(SIZE));
    for stranger in [None, Some(&Certificate::valid("client"))] {
        let client = trusting(&cache, &server, stranger);
        assert!(client.find_missing(&[blob]).await.is_err());
    }
}

#[tokio::test]
async fn one_speaks_tls_and_the_other_does_not() {
    let cache = FakeCas::start();
    let endpoint = cache.endpoint().replace("grpc://", "grpcs://").parse().unwrap();
    let client = Client::new(Config { endpoint, ..config(&cache) });
    let error = client.find_missing(&[blob(testkit::digest_of(b"a"), 1)]).await.unwrap_err();
    assert!(matches!(error.cause(), Cause::Tls { plain: true, .. }), "{error:?}");
    assert_eq!(error.hints(), ["it speaks without TLS: write `grpc://` if that is meant"]);
}

#[tokio::test]
async fn files_that_hold_no_certificate() {
    let certificate = Certificate::valid("127.0.0.1");
    let cache = FakeCas::start_tls(&certificate, None);
    let tables = [
        Tls { authorities: Some(b"no certificate".to_vec()), identity: None },
        Tls { authorities: None, identity: Some((b"no certificate".to_vec(), Secret::new("no key"))) },
    ];
    for tls in tables {
        let client = Client::new(Config { tls, ..config(&cache) });
        let error = client.find_missing(&[blob(testkit::digest_of(b"a"), 1)]).await.unwrap_err();
        assert_eq!(error.attempts(), 1, "{error:?}");
        assert!(!format!("{error:?}").contains("no key"), "{error:?}");
    }
}
