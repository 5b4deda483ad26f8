//! Streams that break, repeat themselves, or make no sense.

use plan::Strategy;
use testkit::FakeRegistry;
use testkit::fake_cas::{Failure, FakeCas};
use tonic::Code;

use crate::client::{Stream, bazel, events, last, other, set};
use crate::events::{Id, NamedSetOfFiles, NamedSetOfFilesId, Payload};
use crate::server::{Server, build, eventually, is_pushed, plan, upload};

#[tokio::test]
async fn events_that_no_push_depends_on_are_acknowledged_at_once() {
    let (registry, cache) = (FakeRegistry::start(), FakeCas::start());
    let (_, file) = build(&cache, &registry, "app");
    let server = Server::start(&cache, &[]);
    let mut stream = Stream::open(&server, "build").await;
    stream.send_all(1, vec![other(), other()]).await;
    assert_eq!((stream.acknowledged().await, stream.acknowledged().await), (1, 2));
    // The set may hold a plan: from here on nothing is.
    stream.send_all(3, vec![set("0", &[&file]), other(), last()]).await;
    let (numbers, end) = stream.finish().await;
    assert_eq!((numbers, end.is_ok()), (vec![3, 4, 5], true));
    assert!(!is_pushed(&registry, "app"), "no target was complete");
}

#[tokio::test]
async fn a_client_that_begins_again_repeats_what_was_not_acknowledged() {
    let (registry, cache) = (FakeRegistry::start(), FakeCas::start());
    let (_, file) = build(&cache, &registry, "app");
    let server = Server::start(&cache, &[]);
    let mut first = Stream::open(&server, "build").await;
    let all = events("app", &file);
    first.send_all(1, all[..3].to_vec()).await;
    assert_eq!(first.acknowledged().await, 1);
    eventually("the push is done", || is_pushed(&registry, "app")).await;
    drop(first);

    let second = Stream::open(&server, "build").await;
    second.send_all(2, all[1..].to_vec()).await;
    let (numbers, end) = second.finish().await;
    assert_eq!((numbers, end.is_ok()), (vec![2, 3, 4, 5], true));
    let uploads = registry.requests().iter().filter(|request| request.method == "PUT").count();
    assert_eq!(uploads, 3, "config, layer and manifest, each once");
}

#[tokio::test]
async fn nothing_that_was_acknowledged_is_lost_with_the_server() {
    let (registry, cache) = (FakeRegistry::start(), FakeCas::start());
    let (_, file) = build(&cache, &registry, "app");
    // Every layer stalls, so that the first server cannot be done.
    cache.fail("Read", Failure::Stall(1), 1);
    cache.fail("BatchReadBlobs", Failure::Unavailable(Some(std::time::Duration::from_millis(1))), 3);
    let mut server = Server::start(&cache, &[]);
    let mut first = Stream::open(&server, "build").await;
    let all = events("app", &file);
    first.send_all(1, all.clone()).await;
    assert_eq!(first.acknowledged().await, 1);
    eventually("the cache is asked", || cache.asked().iter().any(|asked| asked.starts_with("Read "))).await;
    server.kill();
    let (numbers, end) = first.finish().await;
    assert_eq!((numbers, end.is_err()), (Vec::new(), true));
    assert!(!is_pushed(&registry, "app"));

    let server = Server::start(&cache, &[]);
    let second = Stream::open(&server, "build").await;
    second.send_all(2, all[1..].to_vec()).await;
    let (numbers, end) = second.finish().await;
    assert_eq!((numbers, end.is_ok()), (vec![2, 3, 4, 5], true));
    assert!(is_pushed(&registry, "app"));
}

#[tokio::test]
async fn events_that_come_twice_count_once() {
    let (registry, cache) = (FakeRegistry::start(), FakeCas::start());
    let (_, file) = build(&cache, &registry, "app");
    let server = Server::start(&cache, &[]);
    let stream = Stream::open(&server, "build").await;
    for (number, event) in (1..).zip(events("app", &file)) {
        stream.send(number, event.clone()).await;
        stream.send(number, event).await;
    }
    let (numbers, end) = stream.finish().await;
    assert_eq!((numbers, end.is_ok()), (vec![1, 2, 3, 4, 5], true));
    let logged = server.logged(2).await;
    assert_eq!((&logged[1]["pushed"], logged.len()), (&1.into(), 2));
}

#[tokio::test]
async fn a_missing_event_ends_the_stream_so_that_the_client_begins_again() {
    let cache = FakeCas::start();
    let server = Server::start(&cache, &[]);
    let stream = Stream::open(&server, "build").await;
    stream.send(4, other()).await;
    stream.send(6, other()).await;
    let (numbers, end) = stream.finish().await;
    let status = end.unwrap_err();
    assert_eq!((numbers, status.code()), (vec![4], Code::Aborted));
    assert_eq!(status.message(), "event 6 came, and event 5 did not");
}

#[tokio::test]
async fn what_makes_no_sense_is_skipped_or_refused_but_never_fatal() {
    let (registry, cache) = (FakeRegistry::start(), FakeCas::start());
    let (_, file) = build(&cache, &registry, "app");
    let server = Server::start(&cache, &[]);
    let garbage = |type_url: &str| {
        let any = prost_types::Any { type_url: type_url.into(), value: vec![0xff; 40] };
        googleapis_tonic_google_devtools_build_v1::google::devtools::build::v1::build_event::Event::BazelEvent(
            any,
        )
    };
    let id = Id::NamedSet(NamedSetOfFilesId { id: "loop".into() });
    let circle = NamedSetOfFiles {
        files: vec![file.clone()],
        file_sets: vec![NamedSetOfFilesId { id: "loop".into() }],
    };
    let strange = vec![
        garbage("type.googleapis.com/build_event_stream.BuildEvent"),
        garbage("type.googleapis.com/something.Else"),
        bazel(id, Payload::NamedSetOfFiles(circle)),
        crate::client::complete("//pkg:app", "deploy_manifest", "loop"),
        last(),
    ];
    let stream = Stream::open(&server, "strange").await;
    stream.send_all(1, strange).await;
    let (numbers, end) = stream.finish().await;
    assert_eq!((numbers.len(), end.is_ok()), (5, true));
    assert!(is_pushed(&registry, "app"));

    let empty = Stream::open(&server, "empty").await;
    let (numbers, end) = empty.finish().await;
    assert_eq!((numbers.len(), end.is_ok()), (0, true));
}

#[tokio::test]
async fn an_event_may_be_large() {
    let (registry, cache) = (FakeRegistry::start(), FakeCas::start());
    let image = testkit::image("linux/amd64", "layer");
    crate::server::fill(&cache, &image);
    let file = upload(&cache, &plan(&registry, "app", &image, Strategy::Bes), "pkg/app.json");
    let mut large = set("1", &[&crate::events::File { name: "x".repeat(20 << 20), ..file.clone() }]);
    let server = Server::start(&cache, &[]);
    let stream = Stream::open(&server, "build").await;
    let mut all = events("app", &file);
    std::mem::swap(&mut all[0], &mut large);
    stream.send_all(1, all).await;
    assert!(stream.finish().await.1.is_ok());
    assert!(is_pushed(&registry, "app"));
}

#[tokio::test]
async fn builds_are_reported_over_tls() {
    let (registry, cache) = (FakeRegistry::start(), FakeCas::start());
    let (_, file) = build(&cache, &registry, "app");
    let certificate = testkit::Certificate::valid("127.0.0.1");
    let folder = tempfile::tempdir().unwrap();
    let [pem, key] =
        ["cert.pem", "key.pem"].map(|name| folder.path().join(name).to_str().unwrap().to_owned());
    fs_err::write(&pem, &certificate.pem).unwrap();
    fs_err::write(&key, &certificate.key_pem).unwrap();
    let mut server = Server::start(&cache, &["--tls-cert", &pem, "--tls-key", &key]);
    assert!(server.endpoint.starts_with("https://127.0.0.1:"), "{}", server.endpoint);
    server.authority = Some(certificate.pem);
    let stream = Stream::open(&server, "build").await;
    stream.send_all(1, events("app", &file)).await;
    let (numbers, end) = stream.finish().await;
    assert_eq!((numbers, end.is_ok()), (vec![1, 2, 3, 4, 5], true));
    assert!(is_pushed(&registry, "app"));
}
