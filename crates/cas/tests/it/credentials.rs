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

/// The same, and says until when.
fn expiring(end: &str) -> String {
    COUNTING.replace("]}}", &format!("]}},\\\"expires\\\":\\\"{end}\\\"}}"))
}

#[tokio::test]
async fn an_answer_is_used_as_long_as_the_helper_says() {
    let table = [
        ("2099-01-01T00:00:00Z", ["Bearer 1", "Bearer 2", "Bearer 2"]),
        ("2001-01-01T00:00:00Z", ["Bearer 1", "Bearer 2", "Bearer 3"]),
        ("no time", ["Bearer 1", "Bearer 2", "Bearer 2"]),
    ];
    for (end, expected) in table {
        let cache = FakeCas::start();
        let folder = tempfile::tempdir().unwrap();
        let credential_helper = Some(helper(&folder, &expiring(end)));
        let client = Client::new(Config { credential_helper, ..config(&cache) });
        let wanted = blob(cache.add(bytes(10)), 10);
        for _ in 0..2 {
            client.find_missing(&[wanted]).await.unwrap();
        }
        assert_eq!(authorizations(&cache), expected, "{end}");
    }
}

#[tokio::test]
async fn a_token_that_ends_while_a_blob_is_read_is_renewed() {
    let cache = FakeCas::start();
    let folder = tempfile::tempdir().unwrap();
    let credential_helper = Some(helper(&folder, COUNTING));
    let client = Client::new(Config { credential_helper, ..config(&cache) });
    let wanted = blob(cache.add(bytes(100_000)), 100_000);
    cache.fail("Read", Failure::Drop(50_000), 1);
    cache.fail("Read", Failure::Unauthenticated, 1);
    let found = crate::client::read(&client, wanted, 0, cas::Encoding::Identity).await.unwrap();
    assert!(found == bytes(100_000));
    assert_eq!(authorizations(&cache), ["Bearer 1", "Bearer 2", "Bearer 2", "Bearer 3"]);
}

#[tokio::test]
async fn many_calls_at_once_ask_the_helper_once() {
    let cache = FakeCas::start();
    let folder = tempfile::tempdir().unwrap();
    let credential_helper = Some(helper(&folder, COUNTING));
    let client = Client::new(Config { credential_helper, ..config(&cache) });
    let wanted = blob(cache.add(bytes(10)), 10);
    let reads =
        (0..20).map(|_| crate::client::read(&client, wanted, 0, cas::Encoding::Identity)).collect::<Vec<_>>();
    futures_util::future::try_join_all(reads).await.unwrap();
    let mut used = authorizations(&cache);
    used.dedup();
    assert_eq!(used, ["Bearer 1", "Bearer 2"]);
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
