//! Uploads in several requests, and what is left when one of them breaks.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};

use reqwest::StatusCode;

use crate::client::{Client, expect, header, refusal, refused};
use crate::server::Server;

#[tokio::test]
async fn every_way_to_upload_ends_in_the_same_blob() {
    let server = Server::start();
    let client = Client::new(&server.url);
    let bytes: Vec<u8> = (0..700_000u32).map(|i| u8::try_from(i % 241).unwrap()).collect();
    let digest = blob::digest_of(&bytes);

    client.push_blob("once", &bytes).await;

    let location = client.start_upload("put").await;
    let put = client.put(&format!("{location}?digest={digest}")).body(bytes.clone());
    let response = expect(put, StatusCode::CREATED).await;
    assert_eq!(header(&response, "location"), format!("/v2/put/blobs/{digest}"));
    assert_eq!(header(&response, "docker-content-digest"), digest.to_string());

    let location = client.start_upload("streamed").await;
    expect(client.patch(&location).body(bytes.clone()), StatusCode::ACCEPTED).await;
    expect(client.put(&format!("{location}?digest={digest}")), StatusCode::CREATED).await;

    let location = client.start_upload("chunked").await;
    for (number, chunk) in bytes.chunks(300_000).enumerate() {
        let (first, last) = (number * 300_000, number * 300_000 + chunk.len() - 1);
        let request = if last + 1 == bytes.len() {
            client.put(&format!("{location}?digest={digest}"))
        } else {
            client.patch(&location)
        };
        let request = request.header("content-range", format!("{first}-{last}")).body(chunk.to_vec());
        let response = request.send().await.unwrap();
        if response.status() == StatusCode::ACCEPTED {
            assert_eq!(header(&response, "range"), format!("0-{last}"));
            assert_eq!(header(&response, "location"), location);
        } else {
            assert_eq!(response.status(), StatusCode::CREATED);
        }
    }
    for repository in ["once", "put", "streamed", "chunked"] {
        let response = expect(client.get(&format!("{repository}/blobs/{digest}")), StatusCode::OK).await;
        assert!(response.bytes().await.unwrap() == bytes, "{repository}");
    }
    assert!(server.files("_uploads").is_empty());
}

#[tokio::test]
async fn a_chunk_must_follow_what_is_there() {
    let server = Server::start();
    let client = Client::new(&server.url);
    let location = client.start_upload("a").await;
    expect(client.patch(&location).body("hello "), StatusCode::ACCEPTED).await;
    for range in ["0-4", "7-11"] {
        let chunk = client.patch(&location).header("content-range", range).body("world");
        let response = expect(chunk, StatusCode::RANGE_NOT_SATISFIABLE).await;
        assert_eq!(header(&response, "range"), "0-5");
        assert_eq!(header(&response, "location"), location);
    }
    let state = expect(client.get(&location), StatusCode::NO_CONTENT).await;
    assert_eq!(header(&state, "range"), "0-5");

    let short = client.patch(&location).header("content-range", "6-99").body("world");
    assert_eq!(refusal(short).await, refused(400, "SIZE_INVALID"));
    let nonsense = client.patch(&location).header("content-range", "six").body("world");
    assert_eq!(refusal(nonsense).await, refused(400, "BLOB_UPLOAD_INVALID"));

    let digest = blob::digest_of(b"hello world");
    let last =
        client.put(&format!("{location}?digest={digest}")).header("content-range", "6-10").body("world");
    expect(last, StatusCode::CREATED).await;
    let response = expect(client.get(&format!("a/blobs/{digest}")), StatusCode::OK).await;
    assert_eq!(response.text().await.unwrap(), "hello world");
}

#[tokio::test]
async fn the_digest_is_asked_for_before_the_bytes() {
    let server = Server::start();
    let client = Client::new(&server.url);
    let location = client.start_upload("a").await;
    assert_eq!(refusal(client.put(&location).body("hello")).await, refused(400, "DIGEST_INVALID"));
    let digest = blob::digest_of(b"hello");
    expect(client.put(&format!("{location}?digest={digest}")).body("hello"), StatusCode::CREATED).await;
}

#[tokio::test]
async fn an_upload_can_be_given_up() {
    let server = Server::start();
    let client = Client::new(&server.url);
    let location = client.start_upload("a").await;
    expect(client.patch(&location).body("hello"), StatusCode::ACCEPTED).await;
    expect(client.delete(&location), StatusCode::NO_CONTENT).await;
    assert_eq!(refusal(client.delete(&location)).await, refused(404, "BLOB_UPLOAD_UNKNOWN"));
    assert_eq!(refusal(client.patch(&location)).await, refused(404, "BLOB_UPLOAD_UNKNOWN"));
    assert!(server.files("_uploads").is_empty());
}

#[tokio::test]
async fn an_upload_belongs_to_its_repository() {
    let server = Server::start();
    let client = Client::new(&server.url);
    let location = client.start_upload("a").await;
    let stolen = location.replace("/v2/a/", "/v2/b/");
    assert_eq!(refusal(client.patch(&stolen).body("x")).await, refused(404, "BLOB_UPLOAD_UNKNOWN"));
    let guessed = client.get("a/blobs/uploads/..%2F..%2Flock");
    assert_eq!(refusal(guessed).await.0, 404);
}

/// Sends a request and a part of its body.
fn begin(url: &str, request_line: &str, announced: usize, sent: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    let head = format!("{request_line} HTTP/1.1\r\nhost: x\r\ncontent-length: {announced}\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(sent).unwrap();
    stream
}

/// Reads a response.
fn status_of(mut stream: TcpStream) -> u16 {
    let mut line = [0; 12];
    stream.read_exact(&mut line).unwrap();
    std::str::from_utf8(&line).unwrap().strip_prefix("HTTP/1.1 ").unwrap().parse().unwrap()
}

/// Sends a chunk of which only a part arrives before the connection is cut.
fn send_a_part(url: &str, request_line: &str, announced: usize, sent: &[u8]) {
    let mut stream = begin(url, request_line, announced, sent);
    stream.shutdown(Shutdown::Write).unwrap();
    // The server notices, and closes its side.
    let _ = stream.read_to_end(&mut Vec::new());
}

#[tokio::test]
async fn a_broken_upload_goes_on_where_it_broke() {
    let server = Server::start();
    let client = Client::new(&server.url);
    let bytes: Vec<u8> = (0..900_000u32).map(|i| u8::try_from(i % 239).unwrap()).collect();
    let digest = blob::digest_of(&bytes);
    for cut in [0, 1, 4096, 450_000, bytes.len() - 1] {
        let repository = format!("cut{cut}");
        let location = client.start_upload(&repository).await;
        send_a_part(&server.url, &format!("PATCH {location}"), bytes.len(), &bytes[..cut]);
        let state = expect(client.get(&location), StatusCode::NO_CONTENT).await;
        assert_eq!(
            header(&state, "range"),
            format!("0-{}", cut.saturating_sub(1)),
            "all that arrived was kept"
        );
        let range = format!("{cut}-{}", bytes.len() - 1);
        let rest = client.patch(&location).header("content-range", range).body(bytes[cut..].to_vec());
        expect(rest, StatusCode::ACCEPTED).await;
        expect(client.put(&format!("{location}?digest={digest}")), StatusCode::CREATED).await;
        let response = expect(client.get(&format!("{repository}/blobs/{digest}")), StatusCode::OK).await;
        assert!(response.bytes().await.unwrap() == bytes);
    }
}

#[tokio::test]
async fn a_broken_single_request_leaves_nothing() {
    let server = Server::start();
    let client = Client::new(&server.url);
    let digest = blob::digest_of(b"hello");
    send_a_part(&server.url, &format!("POST /v2/a/blobs/uploads/?digest={digest}"), 5, b"hell");
    assert_eq!(refusal(client.get(&format!("a/blobs/{digest}"))).await, refused(404, "BLOB_UNKNOWN"));
    // Removed by the task that received it, which may run a moment longer than the connection.
    for _ in 0..500 {
        if server.files("_uploads").is_empty() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("left behind: {:?}", server.files("_uploads"));
}

#[tokio::test]
async fn an_upload_survives_a_restart() {
    let server = Server::start();
    let client = Client::new(&server.url);
    let location = client.start_upload("a").await;
    expect(client.patch(&location).body("hello "), StatusCode::ACCEPTED).await;
    let server = server.kill_and_restart();
    let client = Client::new(&server.url);
    let state = expect(client.get(&location), StatusCode::NO_CONTENT).await;
    assert_eq!(header(&state, "range"), "0-5");
    let digest = blob::digest_of(b"hello world");
    expect(client.put(&format!("{location}?digest={digest}")).body("world"), StatusCode::CREATED).await;
}

#[tokio::test]
async fn a_second_writer_is_told_to_wait() {
    let server = Server::start();
    let client = Client::new(&server.url);
    let location = client.start_upload("a").await;
    let bytes = vec![5; 600_000];
    let (sent, rest) = bytes.split_at(400_000);
    let mut first = begin(&server.url, &format!("PATCH {location}"), bytes.len(), sent);
    // Once the file grows, the first writer has it.
    let file = server.files("_uploads").pop().unwrap();
    while server.size(&file) == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    assert_eq!(refusal(client.patch(&location).body("x")).await, refused(409, "BLOB_UPLOAD_INVALID"));
    first.write_all(rest).unwrap();
    assert_eq!(status_of(first), 202);
    let state = expect(client.get(&location), StatusCode::NO_CONTENT).await;
    assert_eq!(header(&state, "range"), "0-599999");
}

#[tokio::test]
async fn what_is_under_way_ends_before_the_server_does() {
    let mut server = Server::start();
    let digest = blob::digest_of(b"helloworld");
    let path = format!("POST /v2/a/blobs/uploads/?digest={digest}");
    let mut upload = begin(&server.url, &path, 10, b"hello");
    // Once the first bytes are in a file, the request is under way.
    while server.files("_uploads").is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    server.signal();
    upload.write_all(b"world").unwrap();
    assert_eq!(status_of(upload), 201);
    assert_eq!(server.wait(), Some(0));
    assert_eq!(server.files(&digest.hex()).len(), 2);
}
