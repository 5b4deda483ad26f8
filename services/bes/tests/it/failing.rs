//! Pushes that fail: who learns of it, and that others do not suffer.

use plan::Strategy;
use testkit::fake_cas::FakeCas;
use testkit::{FakeRegistry, Fault};
use tonic::Code;

use crate::client::{Stream, complete, last, set};
use crate::events::File;
use crate::server::{Server, build, is_pushed, plan, upload};

/// Reports a build with these plans, each of a target of its own; returns how the stream ends.
async fn report(server: &Server, files: &[&File]) -> Result<(), tonic::Status> {
    let stream = Stream::open(server, "build").await;
    let mut events = Vec::new();
    for (number, file) in files.iter().enumerate() {
        let id = number.to_string();
        events.push(set(&id, &[*file]));
        events.push(complete(&format!("//pkg:target{number}"), "deploy_manifest", &id));
    }
    events.push(last());
    let count = events.len();
    stream.send_all(1, events).await;
    let (numbers, end) = stream.finish().await;
    assert_eq!(numbers.len(), count, "everything is acknowledged, so that the client does not begin again");
    end
}

#[tokio::test]
async fn one_failure_fails_the_build_and_no_other_push() {
    let (registry, cache, broken) = (FakeRegistry::start(), FakeCas::start(), FakeRegistry::start());
    broken.fault(Fault::parse("POST uploads 403 100").unwrap());
    let (_, good) = build(&cache, &registry, "good");
    let (_, bad) = build(&cache, &broken, "bad");
    let (_, better) = build(&cache, &registry, "better");
    let server = Server::start(&cache, &[]);
    let status = report(&server, &[&good, &bad, &better]).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert!(status.message().starts_with("failed to push `//:bad`: "), "{}", status.message());
    assert!(is_pushed(&registry, "good") && is_pushed(&registry, "better"));
    server.says("build build: error: failed to push `//:bad`: ").await;
    server.says("build build: done: 2 pushed, 1 failed").await;
    let failures: Vec<_> =
        server.logged(4).await.iter().map(|line| line["failures"].as_array().map_or(0, Vec::len)).collect();
    assert_eq!(failures.iter().sum::<usize>(), 1);
}

#[tokio::test]
async fn what_is_not_in_the_cache_is_named() {
    let (registry, cache) = (FakeRegistry::start(), FakeCas::start());
    let image = testkit::image("linux/amd64", "layer");
    cache.add(image.manifest.bytes.clone());
    cache.add(image.config.bytes.clone());
    let file = upload(&cache, &plan(&registry, "app", &image, Strategy::Bes), "pkg/app.json");
    let server = Server::start(&cache, &[]);
    let status = report(&server, &[&file]).await.unwrap_err();
    let (message, digest) = (status.message(), image.layers[0].digest());
    let start = format!(
        "failed to push `//:app`: the layer `{digest}` (5 bytes), which `//:layer` makes, is not in the remote cache `{}` (",
        cache.endpoint()
    );
    assert!(message.starts_with(&start), "{message}");
    assert!(message.contains("the build has to write into the same cache: --remote_cache"), "{message}");
    assert!(!is_pushed(&registry, "app"));

    let gone = File { digest: testkit::digest_of(b"gone").hex(), length: 4, ..file };
    let status = report(&server, &[&gone]).await.unwrap_err();
    let start = "//pkg:target0: failed to read the plan `pkg/app.json`: `sha256:";
    assert!(status.message().starts_with(start), "{}", status.message());
}

#[tokio::test]
async fn what_comes_to_the_cache_late_is_waited_for() {
    let (registry, cache) = (FakeRegistry::start(), FakeCas::start());
    let image = testkit::image("linux/amd64", "layer");
    cache.add(image.manifest.bytes.clone());
    cache.add(image.config.bytes.clone());
    let file = upload(&cache, &plan(&registry, "app", &image, Strategy::Bes), "pkg/app.json");
    let server = Server::start(&cache, &["--patience", "60"]);
    let files = [&file];
    let reported = report(&server, &files);
    let upload = async {
        crate::server::eventually("the layer is looked for", || {
            cache.asked().iter().any(|asked| asked.starts_with("FindMissingBlobs"))
        })
        .await;
        cache.add(image.layers[0].bytes.clone());
    };
    let (end, ()) = tokio::join!(reported, upload);
    assert!(end.is_ok(), "{end:?}");
    assert!(is_pushed(&registry, "app"));
}

#[tokio::test]
async fn what_should_be_a_plan_and_is_none_is_named() {
    let (registry, cache) = (FakeRegistry::start(), FakeCas::start());
    let digest = cache.add("{}").hex();
    let file =
        File { name: "pkg/app.json".into(), uri: String::new(), contents: Vec::new(), digest, length: 2 };
    let server = Server::start(&cache, &[]);
    let status = report(&server, &[&file]).await.unwrap_err();
    let start = "//pkg:target0: failed to read the plan `pkg/app.json`: not a plan of a deploy target";
    assert!(status.message().starts_with(start), "{}", status.message());
    assert_eq!(registry.requests().len(), 0);
}

#[tokio::test]
async fn many_failures_fit_into_a_status() {
    let (broken, cache) = (FakeRegistry::start(), FakeCas::start());
    broken.fault(Fault::parse("HEAD manifests 403 1000").unwrap());
    let files: Vec<File> = (0..40).map(|number| build(&cache, &broken, &format!("app{number}")).1).collect();
    let server = Server::start(&cache, &[]);
    let status = report(&server, &files.iter().collect::<Vec<_>>()).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert!(status.message().len() < 4000 && status.message().contains("the server's log has all of it"));
}
