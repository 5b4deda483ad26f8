//! Blobs: reading, ranges, visibility, mounting, deleting.

use reqwest::StatusCode;

use crate::client::{Client, expect, header, refusal, refused};
use crate::server::Server;

#[tokio::test]
async fn the_base_answers() {
    let server = Server::start();
    let client = Client::new(&server.url);
    for path in ["/v2/", "/v2"] {
        let response = expect(client.get(path), StatusCode::OK).await;
        assert_eq!(header(&response, "docker-distribution-api-version"), "registry/2.0");
    }
    assert_eq!(refusal(client.get("/")).await, refused(404, "UNSUPPORTED"));
    assert_eq!(refusal(client.post("a/tags/list")).await, refused(405, "UNSUPPORTED"));
}

#[tokio::test]
async fn reading_says_what_it_is() {
    let server = Server::start();
    let client = Client::new(&server.url);
    let digest = client.push_blob("a/b", b"hello").await;
    let path = format!("a/b/blobs/{digest}");
    for request in [client.head(&path), client.get(&path)] {
        let response = expect(request, StatusCode::OK).await;
        assert_eq!(header(&response, "content-length"), "5");
        assert_eq!(header(&response, "content-type"), "application/octet-stream");
        assert_eq!(header(&response, "docker-content-digest"), digest.to_string());
        assert_eq!(header(&response, "etag"), format!("\"{digest}\""));
        assert_eq!(header(&response, "accept-ranges"), "bytes");
    }
    assert_eq!(expect(client.get(&path), StatusCode::OK).await.text().await.unwrap(), "hello");
    let encoded = path.replace(':', "%3A");
    assert_eq!(expect(client.get(&encoded), StatusCode::OK).await.text().await.unwrap(), "hello");
    let known = client.get(&path).header("if-none-match", format!("\"{digest}\""));
    expect(known, StatusCode::NOT_MODIFIED).await;
}

#[tokio::test]
async fn an_empty_blob_is_a_blob() {
    let server = Server::start();
    let client = Client::new(&server.url);
    let digest = client.push_blob("a", b"").await;
    let response = expect(client.get(&format!("a/blobs/{digest}")), StatusCode::OK).await;
    assert_eq!(header(&response, "content-length"), "0");
    assert_eq!(response.bytes().await.unwrap(), "");
}

#[tokio::test]
async fn ranges_are_served() {
    let server = Server::start();
    let client = Client::new(&server.url);
    // More than one chunk of the reader.
    let bytes: Vec<u8> = (0..1_000_000u32).map(|i| u8::try_from(i % 251).unwrap()).collect();
    let path = format!("a/blobs/{}", client.push_blob("a", &bytes).await);
    let table = [
        ("bytes=0-0", 0..1),
        ("bytes=500-1499", 500..1500),
        ("bytes=262143-524289", 262_143..524_290),
        ("bytes=999999-", 999_999..1_000_000),
        ("bytes=-300000", 700_000..1_000_000),
        ("bytes=999000-2000000", 999_000..1_000_000),
    ];
    for (range, expected) in table {
        let response = expect(client.get(&path).header("range", range), StatusCode::PARTIAL_CONTENT).await;
        let position = format!("bytes {}-{}/1000000", expected.start, expected.end - 1);
        assert_eq!(header(&response, "content-range"), position);
        assert_eq!(header(&response, "content-length"), expected.len().to_string());
        assert!(response.bytes().await.unwrap() == bytes[expected], "{range}");
    }
    for range in ["bytes=1000000-", "bytes=5-4", "bytes=-0"] {
        let response =
            expect(client.get(&path).header("range", range), StatusCode::RANGE_NOT_SATISFIABLE).await;
        assert_eq!(header(&response, "content-range"), "bytes */1000000");
    }
    let several = client.get(&path).header("range", "bytes=0-1,5-6");
    assert_eq!(expect(several, StatusCode::OK).await.bytes().await.unwrap().len(), bytes.len());
    let changed = client.get(&path).header("range", "bytes=0-1").header("if-range", "\"another\"");
    assert_eq!(expect(changed, StatusCode::OK).await.bytes().await.unwrap().len(), bytes.len());
}

#[tokio::test]
async fn a_wrong_digest_leaves_nothing() {
    let server = Server::start();
    let client = Client::new(&server.url);
    let wrong = blob::digest_of(b"other");
    let once = client.post(&format!("a/blobs/uploads/?digest={wrong}")).body("hello");
    assert_eq!(refusal(once).await, refused(400, "DIGEST_INVALID"));
    let location = client.start_upload("a").await;
    let put = client.put(&format!("{location}?digest={wrong}")).body("hello");
    assert_eq!(refusal(put).await, refused(400, "DIGEST_INVALID"));
    assert_eq!(refusal(client.get(&location)).await, refused(404, "BLOB_UPLOAD_UNKNOWN"));
    assert_eq!(refusal(client.get(&format!("a/blobs/{wrong}"))).await, refused(404, "BLOB_UNKNOWN"));
    assert_eq!(server.files(""), ["lock"]);
}

#[tokio::test]
async fn only_sha256() {
    let server = Server::start();
    let client = Client::new(&server.url);
    let sha512 = format!("sha512:{}", "0".repeat(128));
    let other = client.post(&format!("a/blobs/uploads/?digest={sha512}")).body("x");
    assert_eq!(refusal(other).await, refused(400, "UNSUPPORTED"));
    assert_eq!(refusal(client.get(&format!("a/blobs/{sha512}"))).await, refused(400, "UNSUPPORTED"));
    let traversal = format!("a/blobs/sha256:..%2F..%2F{}", "0".repeat(58));
    assert_eq!(refusal(client.get(&traversal)).await, refused(404, "UNSUPPORTED"));
    assert_eq!(refusal(client.get("a/blobs/sha256:12")).await, refused(400, "DIGEST_INVALID"));
}

#[tokio::test]
async fn a_blob_is_seen_only_where_it_was_pushed_or_mounted() {
    let server = Server::start();
    let client = Client::new(&server.url);
    let digest = client.push_blob("a", b"hello").await;
    let elsewhere = format!("b/c/blobs/{digest}");
    assert_eq!(refusal(client.get(&elsewhere)).await, refused(404, "BLOB_UNKNOWN"));

    let mount = |query: &str| client.post(&format!("b/c/blobs/uploads/?mount={digest}{query}"));
    for query in ["&from=nowhere", "", "&from=b/c"] {
        let response = expect(mount(query), StatusCode::ACCEPTED).await;
        assert!(header(&response, "location").starts_with("/v2/b/c/blobs/uploads/"));
    }
    assert_eq!(refusal(mount("&from=A")).await, refused(400, "NAME_INVALID"));
    let response = expect(mount("&from=a"), StatusCode::CREATED).await;
    assert_eq!(header(&response, "location"), format!("/v2/{elsewhere}"));
    expect(mount(""), StatusCode::CREATED).await;
    assert_eq!(expect(client.get(&elsewhere), StatusCode::OK).await.text().await.unwrap(), "hello");
    assert_eq!(server.files(&digest.hex()).len(), 3, "one content, two links");
}

#[tokio::test]
async fn the_last_deletion_frees_the_disk() {
    let server = Server::start();
    let client = Client::new(&server.url);
    let digest = client.push_blob("a", b"hello").await;
    client.push_blob("b", b"hello").await;
    expect(client.delete(&format!("a/blobs/{digest}")), StatusCode::ACCEPTED).await;
    assert_eq!(refusal(client.get(&format!("a/blobs/{digest}"))).await, refused(404, "BLOB_UNKNOWN"));
    expect(client.get(&format!("b/blobs/{digest}")), StatusCode::OK).await;
    expect(client.delete(&format!("b/blobs/{digest}")), StatusCode::ACCEPTED).await;
    assert_eq!(refusal(client.delete(&format!("b/blobs/{digest}"))).await, refused(404, "BLOB_UNKNOWN"));
    assert_eq!(server.files(""), ["lock"]);
}
