//! `kill -9` at any moment: what is served afterwards is whole, and what was acknowledged is there.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::StatusCode;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::client::{Client, descriptor, digest_of, expect, index};
use crate::server::Server;

const ROUNDS: u64 = 24;
const TASKS: u64 = 4;

/// A small generator with a seed, so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn bytes(&mut self) -> Vec<u8> {
        let size = [10, 5000, 70_000, 400_000][usize::try_from(self.below(4)).unwrap()] + self.below(1000);
        (0..=size / 8)
            .flat_map(|_| {
                self.below(u64::MAX);
                self.0.to_le_bytes()
            })
            .collect()
    }
}

/// What the server confirmed, and nobody asked to delete.
type Confirmed = Arc<Mutex<Vec<String>>>;

/// Pushes images until the server is gone.
async fn push_until_the_end(client: Client, repository: String, mut random: Random, confirmed: Confirmed) {
    while push(&client, &repository, &mut random, &confirmed).await.is_ok() {}
}

async fn push(
    client: &Client,
    repository: &str,
    random: &mut Random,
    confirmed: &Confirmed,
) -> Result<(), reqwest::Error> {
    let confirm = |path: String| confirmed.lock().unwrap().push(path);
    let config = upload(client, repository, &random.bytes(), random.below(3)).await?;
    let bytes = random.bytes();
    let layer = upload(client, repository, &bytes, random.below(3)).await?;
    confirm(format!("{repository}/blobs/{}", layer["digest"].as_str().unwrap()));
    let document = serde_json::json!({
        "schemaVersion": 2, "mediaType": oci::media_type::OCI_MANIFEST, "config": config, "layers": [layer],
    });
    let digest = digest_of(&document);
    send(client.put_manifest(repository, &digest.to_string(), &document)).await?;
    let index = index(&[(digest, &document)]);
    let tag = format!("t{}", random.below(5));
    send(client.put_manifest(repository, &tag, &index)).await?;
    confirm(format!("{repository}/manifests/{tag}"));

    let mounted = format!("{repository}/mounted");
    let blob = layer["digest"].as_str().unwrap();
    send(client.post(&format!("{mounted}/blobs/uploads/?mount={blob}&from={repository}"))).await?;
    if random.below(2) == 0 {
        send(client.delete(&format!("{mounted}/blobs/{blob}"))).await?;
    }
    // An image that goes again, from the top down.
    let other = upload(client, repository, &random.bytes(), 0).await?;
    let document = serde_json::json!({
        "schemaVersion": 2, "mediaType": oci::media_type::OCI_MANIFEST, "config": other, "layers": [],
        "subject": descriptor(digest, &document),
    });
    let digest = digest_of(&document);
    send(client.put_manifest(repository, "gone", &document)).await?;
    send(client.delete(&format!("{repository}/manifests/{digest}"))).await?;
    send(client.delete(&format!("{repository}/blobs/{}", other["digest"].as_str().unwrap()))).await
}

async fn send(request: reqwest::RequestBuilder) -> Result<(), reqwest::Error> {
    let response = request.send().await?;
    let (status, url) = (response.status(), response.url().clone());
    // Reading to the end keeps the connection, and tells when it broke.
    let text = response.text().await?;
    assert!(status.is_success(), "{url}: {status} {text}");
    Ok(())
}

async fn upload(client: &Client, repository: &str, bytes: &[u8], way: u64) -> Result<Value, reqwest::Error> {
    let digest = blob::digest_of(bytes);
    let start = format!("{repository}/blobs/uploads/");
    if way == 0 {
        send(client.post(&format!("{start}?digest={digest}")).body(bytes.to_vec())).await?;
    } else {
        let response = client.post(&start).send().await?;
        let location = crate::client::header(&response, "location").to_owned();
        let (first, second) = bytes.split_at(bytes.len() / 2);
        send(client.patch(&location).body(first.to_vec())).await?;
        send(client.put(&format!("{location}?digest={digest}")).body(second.to_vec())).await?;
    }
    Ok(serde_json::json!({"mediaType": oci::media_type::OCI_LAYER, "digest": digest, "size": bytes.len()}))
}

/// Every part of a manifest is served, with the right digest and size.
fn check_manifest<'a>(client: &'a Client, repository: &'a str, reference: &'a str) -> BoxFuture<'a, ()> {
    Box::pin(async move {
        let path = format!("{repository}/manifests/{reference}");
        let document = expect(client.get(&path), StatusCode::OK).await.text().await.unwrap();
        if reference.starts_with("sha256:") {
            assert_eq!(blob::digest_of(document.as_bytes()).to_string(), reference);
        }
        let document: Value = serde_json::from_str(&document).unwrap();
        for child in document["manifests"].as_array().into_iter().flatten() {
            check_manifest(client, repository, child["digest"].as_str().unwrap()).await;
        }
        let layers = document["layers"].as_array().into_iter().flatten();
        for part in layers.chain(document.get("config")) {
            let digest = part["digest"].as_str().unwrap();
            let size = check_blob(client, &format!("{repository}/blobs/{digest}")).await;
            assert_eq!(size, part["size"].as_u64().unwrap());
        }
    })
}

async fn check_blob(client: &Client, path: &str) -> u64 {
    let bytes = expect(client.get(path), StatusCode::OK).await.bytes().await.unwrap();
    assert_eq!(blob::digest_of(&bytes).to_string(), path.rsplit_once('/').unwrap().1);
    bytes.len() as u64
}

/// Asks for all that the folders say is visible.
async fn check_everything(server: &Server, client: &Client, part: &str) -> usize {
    let visible = server.files(part);
    for file in visible.iter().filter_map(|path| path.strip_prefix("repositories/")) {
        if let Some((repository, hex)) = file.split_once("/_blobs/") {
            check_blob(client, &format!("{repository}/blobs/sha256:{hex}")).await;
        } else if let Some((repository, hex)) = file.split_once("/_manifests/") {
            check_manifest(client, repository, &format!("sha256:{hex}")).await;
        } else if let Some((repository, tag)) = file.split_once("/_tags/") {
            check_manifest(client, repository, tag).await;
        }
    }
    visible.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_half_written_is_ever_served() {
    let folder = tempfile::tempdir().unwrap();
    let mut checked = 0;
    for round in 0..ROUNDS {
        let mut server = Server::start_on(folder.path(), &[]);
        let confirmed = Confirmed::default();
        let mut tasks = JoinSet::new();
        for task in 0..TASKS {
            let repository = format!("round{round}/task{task}");
            let random = Random(round * TASKS + task + 0x9e37_79b9_7f4a_7c15);
            let client = Client::new(&server.url);
            tasks.spawn(push_until_the_end(client, repository, random, Arc::clone(&confirmed)));
        }
        tokio::time::sleep(Duration::from_millis(20 + 13 * round % 170)).await;
        server.kill();
        while let Some(outcome) = tasks.join_next().await {
            outcome.unwrap();
        }

        let server = Server::start_on(folder.path(), &[]);
        let client = Client::new(&server.url);
        assert!(server.files("/.partial-").is_empty());
        checked += check_everything(&server, &client, &format!("round{round}/")).await;
        let confirmed = std::mem::take(&mut *confirmed.lock().unwrap());
        for path in &confirmed {
            expect(client.head(path), StatusCode::OK).await;
        }
        // Contents without a link were removed, those with one were kept.
        for path in server.files("blobs/sha256/") {
            let hex = path.rsplit_once('/').unwrap().1;
            assert!(
                server.files(&format!("_blobs/{hex}")).iter().any(|path| path.starts_with("repositories"))
            );
        }
    }
    let server = Server::start_on(folder.path(), &[]);
    let all = check_everything(&server, &Client::new(&server.url), "repositories/").await;
    println!("{ROUNDS} rounds, {checked} files checked after a kill, {all} at the end");
    assert!(checked > 500, "the rounds were too short to prove anything: {checked} files");
}
