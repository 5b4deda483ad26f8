//! The end of the program, and what comes after it.

use testkit::FakeRegistry;
use testkit::fake_cas::{Failure, FakeCas};
use tonic::Code;

use crate::client::{Stream, events, other};
use crate::server::{Server, build, eventually, is_pushed};

#[tokio::test]
async fn the_signal_to_end_waits_for_pushes_and_sends_open_builds_elsewhere() {
    let (registry, cache) = (FakeRegistry::start(), FakeCas::start());
    let (_, file) = build(&cache, &registry, "app");
    registry.latency(std::time::Duration::from_millis(200));
    let mut server = Server::start(&cache, &[]);
    let settled = Stream::open(&server, "settled").await;
    settled.send_all(1, events("app", &file)).await;
    let mut open = Stream::open(&server, "open").await;
    open.send(1, other()).await;
    assert_eq!(open.acknowledged().await, 1);
    eventually("the push begins", || !registry.requests().is_empty()).await;
    server.signal();
    let (numbers, end) = open.ended().await;
    assert_eq!((numbers, end.unwrap_err().code()), (Vec::new(), Code::Unavailable));
    let (numbers, end) = settled.finish().await;
    assert_eq!((numbers.len(), end.is_ok()), (5, true));
    assert!(is_pushed(&registry, "app"));
    assert_eq!(server.wait(), Some(0));
}

#[tokio::test]
async fn there_is_a_limit_to_waiting() {
    let (registry, cache) = (FakeRegistry::start(), FakeCas::start());
    let (_, file) = build(&cache, &registry, "app");
    cache.fail("Read", Failure::Stall(1), 10);
    let mut server = Server::start(&cache, &["--grace", "0"]);
    let stream = Stream::open(&server, "build").await;
    stream.send_all(1, events("app", &file)).await;
    eventually("the cache is asked", || cache.asked().iter().any(|asked| asked.starts_with("Read "))).await;
    server.signal();
    assert_eq!(server.wait(), Some(0));
    server.says("1 plans were still worked on 0 seconds after the signal to end").await;
    drop(stream);
}

#[tokio::test]
async fn in_the_background_a_build_does_not_wait_and_a_journal_remembers() {
    let (registry, cache) = (FakeRegistry::start(), FakeCas::start());
    let (_, file) = build(&cache, &registry, "app");
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    let arguments = ["--commit-mode", "background", "--journal", journal.to_str().unwrap()];
    cache.fail("Read", Failure::Stall(1), 1);
    let mut server = Server::start(&cache, &arguments);
    let stream = Stream::open(&server, "build").await;
    stream.send_all(1, events("app", &file)).await;
    let (numbers, end) = stream.finish().await;
    assert_eq!((numbers.len(), end.is_ok()), (5, true));
    assert!(!is_pushed(&registry, "app"));
    eventually("the cache is asked", || cache.asked().iter().any(|asked| asked.starts_with("Read "))).await;
    server.kill();

    let server = Server::start(&cache, &arguments);
    eventually("the push is made up for", || is_pushed(&registry, "app")).await;
    server.says("build build: pushed ").await;
    let entries = || fs_err::read_dir(&journal).unwrap().count();
    eventually("only the lock is left", || entries() == 1).await;
}

#[tokio::test]
async fn without_a_journal_there_is_a_warning() {
    let cache = FakeCas::start();
    let server = Server::start(&cache, &["--commit-mode", "background"]);
    server.says("warning: when this program is killed, pushes that still run are lost").await;
}

#[test]
fn wrong_usage_is_exit_code_2() {
    for (arguments, part) in [
        (&["--remote-cache", "http://cache"][..], "--remote-cache is not the address of a remote cache"),
        (&["--remote-cache", "grpc://h:1", "--journal", "x"], "--journal has no effect"),
        (&["--remote-cache", "grpc://h:1", "--address", "0.0.0.0"], "push to every registry"),
        (&[], "--remote-cache <ADDRESS>"),
    ] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_bes")).args(arguments).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(part), "{stderr}");
    }
}
