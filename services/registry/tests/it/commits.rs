//! Commits: what they make visible, what they refuse, and what is left of them after a kill.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use oci::Digest;
use reqwest::StatusCode;
use tokio::task::JoinSet;

use crate::cached::{Setup, commit};
use crate::client::{Client, expect, header, refusal, refused};
use crate::server::Server;

#[tokio::test]
async fn what_is_committed_is_there_and_the_rest_is_said_to_be_missing() {
    let setup = Setup::start();
    let client = &setup.client;
    let (one, two) = (setup.cache.add(b"one".to_vec()), setup.cache.add(b"three".to_vec()));
    let absent = blob::digest_of(b"absent");
    assert_eq!(setup.commit("a/b", &[(one, 3), (absent, 6), (two, 5)]).await, [absent]);
    assert_eq!(setup.cache.asked().last().unwrap(), "FindMissingBlobs 3");
    for (digest, text) in [(one, "one"), (two, "three")] {
        let path = format!("a/b/blobs/{digest}");
        let head = expect(client.head(&path), StatusCode::OK).await;
        assert_eq!(header(&head, "content-length"), text.len().to_string());
        assert_eq!(header(&head, "docker-content-digest"), digest.to_string());
        assert_eq!(expect(client.get(&path), StatusCode::OK).await.text().await.unwrap(), text);
    }
    assert_eq!(refusal(client.get(&format!("a/b/blobs/{absent}"))).await, refused(404, "BLOB_UNKNOWN"));
    // What a commit found is believed for a moment.
    assert_eq!(setup.asked("FindMissingBlobs"), 1);
    // Nothing of it is on this disk, and other repositories see nothing.
    assert_eq!(setup.server.files("blobs/sha256/"), [""; 0]);
    assert_eq!(refusal(client.get(&format!("c/blobs/{one}"))).await, refused(404, "BLOB_UNKNOWN"));
}

#[tokio::test]
async fn only_to_ask_changes_nothing() {
    let setup = Setup::start();
    let (one, absent) = (setup.cache.add(b"one".to_vec()), blob::digest_of(b"absent"));
    let missing = commit(&setup.server.blob_cache, "a", &[(one, 3), (absent, 6)], true).await.unwrap();
    assert_eq!(missing, [absent]);
    assert_eq!(refusal(setup.client.get(&format!("a/blobs/{one}"))).await, refused(404, "BLOB_UNKNOWN"));
    assert_eq!(setup.server.files("repositories/"), [""; 0]);
}

/// Commits five blobs at a time, of a list that many share, until the server is gone.
async fn commit_all(
    blob_cache: String,
    blobs: Arc<Vec<(Digest, u64)>>,
    next: Arc<AtomicUsize>,
) -> Vec<Digest> {
    let mut acknowledged = Vec::new();
    loop {
        let start = next.fetch_add(5, Ordering::Relaxed) % blobs.len();
        let some = &blobs[start..start + 5];
        match commit(&blob_cache, "app", some, false).await {
            Ok(missing) => assert_eq!(missing, []),
            Err(_) => return acknowledged,
        }
        acknowledged.extend(some.iter().map(|(digest, _)| *digest));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_the_midst_of_commits_loses_none() {
    let mut setup = Setup::start();
    let blobs = (0..2000).map(|number| format!("blob {number}"));
    let blobs: Vec<_> = blobs.map(|text| (setup.cache.add(text.clone()), text.len() as u64)).collect();
    let (blobs, next) = (Arc::new(blobs), Arc::<AtomicUsize>::default());
    let mut checked = 0;
    for round in 1..=8 {
        let mut tasks = JoinSet::new();
        for _ in 0..4 {
            let blob_cache = setup.server.blob_cache.clone();
            tasks.spawn(commit_all(blob_cache, Arc::clone(&blobs), Arc::clone(&next)));
        }
        // The moment is counted in commits and not in time.
        let until = next.load(Ordering::Relaxed) + round * 35;
        while next.load(Ordering::Relaxed) < until {
            tokio::time::sleep(Duration::from_micros(100)).await;
        }
        setup = setup.kill_and_restart();
        while let Some(acknowledged) = tasks.join_next().await {
            for digest in acknowledged.unwrap() {
                expect(setup.client.head(&format!("app/blobs/{digest}")), StatusCode::OK).await;
                checked += 1;
            }
        }
        // Whatever is linked has a size, and the other way round.
        let names = |part: &str| {
            let name = |path: &String| path.rsplit_once('/').unwrap().1.to_owned();
            setup.server.files(part).iter().map(name).collect::<BTreeSet<_>>()
        };
        assert_eq!(names("/_blobs/"), names("cached/"));
    }
    assert!(checked > 300, "only {checked} blobs were acknowledged");
}

#[tokio::test]
async fn a_size_that_contradicts_what_is_known_is_not_taken() {
    let setup = Setup::start();
    let digest = setup.add("a", b"content").await;
    assert_eq!(setup.commit("b", &[(digest, 8)]).await, [digest]);
    let path = format!("a/blobs/{digest}");
    assert_eq!(expect(setup.client.get(&path), StatusCode::OK).await.text().await.unwrap(), "content");
    assert_eq!(refusal(setup.client.get(&format!("b/blobs/{digest}"))).await, refused(404, "BLOB_UNKNOWN"));
}

#[tokio::test]
async fn a_read_only_registry_takes_nothing() {
    let mut setup = Setup::start();
    let image = setup.image("app").await;
    expect(setup.client.put_manifest("app", "v1", &image), StatusCode::CREATED).await;
    let arguments = ["--remote-cache", setup.cache.endpoint(), "--grpc-port", "0", "--read-only"];
    setup.server = Server::start_on(setup.folder.path(), &arguments);
    let client = Client::new(&setup.server.url);
    let layer = image["layers"][0]["digest"].as_str().unwrap();
    expect(client.get(&format!("app/blobs/{layer}")), StatusCode::OK).await;
    let digest = setup.cache.add(b"more".to_vec());
    let error = commit(&setup.server.blob_cache, "app", &[(digest, 4)], false).await.unwrap_err();
    assert!(tool::chain(&error).contains("this registry is read-only"), "{error:?}");
}

#[tokio::test]
async fn malformed_commits_say_what_is_wrong() {
    use blobcache::{CommitRequest, Digest, RepositoryBlobs, SHA256};
    let setup = Setup::start();
    let address = setup.server.blob_cache.replace("grpc:", "http:");
    let channel = tonic::transport::Endpoint::from_shared(address).unwrap().connect().await.unwrap();
    let request = |digest_function, name: &str, hash: &str, size_bytes| {
        let blobs = vec![Digest { hash: hash.to_owned(), size_bytes }];
        let repositories = vec![RepositoryBlobs { name: name.to_owned(), blobs }];
        CommitRequest { digest_function, repositories, only_ask: false }
    };
    let hash = "0".repeat(64);
    for (request, expected) in [
        (request(2, "a", &hash, 1), "digest function 2; expected 1 (SHA256)"),
        (request(SHA256, "A", &hash, 1), "`A` is not a repository"),
        (request(SHA256, "../a", &hash, 1), "`../a` is not a repository"),
        (request(SHA256, "a", "../../x", 1), "`../../x`: "),
        (request(SHA256, "a", &hash, -1), "has a negative size"),
    ] {
        let status = blobcache::commit(channel.clone(), tonic::Request::new(request)).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::InvalidArgument);
        assert!(status.message().contains(expected), "{}", status.message());
    }
    assert_eq!(setup.asked("FindMissingBlobs"), 0);
}
