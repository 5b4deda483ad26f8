//! The program, and images in a remote cache.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use plan::{Blob, Kind, Operation, Plan, Push, Root, Strategy};
use tempfile::TempDir;
use testkit::fake_cas::FakeCas;
use testkit::{Document, FakeRegistry, Image};

use crate::events::File;

/// A running server; killed when dropped.
pub(crate) struct Server {
    child: Child,
    /// `http://127.0.0.1:PORT`, or `https`
    pub(crate) endpoint: String,
    /// Whom clients trust, where TLS is spoken.
    pub(crate) authority: Option<String>,
    stderr: Arc<Mutex<String>>,
    stdout: Arc<Mutex<String>>,
    _home: TempDir,
}

impl Server {
    /// Starts with a remote cache.
    pub(crate) fn start(cache: &FakeCas, arguments: &[&str]) -> Self {
        let patience: &[&str] = if arguments.contains(&"--patience") { &[] } else { &["--patience", "0"] };
        let home = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_bes"))
            .args(["--port", "0", "--log", "pushes", "--remote-cache", cache.endpoint()])
            .args(patience.iter().chain(arguments))
            .env_clear()
            .env("HOME", home.path())
            .env("IMG_REGISTRY_RETRY_BASE_DELAY", "1ms")
            .env("IMG_REGISTRY_RETRY_MAX_DELAY", "5ms")
            .env("IMG_REAPI_RETRY_BASE_DELAY", "1ms")
            .env("IMG_REAPI_RETRY_MAX_DELAY", "5ms")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let stderr = collect(BufReader::new(child.stderr.take().unwrap()));
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let endpoint = line.trim_end().strip_prefix("listening on grpc").expect(&line);
        let endpoint = format!("http{endpoint}");
        Self { child, endpoint, authority: None, stderr, stdout: collect(stdout), _home: home }
    }

    /// `kill -9`
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks to end.
    pub(crate) fn signal(&self) {
        assert!(Command::new("kill").arg(self.child.id().to_string()).status().unwrap().success());
    }

    /// Waits for the end, and returns the exit code.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// What it said to people so far.
    pub(crate) fn said(&self) -> String {
        self.stderr.lock().unwrap().clone()
    }

    /// What it said to programs, once that is so many lines.
    pub(crate) async fn logged(&self, count: usize) -> Vec<serde_json::Value> {
        eventually(&format!("{count} lines are logged"), || {
            self.stdout.lock().unwrap().lines().count() >= count
        })
        .await;
        let lines = self.stdout.lock().unwrap().clone();
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Waits until it has said something.
    pub(crate) async fn says(&self, text: &str) {
        eventually(&format!("`{text}` is said"), || self.said().contains(text)).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads in the background, so that the program never waits for a reader.
fn collect(mut from: impl Read + Send + 'static) -> Arc<Mutex<String>> {
    let text = Arc::new(Mutex::new(String::new()));
    let into = Arc::clone(&text);
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = from.by_ref().read(&mut buffer) {
            into.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..length]));
        }
    });
    text
}

/// Looks again and again, for at most ten seconds.
pub(crate) async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..1000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("waited in vain until {what}");
}

/// A plan that pushes an image to `me/<name>:v1`.
pub(crate) fn plan(registry: &FakeRegistry, name: &str, image: &Image, strategy: Strategy) -> Plan {
    let root = &image.manifest;
    let root =
        Root { media_type: root.media_type.clone(), digest: root.digest(), size: root.bytes.len() as u64 };
    let push = Push {
        strategy,
        tags: vec!["v1".into()],
        ..Push::new(&format!("//:{name}"), &registry.host(), &format!("me/{name}"), root)
    };
    let mut plan = Plan { operations: vec![Operation::Push(push)], ..Plan::default() };
    let parts = [(Kind::Manifest, &image.manifest), (Kind::Config, &image.config)];
    for (kind, document) in parts.into_iter().chain(image.layers.iter().map(|layer| (Kind::Layer, layer))) {
        plan.add_blob(document.digest(), blob(kind, document));
    }
    plan
}

fn blob(kind: Kind, document: &Document) -> Blob {
    Blob {
        media_type: document.media_type.clone(),
        size: document.bytes.len() as u64,
        kind,
        runfile: (kind != Kind::Layer).then(|| "rules_img_blobs/x".into()),
        label: (kind == Kind::Layer).then(|| "//:layer".into()),
        sources: Vec::new(),
    }
}

/// Puts all of an image into the cache.
pub(crate) fn fill(cache: &FakeCas, image: &Image) {
    for document in [&image.manifest, &image.config].into_iter().chain(&image.layers) {
        cache.add(document.bytes.clone());
    }
}

/// Puts a plan into the cache; returns what a build says of the file.
pub(crate) fn upload(cache: &FakeCas, plan: &Plan, name: &str) -> File {
    let text = plan.to_json();
    let length = i64::try_from(text.len()).unwrap();
    let digest = cache.add(text).hex();
    File {
        name: name.into(),
        uri: format!("bytestream://cache/blobs/{digest}/{length}"),
        contents: Vec::new(),
        digest,
        length,
    }
}

/// The whole way: an image and its plan in the cache.
pub(crate) fn build(cache: &FakeCas, registry: &FakeRegistry, name: &str) -> (Image, File) {
    let image = testkit::image("linux/amd64", format!("layer of {name}"));
    fill(cache, &image);
    let file = upload(cache, &plan(registry, name, &image, Strategy::Bes), &format!("pkg/{name}.json"));
    (image, file)
}

/// Whether the image is there under its tag.
pub(crate) fn is_pushed(registry: &FakeRegistry, name: &str) -> bool {
    registry.manifest(&format!("me/{name}"), "v1").is_some()
}
