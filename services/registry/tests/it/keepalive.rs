//! What manifests need is asked for from time to time, and what vanished is said.

use std::process::Stdio;
use std::time::Duration;

use reqwest::StatusCode;
use testkit::fake_cas::FakeCas;

use crate::cached::Setup;
use crate::client::{Client, expect};
use crate::server::Server;

/// Waits until something is so.
async fn until(mut so: impl FnMut() -> bool) {
    for _ in 0..2000 {
        if so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never came to be so");
}

#[tokio::test]
async fn manifests_keep_their_blobs_alive() {
    let (cache, folder) = (FakeCas::start(), tempfile::tempdir().unwrap());
    let log = folder.path().join("log");
    let arguments = [
        "--remote-cache",
        cache.endpoint(),
        "--grpc-port",
        "0",
        "--cas-keepalive",
        "--cas-remote-cache-ttl",
        "100ms",
        "--cas-keepalive-scan-interval",
        "50ms",
    ];
    let output = Stdio::from(fs_err::File::create(&log).unwrap().into_file());
    let server = Server::start_with(&folder.path().join("store"), &arguments, &[], output);
    let client = Client::new(&server.url);
    let setup = Setup { cache, server, client, folder };
    let image = setup.image("app").await;
    setup.add("app", b"no manifest needs it").await;
    expect(setup.client.put_manifest("app", "v1", &image), StatusCode::CREATED).await;

    // Only what a manifest needs is asked for, all at once and again and again.
    let scans = || setup.cache.asked().iter().filter(|asked| *asked == "FindMissingBlobs 2").count();
    until(|| scans() > 2).await;

    let layer: oci::Digest = image["layers"][0]["digest"].as_str().unwrap().parse().unwrap();
    let logged = || fs_err::read_to_string(&log).unwrap();
    assert_eq!(logged(), "");
    setup.cache.evict(layer);
    until(|| logged().contains("has vanished from the remote cache")).await;
    let line = logged();
    let manifest = blob::digest_of(image.to_string().as_bytes());
    assert!(line.contains(&format!("blob `{layer}` (5 bytes) of `app@{manifest}` has vanished")), "{line}");
    // It is said once.
    let before = scans();
    until(|| scans() > before + 3).await;
    assert_eq!(logged(), line);
    setup.cache.add(b"layer".to_vec());
    until(|| logged().contains("is in the remote cache")).await;
}
