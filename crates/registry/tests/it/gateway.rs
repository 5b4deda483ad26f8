//! Requests that go to a gateway instead of to registries.

use std::sync::Arc;

use auth::{Credential, Keychain, Secret};
use oci::media_type::OCI_MANIFEST;
use registry::{BlobPush, Config, Gateway, Gateways, MemoryContent};
use testkit::{FakeRegistry, Fault, digest_of};
use tokio::net::{TcpStream, UnixListener};

use crate::setup::{Always, Setup, message, remote, tag};

/// No such host exists.
const REGISTRY: &str = "registry.invalid:5000";

/// A client with credentials, which no gateway must see.
fn setup(gateways: impl FnOnce(Option<Gateway>) -> Gateways, gateway: &FakeRegistry) -> Setup {
    let credential = Credential::Basic { username: "me".to_owned(), password: Secret::new("hunter2") };
    let gateways = gateways(Some(gateway.url().parse().unwrap()));
    Setup::with(Keychain::new(vec![Box::new(Always(credential))]), |config| Config { gateways, ..config })
}

fn both(gateway: Option<Gateway>) -> Gateways {
    Gateways { push: gateway.clone(), pull: gateway }
}

async fn push(setup: &Setup) {
    let bytes = b"a layer".as_slice();
    let content = Arc::new(MemoryContent(bytes.into()));
    let blob = BlobPush { digest: digest_of(bytes), size: 7, begun: None, content };
    let to = remote(REGISTRY, "a/b");
    setup.client.expect_push(&to, &[]);
    let pushed = setup.client.push_blob(&to, &blob).await;
    pushed.map_err(|error| message(&error)).unwrap();
    let manifest = br#"{"schemaVersion":2}"#.as_slice();
    setup.client.put_manifest(&to, tag("v1"), OCI_MANIFEST, manifest.into()).await.unwrap();
}

fn check(gateway: &FakeRegistry) {
    let requests = gateway.requests();
    assert!(!requests.is_empty());
    for request in requests {
        assert_eq!(
            (request.original_host.as_deref(), request.authorization),
            (Some(REGISTRY), None),
            "{}",
            request.path
        );
    }
}

#[tokio::test]
async fn it_is_told_which_registry_is_meant_and_sees_no_credentials() {
    let gateway = FakeRegistry::start();
    push(&setup(both, &gateway)).await;
    assert!(gateway.manifest("a/b", "v1").is_some());
    check(&gateway);
}

#[tokio::test]
async fn what_a_registry_says_of_itself_means_its_gateway() {
    for origin in [&format!("https://{REGISTRY}"), &format!("http://{REGISTRY}")] {
        let gateway = FakeRegistry::start();
        gateway.upload_elsewhere(origin);
        push(&setup(both, &gateway)).await;
        check(&gateway);
    }
}

#[tokio::test]
async fn one_for_pushes_and_one_for_all_else() {
    let (pushes, pulls) = (FakeRegistry::start(), FakeRegistry::start());
    let pull: Gateway = pulls.url().parse().unwrap();
    let setup = setup(|push| Gateways { push, pull: Some(pull) }, &pushes);
    push(&setup).await;
    assert!(setup.client.head_manifest(&remote(REGISTRY, "a/b"), tag("v1")).await.unwrap().is_some());
    assert!(pulls.requests().is_empty(), "a repository that is pushed to is asked there, too");
    assert!(setup.client.head_manifest(&remote(REGISTRY, "base"), tag("v1")).await.unwrap().is_none());
    check(&pushes);
    check(&pulls);
}

#[tokio::test]
async fn behind_a_socket() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let gateway = FakeRegistry::start();
    let host = gateway.host();
    let relay = tokio::spawn(async move {
        loop {
            let (mut here, _) = listener.accept().await.unwrap();
            let mut there = TcpStream::connect(&host).await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut here, &mut there).await });
        }
    });
    let socket: Gateway = format!("unix:{}", path.display()).parse().unwrap();
    push(&setup(|_| both(Some(socket)), &gateway)).await;
    check(&gateway);
    relay.abort();
}

#[tokio::test]
async fn what_it_does_not_allow() {
    for status in [401, 403] {
        let gateway = FakeRegistry::start();
        gateway.fault(Fault::parse(&format!("GET manifests {status}")).unwrap());
        let setup = setup(both, &gateway);
        let error = setup.client.get_manifest(&remote(REGISTRY, "a/b"), tag("v1")).await.unwrap_err();
        let text = message(&error);
        let hint = "\nhint: requests go to a gateway: its rules have to allow this for `registry.invalid:5000/a/b`, and its credentials have to be enough";
        assert!(text.ends_with(hint), "{text}");
        assert_eq!(gateway.requests().len(), 1, "nobody asks again with credentials");
    }
}
