//! What is pushed, and what is left alone.

use googleapis_tonic_google_devtools_build_v1::google::devtools::build::v1 as api;
use plan::Strategy;
use testkit::FakeRegistry;
use testkit::fake_cas::FakeCas;

use crate::client::{Stream, complete, connect, events, last, set};
use crate::server::{Server, build, fill, is_pushed, plan, upload};

#[tokio::test]
async fn a_build_has_its_image_in_the_registry_before_its_end_is_acknowledged() {
    let (registry, cache) = (FakeRegistry::start(), FakeCas::start());
    let (image, file) = build(&cache, &registry, "app");
    let server = Server::start(&cache, &[]);
    let stream = Stream::open(&server, "build-1").await;
    stream.send_all(1, events("app", &file)).await;
    let (numbers, end) = stream.finish().await;
    assert_eq!((numbers, end.is_ok()), (vec![1, 2, 3, 4, 5], true));
    assert!(is_pushed(&registry, "app"));
    for blob in image.layers.iter().chain([&image.config]) {
        assert_eq!(registry.blob("me/app", &blob.digest().to_string()).unwrap(), blob.bytes);
    }
    server.says("build build-1: done: 1 pushed, 0 failed").await;
    let logged = server.logged(2).await;
    let reference = format!("{}/me/app:v1", registry.host());
    assert_eq!(logged[0]["pushes"][0]["references"][1], reference);
    assert_eq!((&logged[0]["build"], &logged[1]["pushed"]), (&"build-1".into(), &1.into()));
}

#[tokio::test]
async fn the_default_group_will_do() {
    let (registry, cache) = (FakeRegistry::start(), FakeCas::start());
    let (_, file) = build(&cache, &registry, "app");
    let mut other = file.clone();
    other.digest = cache.add("{}").hex();
    other.length = 2;
    other.name = "pkg/config.json".into();
    let server = Server::start(&cache, &[]);
    let stream = Stream::open(&server, "build").await;
    let events = vec![
        set("0", &[&file]),
        set("1", &[&other]),
        complete("//pkg:app", "default", "0"),
        complete("//pkg:config", "default", "1"),
        last(),
    ];
    stream.send_all(1, events).await;
    assert!(stream.finish().await.1.is_ok());
    assert!(is_pushed(&registry, "app"));
}

#[tokio::test]
async fn other_strategies_are_left_to_others() {
    let (registry, cache) = (FakeRegistry::start(), FakeCas::start());
    let image = testkit::image("linux/amd64", "layer");
    fill(&cache, &image);
    let mut both = plan(&registry, "lazy", &image, Strategy::Lazy);
    both.append(plan(&registry, "bes", &image, Strategy::Bes));
    let both = upload(&cache, &both, "both.json");
    let eager = upload(&cache, &plan(&registry, "eager", &image, Strategy::Eager), "eager.json");
    let server = Server::start(&cache, &[]);
    let stream = Stream::open(&server, "build").await;
    let events = vec![set("0", &[&both, &eager]), complete("//:all", "deploy_manifest", "0"), last()];
    stream.send_all(1, events).await;
    assert!(stream.finish().await.1.is_ok());
    let pushed = ["lazy", "bes", "eager"].map(|name| is_pushed(&registry, name));
    assert_eq!(pushed, [false, true, false]);
}

#[tokio::test]
async fn several_builds_at_once() {
    let (registry, cache) = (FakeRegistry::start(), FakeCas::start());
    let server = Server::start(&cache, &[]);
    let names: Vec<String> = (0..8).map(|number| format!("app{number}")).collect();
    let mut streams = Vec::new();
    for name in &names {
        let (_, file) = build(&cache, &registry, name);
        let stream = Stream::open(&server, name).await;
        stream.send_all(1, events(name, &file)).await;
        streams.push(stream);
    }
    for stream in streams {
        let (numbers, end) = stream.finish().await;
        assert_eq!((numbers.len(), end.is_ok()), (5, true));
    }
    assert!(names.iter().all(|name| is_pushed(&registry, name)));
}

#[tokio::test]
async fn documents_of_a_pulled_image_come_from_where_it_was_pulled() {
    let (registry, cache, origin) = (FakeRegistry::start(), FakeCas::start(), FakeRegistry::start());
    let image = testkit::image("linux/amd64", "layer of the base");
    origin.add("library/base", "1", &image);
    let mut plan = plan(&registry, "mirror", &image, Strategy::Bes);
    let push = plan.operations[0].as_push_mut().unwrap();
    push.original = Some(plan::Original {
        registries: vec![origin.host()],
        repository: "library/base".into(),
        tag: "1".into(),
        digest: String::new(),
    });
    let source = plan::Source { registry: origin.host(), repository: "library/base".into() };
    plan.blobs.get_mut(&image.layers[0].digest()).unwrap().sources = vec![source];
    let file = upload(&cache, &plan, "pkg/mirror.json");
    let server = Server::start(&cache, &[]);
    let stream = Stream::open(&server, "build").await;
    stream.send_all(1, events("mirror", &file)).await;
    let end = stream.finish().await.1;
    assert!(end.is_ok(), "{end:?}");
    assert!(is_pushed(&registry, "mirror"));
}

#[tokio::test]
async fn lifecycle_events_are_taken() {
    let cache = FakeCas::start();
    let server = Server::start(&cache, &[]);
    connect(&server)
        .await
        .publish_lifecycle_event(api::PublishLifecycleEventRequest::default())
        .await
        .unwrap();
}
