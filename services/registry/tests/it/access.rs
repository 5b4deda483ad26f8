//! The access log, and the read-only mode.

use std::collections::BTreeMap;

use reqwest::StatusCode;
use serde_json::Value;

use crate::client::{Client, expect, refusal, refused};
use crate::server::Server;

/// Every file below a folder with its content.
fn snapshot(folder: &std::path::Path) -> BTreeMap<std::path::PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs_err::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(snapshot(&path));
        } else {
            files.insert(path.clone(), fs_err::read(&path).unwrap());
        }
    }
    files
}

#[tokio::test]
async fn the_log_says_what_moved() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("access.jsonl");
    let arguments = ["--log", "requests", "--log-file", log.to_str().unwrap()];
    let mut server = Server::start_on(&folder.path().join("store"), &arguments);
    let client = Client::new(&server.url);
    let digest = client.push_blob("a", &vec![7; 500_000]).await;
    expect(client.post(&format!("b/blobs/uploads/?mount={digest}&from=a")), StatusCode::CREATED).await;
    expect(client.post(&format!("c/blobs/uploads/?mount={digest}&from=x")), StatusCode::ACCEPTED).await;
    let path = format!("b/blobs/{digest}");
    expect(client.head(&path), StatusCode::OK).await;
    expect(client.get(&path), StatusCode::OK).await.bytes().await.unwrap();
    let part = client.get(&path).header("range", "bytes=0-9");
    expect(part, StatusCode::PARTIAL_CONTENT).await.bytes().await.unwrap();
    refusal(client.get("b/manifests/x")).await;
    drop(client);
    assert_eq!(server.terminate(), Some(0));

    let text = fs_err::read_to_string(&log).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let found: Vec<_> = lines
        .iter()
        .map(|line| {
            let number = |key: &str| line[key].as_u64().unwrap();
            let method = line["method"].as_str().unwrap();
            (method, number("status"), number("received"), number("sent"), line["mounted"].as_bool())
        })
        .collect();
    let error = found.last().unwrap().3;
    let expected = [
        ("POST", 201, 500_000, 0, None),
        ("POST", 201, 0, 0, Some(true)),
        ("POST", 202, 0, 0, Some(false)),
        ("HEAD", 200, 0, 0, None),
        ("GET", 200, 0, 500_000, None),
        ("GET", 206, 0, 10, None),
        ("GET", 404, 0, error, None),
    ];
    assert_eq!(found, expected);
    assert!(error > 0);
    assert_eq!(lines[4]["path"], format!("/v2/{path}"));
}

#[tokio::test]
async fn read_only_means_that_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start_on(folder.path(), &[]);
    let client = Client::new(&server.url);
    let (digest, manifest) = client.push_image("a", "one").await;
    expect(client.put_manifest("a", "v1", &manifest), StatusCode::CREATED).await;
    client.start_upload("a").await;
    server.kill();

    let before = snapshot(folder.path());
    let server = Server::start_on(folder.path(), &["--read-only"]);
    let another = Server::start_on(folder.path(), &["--read-only"]);
    for server in [&server, &another] {
        let client = Client::new(&server.url);
        expect(client.get("a/manifests/v1"), StatusCode::OK).await;
        let blob = manifest["layers"][0]["digest"].as_str().unwrap();
        expect(client.get(&format!("a/blobs/{blob}")), StatusCode::OK).await;
        for request in [
            client.post("a/blobs/uploads/"),
            client.put_manifest("a", "v2", &manifest),
            client.delete("a/manifests/v1"),
            client.delete(&format!("a/manifests/{digest}")),
            client.delete(&format!("a/blobs/{blob}")),
        ] {
            assert_eq!(refusal(request).await, refused(405, "UNSUPPORTED"));
        }
    }
    assert_eq!(snapshot(folder.path()), before);
}
