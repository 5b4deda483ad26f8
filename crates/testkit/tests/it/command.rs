//! The proxy and the base image, as end-to-end tests use them.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use testkit::FakeRegistry;

/// A proxy that ends with the test.
struct Proxy {
    child: Child,
    url: String,
}

impl Proxy {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_testkit"))
            .arg("proxy")
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        Self { child, url: url.trim().trim_start_matches("listening on ").to_owned() }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn run(arguments: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_testkit")).args(arguments).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn a_base_image_through_a_counting_proxy() {
    let registry = FakeRegistry::start();
    let folder = tempfile::tempdir().unwrap();
    let counts = folder.path().join("counts");
    let counts = counts.to_str().unwrap();
    let proxy = Proxy::start(&["--upstream", &registry.url(), "--counts", counts]);
    let platforms = ["--platforms", "linux/amd64,linux/arm64", "--size", "3000000", "--json"];
    let place = ["--registry", &proxy.url, "--repository", "demo/base", "--tag", "1"];
    let push = || {
        let (status, output) = run(&[&["base-image"], &place[..], &platforms[..]].concat());
        assert_eq!(status, 0);
        serde_json::from_str::<Value>(&output).unwrap()
    };
    let first = push();
    let index = registry.manifest("demo/base", "1").unwrap();
    assert_eq!(first["digest"], index.digest().to_string());
    assert!(first["sent_bytes"].as_u64().unwrap() > 5_000_000, "{first}");

    // Four large layers, one for each platform, two configs; two manifests and the index.
    let summary: Value = serde_json::from_str(&run(&["counts", counts]).1).unwrap();
    assert_eq!(summary["requests"]["PUT upload"], 8);
    assert_eq!(summary["requests"]["PUT manifest"], 3);
    assert!(summary["request_bytes"].as_u64().unwrap() > first["sent_bytes"].as_u64().unwrap());

    let second = push();
    assert_eq!(second["digest"], first["digest"]);
    assert_eq!(second["sent_bytes"], 0);
}

#[test]
fn a_proxy_fails_on_request() {
    let registry = FakeRegistry::start();
    let proxy = Proxy::start(&["--upstream", &registry.url(), "--fault", "POST uploads 503"]);
    let place = ["--registry", &proxy.url, "--repository", "r", "--tag", "1", "--size", "0"];
    let output = Command::new(env!("CARGO_BIN_EXE_testkit"))
        .args([&["base-image", "--platforms", "linux/amd64"], &place[..]].concat())
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr.contains("answered 503 Service Unavailable, expected 202 Accepted"), "{stderr}");
}
