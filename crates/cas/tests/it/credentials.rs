//! Who we are.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;

use auth::{BazelHelper, Secret};
use cas::{Client, Config};
use tempfile::TempDir;
use testkit::fake_cas::{Failure, FakeCas};

use crate::client::{blob, bytes, config};

/// A helper, written by another process so that none that is started meanwhile holds it open for writing.
fn helper(folder: &TempDir, body: &str) -> Arc<BazelHelper> {
    let path = folder.path().join("helper");
    let mut writer = Command::new("sh")
        .args(["-c", "cat > \"$0\" && chmod +x \"$0\""])
        .arg(&path)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    writer.stdin.take().unwrap().write_all(format!("#!/bin/sh\n{body}\n").as_bytes()).unwrap();
    assert!(writer.wait().unwrap().success());
    Arc::new(BazelHelper::new(path))
}

fn authorizations(cache: &FakeCas) -> Vec<String> {
    cache.calls().into_iter().map(|call| call.authorization).collect()
}

/// Counts its calls, remembers what it was asked, and has another token each time.
const COUNTING: &str = r#"cd "$(dirname "$0")"; cat >> asked; echo >> asked; echo x >> calls
echo "{\"headers\":{\"Authorization\":[\"Bearer $(wc -l < calls)\"]}}""#;

#[tokio::test]
async fn the_helper_is_asked_once_for_each_service() {
    let cache = FakeCas::start();
    let folder = tempfile::tempdir().unwrap();
    let credential_helper = Some(helper(&folder, COUNTING));
    let client = Client::new(Config { credential_helper, ..config(&cache) });
    let wanted = blob(cache.add(bytes(10)), 10);
    for _ in 0..2 {
        client.find_missing(&[wanted]).await.unwrap();
    }
    assert_eq!(authorizations(&cache), ["Bearer 1", "Bearer 2", "Bearer 2"]);
    let asked = fs_err::read_to_string(folder.path().join("asked")).unwrap();
    let host = cache.endpoint().replace("grpc://", "https://");
    let service = "build.bazel.remote.execution.v2";
    assert_eq!(
        asked,
        format!(
            "{{\"uri\":\"{host}/{service}.Capabilities\"}}\n{{\"uri\":\"{host}/{service}.ContentAddressableStorage\"}}\n"
        )
    );
}

#[tokio::test]
async fn a_token_that_ended_is_renewed() {
    let cache = FakeCas::start();
    let folder = tempfile::tempdir().unwrap();
    let credential_helper = Some(helper(&folder, COUNTING));
    let client = Client::new(Config { credential_helper, ..config(&cache) });
    cache.fail("FindMissingBlobs", Failure::Unauthenticated, 1);
    client.find_missing(&[blob(cache.add(bytes(10)), 10)]).await.unwrap();
    assert_eq!(authorizations(&cache), ["Bearer 1", "Bearer 2", "Bearer 3"]);
}

#[tokio::test]
async fn a_helper_that_fails_leaves_an_open_cache_open() {
    let cache = FakeCas::start();
    let folder = tempfile::tempdir().unwrap();
    let credential_helper = Some(helper(&folder, "exit 1"));
    let client = Client::new(Config { credential_helper, ..config(&cache) });
    let wanted = blob(cache.add(bytes(10)), 10);
    client.find_missing(&[wanted]).await.unwrap();
    assert_eq!(authorizations(&cache), ["", ""]);
    cache.fail("FindMissingBlobs", Failure::Unauthenticated, 1);
    let error = client.find_missing(&[wanted]).await.unwrap_err();
    assert_eq!(error.attempts(), 1, "there is nothing to renew");
    assert!(error.hints()[0].starts_with("set IMG_CREDENTIAL_HELPER_REMOTE_CACHE to "));
}

#[tokio::test]
async fn headers_and_user_info_go_along() {
    let cache = FakeCas::start();
    let wanted = blob(cache.add(bytes(10)), 10);
    let headers = vec![("Authorization".to_owned(), Secret::new("Bearer fixed"))];
    Client::new(Config { headers, ..config(&cache) }).find_missing(&[wanted]).await.unwrap();
    assert_eq!(authorizations(&cache), ["Bearer fixed"; 2]);

    let endpoint = cache.endpoint().replace("grpc://", "grpc://me:secret@").parse().unwrap();
    Client::new(Config { endpoint, ..config(&cache) }).find_missing(&[wanted]).await.unwrap();
    assert_eq!(authorizations(&cache)[2..], ["Basic bWU6c2VjcmV0"; 2]);
}
