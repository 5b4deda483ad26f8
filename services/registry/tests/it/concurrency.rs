//! Many clients at once.

use reqwest::StatusCode;
use tokio::task::JoinSet;

use crate::client::{Client, expect};
use crate::server::Server;

#[tokio::test(flavor = "multi_thread")]
async fn one_blob_by_many_clients_is_one_blob() {
    let server = Server::start();
    let bytes = vec![3; 400_000];
    let digest = blob::digest_of(&bytes);
    let mut tasks = JoinSet::new();
    for number in 0..24 {
        let (client, bytes) = (Client::new(&server.url), bytes.clone());
        tasks.spawn(async move {
            let repository = format!("r{}", number % 3);
            if number % 2 == 0 {
                client.push_blob(&repository, &bytes).await;
            } else {
                let location = client.start_upload(&repository).await;
                expect(client.patch(&location).body(bytes.clone()), StatusCode::ACCEPTED).await;
                expect(client.put(&format!("{location}?digest={digest}")), StatusCode::CREATED).await;
            }
            let response = expect(client.get(&format!("{repository}/blobs/{digest}")), StatusCode::OK).await;
            assert!(response.bytes().await.unwrap() == bytes);
        });
    }
    while let Some(outcome) = tasks.join_next().await {
        outcome.unwrap();
    }
    assert_eq!(server.files(&digest.hex()).len(), 4, "one content, three links");
    assert!(server.files("_uploads").is_empty());
}

/// Deletions run against pushes of the same content: whatever the order, a manifest that was accepted has its parts.
#[tokio::test(flavor = "multi_thread")]
async fn deletions_and_pushes_keep_manifests_whole() {
    let server = Server::start();
    let client = Client::new(&server.url);
    let manifest = client.push_parts("a", "contended").await;
    let layer = manifest["layers"][0]["digest"].as_str().unwrap().to_owned();
    let mut deleted = 0;
    for _ in 0..60 {
        let push = client.put_manifest("a", "v1", &manifest).send();
        let delete = client.delete(&format!("a/blobs/{layer}")).send();
        let (push, delete) = tokio::join!(push, delete);
        let (push, delete) = (push.unwrap().status(), delete.unwrap().status());
        let there = client.head(&format!("a/blobs/{layer}")).send().await.unwrap().status();
        match (push, delete) {
            (StatusCode::CREATED, StatusCode::CONFLICT) => assert_eq!(there, StatusCode::OK),
            (StatusCode::BAD_REQUEST, StatusCode::ACCEPTED) => {
                assert_eq!(there, StatusCode::NOT_FOUND);
                deleted += 1;
            }
            other => panic!("both succeeded or both failed: {other:?}"),
        }
        let path = format!("a/manifests/{}", crate::client::digest_of(&manifest));
        client.delete(&path).send().await.unwrap();
        client.push_parts("a", "contended").await;
    }
    println!("the deletion was first {deleted} times of 60");
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_connections() {
    let server = Server::start();
    let mut tasks = JoinSet::new();
    for number in 0..300u32 {
        // A client has its own connections.
        let client = Client::new(&server.url);
        tasks.spawn(async move {
            let digest = client.push_blob("a", &number.to_le_bytes()).await;
            expect(client.get(&format!("a/blobs/{digest}")), StatusCode::OK).await;
        });
    }
    while let Some(outcome) = tasks.join_next().await {
        outcome.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_requests_share_an_http2_connection() {
    let server = Server::start();
    let client = Client::http2(&server.url);
    let mut tasks = JoinSet::new();
    for number in 0..50u8 {
        let client = client.clone();
        tasks.spawn(async move {
            let bytes = vec![number; 300_000];
            let digest = client.push_blob("a", &bytes).await;
            let response = expect(client.get(&format!("a/blobs/{digest}")), StatusCode::OK).await;
            assert_eq!(response.version(), reqwest::Version::HTTP_2);
            assert!(response.bytes().await.unwrap() == bytes);
        });
    }
    while let Some(outcome) = tasks.join_next().await {
        outcome.unwrap();
    }
}
