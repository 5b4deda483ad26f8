//! `kill -9` at any moment: what is served afterwards is whole, and what was acknowledged is there.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use oci::media_type;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::client::{Client, descriptor, digest_of, expect, header, index};
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

/// What the server confirmed, and nobody asked to delete; and how many requests it answered in all.
#[derive(Default)]
struct Confirmed {
    paths: Mutex<Vec<String>>,
    requests: AtomicU64,
}

/// Pushes images to a repository of its own until the server is gone.
struct Pusher {
    client: Client,
    repository: String,
    random: Random,
    confirmed: Arc<Confirmed>,
}

impl Pusher {
    async fn run(mut self) {
        while self.push().await.is_ok() {}
    }

    async fn push(&mut self) -> Result<(), reqwest::Error> {
        let repository = self.repository.clone();
        let client = self.client.clone();
        let config = self.upload().await?;
        let layer = self.upload().await?;
        let blob = layer["digest"].as_str().unwrap().to_owned();
        self.confirm(format!("{repository}/blobs/{blob}"));
        let document = json!({
            "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "config": config, "layers": [layer],
        });
        let digest = digest_of(&document);
        self.send(client.put_manifest(&repository, &digest.to_string(), &document)).await?;
        let tag = format!("t{}", self.random.below(5));
        self.send(client.put_manifest(&repository, &tag, &index(&[(digest, &document)]))).await?;
        self.confirm(format!("{repository}/manifests/{tag}"));

        let mounted = format!("{repository}/mounted/blobs");
        self.send(client.post(&format!("{mounted}/uploads/?mount={blob}&from={repository}"))).await?;
        if self.random.below(2) == 0 {
            self.send(client.delete(&format!("{mounted}/{blob}"))).await?;
        }
        self.push_and_delete(&descriptor(digest, &document)).await
    }

    /// A manifest that goes again, from the top down.
    async fn push_and_delete(&mut self, subject: &Value) -> Result<(), reqwest::Error> {
        let (repository, client) = (self.repository.clone(), self.client.clone());
        let config = self.upload().await?;
        let document = json!({
            "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "config": config, "layers": [],
            "subject": subject,
        });
        self.send(client.put_manifest(&repository, "gone", &document)).await?;
        self.send(client.delete(&format!("{repository}/manifests/{}", digest_of(&document)))).await?;
        self.send(client.delete(&format!("{repository}/blobs/{}", config["digest"].as_str().unwrap()))).await
    }

    async fn upload(&mut self) -> Result<Value, reqwest::Error> {
        let bytes = self.random.bytes();
        let digest = blob::digest_of(&bytes);
        let descriptor = json!({"mediaType": media_type::OCI_LAYER, "digest": digest, "size": bytes.len()});
        let start = format!("{}/blobs/uploads/", self.repository);
        if self.random.below(3) == 0 {
            self.send(self.client.post(&format!("{start}?digest={digest}")).body(bytes)).await?;
        } else {
            let response = self.client.post(&start).send().await?;
            let location = header(&response, "location").to_owned();
            let (first, second) = bytes.split_at(bytes.len() / 2);
            self.send(self.client.patch(&location).body(first.to_vec())).await?;
            let put = self.client.put(&format!("{location}?digest={digest}"));
            self.send(put.body(second.to_vec())).await?;
        }
        Ok(descriptor)
    }

    fn confirm(&self, path: String) {
        self.confirmed.paths.lock().unwrap().push(path);
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<(), reqwest::Error> {
        let response = request.send().await?;
        let (status, url) = (response.status(), response.url().clone());
        // Reading to the end keeps the connection, and tells when it broke.
        let text = response.text().await?;
        assert!(status.is_success(), "{url}: {status} {text}");
        self.confirmed.requests.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
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
        let confirmed = Arc::<Confirmed>::default();
        let mut tasks = JoinSet::new();
        for task in 0..TASKS {
            let pusher = Pusher {
                client: Client::new(&server.url),
                repository: format!("round{round}/task{task}"),
                random: Random(round * TASKS + task + 0x9e37_79b9_7f4a_7c15),
                confirmed: Arc::clone(&confirmed),
            };
            tasks.spawn(pusher.run());
        }
        // The moment is counted in requests and not in time, so that slow machines test as much.
        while confirmed.requests.load(Ordering::Relaxed) < 5 + 23 * round % 160 {
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        server.kill();
        while let Some(outcome) = tasks.join_next().await {
            outcome.unwrap();
        }

        let server = Server::start_on(folder.path(), &[]);
        let client = Client::new(&server.url);
        assert!(server.files("/.partial-").is_empty());
        checked += check_everything(&server, &client, &format!("round{round}/")).await;
        let confirmed = std::mem::take(&mut *confirmed.paths.lock().unwrap());
        for path in &confirmed {
            expect(client.head(path), StatusCode::OK).await;
        }
        // Contents without a link were removed, those with one were kept.
        let name = |path: &String| path.rsplit_once('/').unwrap().1.to_owned();
        let linked: BTreeSet<String> = server.files("/_blobs/").iter().map(name).collect();
        let contents: BTreeSet<String> = server.files("blobs/sha256/").iter().map(name).collect();
        assert_eq!(linked, contents);
    }
    let server = Server::start_on(folder.path(), &[]);
    let all = check_everything(&server, &Client::new(&server.url), "repositories/").await;
    println!("{ROUNDS} rounds, {checked} files checked after a kill, {all} at the end");
    assert!(checked > 500, "the rounds were too short to prove anything: {checked} files");
}
