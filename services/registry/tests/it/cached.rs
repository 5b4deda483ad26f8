//! Blobs that only the remote cache has: served, mounted, lost.

use std::collections::{BTreeMap, BTreeSet};

use cas::{Blob, Wanted};
use oci::{Digest, media_type};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::fake_cas::{Failure, FakeCas};

use crate::client::{Client, expect, header, refusal, refused};
use crate::server::Server;

/// A registry before a cache.
pub(crate) struct Setup {
    pub(crate) cache: FakeCas,
    pub(crate) server: Server,
    pub(crate) client: Client,
    pub(crate) folder: TempDir,
}

impl Setup {
    pub(crate) fn start() -> Self {
        let (cache, folder) = (FakeCas::start(), tempfile::tempdir().unwrap());
        let arguments = ["--remote-cache", cache.endpoint(), "--grpc-port", "0"];
        let server = Server::start_on(folder.path(), &arguments);
        let client = Client::new(&server.url);
        Self { cache, server, client, folder }
    }

    pub(crate) fn kill_and_restart(self) -> Self {
        let server = self.server.kill_and_restart();
        Self { client: Client::new(&server.url), server, ..self }
    }

    pub(crate) async fn commit(&self, repository: &str, blobs: &[(Digest, u64)]) -> Vec<Digest> {
        commit(&self.server.blob_cache, repository, blobs, false).await.unwrap()
    }

    /// Puts content into the cache and has it shown.
    pub(crate) async fn add(&self, repository: &str, bytes: &[u8]) -> Digest {
        let digest = self.cache.add(bytes.to_vec());
        assert_eq!(self.commit(repository, &[(digest, bytes.len() as u64)]).await, []);
        digest
    }

    pub(crate) fn asked(&self, method: &str) -> usize {
        self.cache.calls().iter().filter(|call| call.method == method).count()
    }

    /// An image both of whose blobs are in the cache alone.
    pub(crate) async fn image(&self, repository: &str) -> Value {
        let config = self.add(repository, b"{}").await;
        let layer = self.add(repository, b"layer").await;
        json!({
            "schemaVersion": 2,
            "mediaType": media_type::OCI_MANIFEST,
            "config": {"mediaType": media_type::OCI_CONFIG, "digest": config, "size": 2},
            "layers": [{"mediaType": media_type::OCI_LAYER, "digest": layer, "size": 5}],
        })
    }
}

pub(crate) async fn commit(
    blob_cache: &str,
    repository: &str,
    blobs: &[(Digest, u64)],
    only_ask: bool,
) -> Result<Vec<Digest>, cas::Error> {
    let blobs: BTreeSet<Blob> =
        blobs.iter().map(|(digest, size)| Blob { digest: *digest, size: *size }).collect();
    let wanted = Wanted::from([(repository.to_owned(), blobs)]);
    let config = cas::Config::new(blob_cache.parse().unwrap());
    let retry = cas::RetryPolicy { max_attempts: 1, ..config.retry };
    let client = cas::Client::new(cas::Config { retry, ..config });
    let missing: BTreeMap<_, _> = client.commit(&wanted, only_ask).await?;
    Ok(missing.into_values().flatten().collect())
}

fn large() -> Vec<u8> {
    (0..1_000_000u32).map(|i| u8::try_from(i % 251).unwrap()).collect()
}

#[tokio::test]
async fn ranges_come_out_of_the_cache() {
    let setup = Setup::start();
    let bytes = large();
    let path = format!("a/blobs/{}", setup.add("a", &bytes).await);
    for (range, expected) in [
        ("bytes=0-0", 0..1),
        ("bytes=500-1499", 500..1500),
        ("bytes=70000-", 70_000..1_000_000),
        ("bytes=-1", 999_999..1_000_000),
        ("bytes=0-999999", 0..1_000_000),
    ] {
        let request = setup.client.get(&path).header("range", range);
        let response = expect(request, StatusCode::PARTIAL_CONTENT).await;
        let (first, last) = (expected.start, expected.end - 1);
        assert_eq!(header(&response, "content-range"), format!("bytes {first}-{last}/1000000"));
        assert_eq!(response.bytes().await.unwrap(), bytes[expected], "{range}");
    }
    let outside = setup.client.get(&path).header("range", "bytes=1000000-");
    expect(outside, StatusCode::RANGE_NOT_SATISFIABLE).await;
}

#[tokio::test]
async fn an_empty_blob_needs_no_cache_to_be_read() {
    let setup = Setup::start();
    let path = format!("a/blobs/{}", setup.add("a", b"").await);
    assert_eq!(expect(setup.client.get(&path), StatusCode::OK).await.bytes().await.unwrap(), "");
}

#[tokio::test]
async fn a_kill_loses_nothing_that_was_acknowledged() {
    let mut setup = Setup::start();
    let image = setup.image("app").await;
    let unused = setup.add("app", b"no manifest needs it").await;
    setup = setup.kill_and_restart();
    expect(setup.client.put_manifest("app", "v1", &image), StatusCode::CREATED).await;
    setup = setup.kill_and_restart();
    let layer = image["layers"][0]["digest"].as_str().unwrap();
    let response = expect(setup.client.get(&format!("app/blobs/{layer}")), StatusCode::OK).await;
    assert_eq!(response.text().await.unwrap(), "layer");
    expect(setup.client.head(&format!("app/blobs/{unused}")), StatusCode::OK).await;
    expect(setup.client.get("app/manifests/v1"), StatusCode::OK).await;
}

#[tokio::test]
async fn a_mount_makes_it_visible_elsewhere() {
    let setup = Setup::start();
    let client = &setup.client;
    let digest = setup.add("a", b"content").await;
    let mount = |to: &str| client.post(&format!("{to}/blobs/uploads/?mount={digest}&from=a"));
    expect(mount("b"), StatusCode::CREATED).await;
    let path = format!("b/blobs/{digest}");
    assert_eq!(expect(client.get(&path), StatusCode::OK).await.text().await.unwrap(), "content");
    // It goes when the last repository lets go of it.
    expect(client.delete(&format!("a/blobs/{digest}")), StatusCode::ACCEPTED).await;
    expect(client.get(&path), StatusCode::OK).await;
    expect(client.delete(&path), StatusCode::ACCEPTED).await;
    assert_eq!(setup.server.files("cached/"), [""; 0]);
}

#[tokio::test]
async fn a_manifest_needs_its_blobs_in_the_cache() {
    let mut setup = Setup::start();
    let image = setup.image("app").await;
    let mut lost = image.clone();
    let gone = setup.add("app", b"gone").await;
    lost["layers"] = json!([{"mediaType": media_type::OCI_LAYER, "digest": gone, "size": 4}]);
    setup.cache.evict(gone);
    // A commit is believed for a minute; a new process has to ask.
    setup = setup.kill_and_restart();
    let before = setup.asked("FindMissingBlobs");
    expect(setup.client.put_manifest("app", "v1", &image), StatusCode::CREATED).await;
    assert_eq!(setup.asked("FindMissingBlobs"), before + 1, "one question for all blobs");
    let refused_manifest = refusal(setup.client.put_manifest("app", "v2", &lost)).await;
    assert_eq!(refused_manifest, refused(400, "MANIFEST_BLOB_UNKNOWN"));
    let mut wrong = image;
    wrong["layers"][0]["size"] = 6.into();
    let refused_size = refusal(setup.client.put_manifest("app", "v3", &wrong)).await;
    assert_eq!(refused_size, refused(400, "SIZE_INVALID"));
}

#[tokio::test]
async fn what_the_cache_lost_can_be_uploaded() {
    let setup = Setup::start();
    let client = &setup.client;
    let digest = setup.add("a", b"content").await;
    let path = format!("a/blobs/{digest}");
    setup.cache.evict(digest);
    // Reading notices, and from then on nobody is told that it is there.
    assert_eq!(refusal(client.get(&path)).await, refused(404, "BLOB_UNKNOWN"));
    assert_eq!(client.head(&path).send().await.unwrap().status(), StatusCode::NOT_FOUND);
    let mount = client.post(&format!("b/blobs/uploads/?mount={digest}&from=a"));
    expect(mount, StatusCode::ACCEPTED).await;
    client.push_blob("a", b"content").await;
    assert_eq!(expect(client.get(&path), StatusCode::OK).await.text().await.unwrap(), "content");
    // What is on the disk is not asked for.
    let before = setup.asked("FindMissingBlobs");
    assert_eq!(setup.commit("a", &[(digest, 7)]).await, []);
    assert_eq!(setup.asked("FindMissingBlobs"), before);
}

#[tokio::test]
async fn wrong_content_never_arrives_whole() {
    for failure in [Failure::Flip, Failure::Short, Failure::Long] {
        let setup = Setup::start();
        for bytes in [large(), b"small".to_vec()] {
            let path = format!("a/blobs/{}", setup.add("a", &bytes).await);
            setup.cache.fail("Read", failure.clone(), 100);
            // Either there is no answer, or it ends before its promised length.
            let response = setup.client.get(&path).send().await.unwrap();
            let whole = response.status() == StatusCode::OK && response.bytes().await.is_ok();
            assert!(!whole, "{failure:?}");
        }
    }
}

#[tokio::test]
async fn a_stream_that_breaks_goes_on() {
    let setup = Setup::start();
    let bytes = large();
    let path = format!("a/blobs/{}", setup.add("a", &bytes).await);
    setup.cache.fail("Read", Failure::Drop(300_000), 2);
    assert_eq!(expect(setup.client.get(&path), StatusCode::OK).await.bytes().await.unwrap(), bytes);
    assert_eq!(setup.asked("Read"), 3);
}

#[tokio::test]
async fn a_cache_that_cannot_be_asked_is_not_an_absent_blob() {
    let mut setup = Setup::start();
    let digest = setup.add("a", b"content").await;
    setup.cache = FakeCas::start();
    setup = setup.kill_and_restart();
    let path = format!("a/blobs/{digest}");
    let response = expect(setup.client.get(&path), StatusCode::SERVICE_UNAVAILABLE).await;
    let text = response.text().await.unwrap();
    assert!(text.contains("failed to ask what can be done by the remote cache `grpc://127.0.0.1:"), "{text}");
    let error =
        commit(&setup.server.blob_cache, "a", &[(blob::digest_of(b"x"), 1)], false).await.unwrap_err();
    let text = tool::chain(&error);
    assert!(text.starts_with("failed to commit 1 blobs to the blob cache `grpc://"), "{text}");
    assert!(text.contains("failed to ask what can be done by the remote cache `grpc://127.0.0.1:"), "{text}");
    // A server that is not told of any cache says so, and keeps what it cannot read.
    drop(setup.server);
    let server = Server::start_on(setup.folder.path(), &[]);
    let client = Client::new(&server.url);
    assert_eq!(refusal(client.get(&path)).await, refused(404, "BLOB_UNKNOWN"));
    assert_eq!(server.files("cached/").len(), 1);
}
