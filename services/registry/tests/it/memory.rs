//! Blobs pass through; they are never held.

use futures_util::StreamExt as _;
use reqwest::StatusCode;

use crate::cached::Setup;
use crate::client::{Client, expect};
use crate::server::Server;

const CHUNK: usize = 1 << 20;
const CHUNKS: u64 = 1 << 10;

#[tokio::test(flavor = "multi_thread")]
#[cfg(target_os = "linux")]
async fn a_large_blob_of_the_cache_in_64_mebibytes() {
    const SIZE: usize = 192 << 20;
    let folder = tempfile::tempdir().unwrap();
    let cache = testkit::fake_cas::FakeCas::start();
    let arguments = ["--remote-cache", cache.endpoint(), "--grpc-port", "0"];
    let server = Server::start_on(folder.path(), &arguments);
    let setup = Setup { client: Client::new(&server.url), server, cache, folder };
    let digest = setup.add("large", &vec![0; SIZE]).await;
    let response = expect(setup.client.get(&format!("large/blobs/{digest}")), StatusCode::OK).await;
    let (mut body, mut received) = (response.bytes_stream(), 0);
    while let Some(bytes) = body.next().await {
        received += bytes.unwrap().len();
    }
    assert_eq!(received, SIZE);
    let peak = peak(setup.server.process());
    println!("peak memory: {peak} KiB");
    assert!(peak < 64 << 10, "{peak} KiB");
}

/// The most memory that a process had, in KiB.
fn peak(process: u32) -> u64 {
    let status = fs_err::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().trim().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[cfg(target_os = "linux")]
async fn a_gibibyte_in_64_mebibytes() {
    let zeros = bytes::Bytes::from(vec![0; CHUNK]);
    let server = Server::start();
    let client = Client::new(&server.url);
    let mut hasher = blob::Hasher::new();
    for _ in 0..CHUNKS {
        hasher.update(&zeros);
    }
    let (digest, size) = hasher.finish();
    let chunks = || {
        let zeros = zeros.clone();
        futures_util::stream::iter((0..CHUNKS).map(move |_| Ok::<_, std::io::Error>(zeros.clone())))
    };

    let once = client.post(&format!("once/blobs/uploads/?digest={digest}"));
    expect(once.body(reqwest::Body::wrap_stream(chunks())), StatusCode::CREATED).await;
    let location = client.start_upload("chunked").await;
    let patch = client.patch(&location).body(reqwest::Body::wrap_stream(chunks()));
    expect(patch, StatusCode::ACCEPTED).await;
    expect(client.put(&format!("{location}?digest={digest}")), StatusCode::CREATED).await;

    let mut received = 0;
    let mut body = expect(client.get(&format!("once/blobs/{digest}")), StatusCode::OK).await.bytes_stream();
    while let Some(bytes) = body.next().await {
        received += bytes.unwrap().len() as u64;
    }
    assert_eq!(received, size);
    let peak = peak(server.process());
    println!("peak memory: {peak} KiB");
    assert!(peak < 64 << 10, "{peak} KiB");
}
