//! Against programs that misbehave; docker and podman themselves are asked by the end-to-end tests.

use cas::{Config, Endpoint};
use oci::Descriptor;
use serde_json::{Value, json};
use testkit::fake_cas::FakeCas;

use super::*;
use crate::fixture::{FakeDaemon, Fixture, diff_id, load_of};

/// Takes everything and knows nothing.
const TAKES_ALL: &str = r#"[ "$2" != load ] || cat > "$folder/archive""#;

/// Loads by `lacking`, as into docker with a store of its own.
async fn lacking(
    fixture: Fixture,
    root: &Descriptor,
    names: &[&str],
    daemon: (&FakeDaemon, Daemon),
) -> Result<Report, Failure> {
    let operation = load_of(root, daemon.1, names);
    let (context, _folder) = fixture.context();
    let prepared = Prepared::new(&context, &operation, &Options::default()).await?;
    let load = Load { context: &context, prepared: &prepared, start: Instant::now() };
    load.lacking(&daemon.0.program(daemon.1)).await
}

/// Loads by a program that is named in `LOADER_BINARY`.
async fn generic(fixture: Fixture, root: &Descriptor, loader: &str) -> Result<Report, Failure> {
    let operation = load_of(root, Daemon::Generic, &["app:1"]);
    let (context, _folder) = fixture.context();
    let options = Options { loader: Some(loader.to_owned()), ..Options::default() };
    let prepared = Prepared::new(&context, &operation, &options).await?;
    load(&context, &prepared, &options, Store::Own).await
}

fn config_of(fixture: &Fixture, manifest: &Descriptor) -> Digest {
    let bytes = fs_err::read(fixture.folder.path().join(manifest.digest.hex())).unwrap();
    serde_json::from_slice::<oci::Manifest>(&bytes).unwrap().config.digest
}

/// What `image ls` and `image inspect` say of one image.
fn knows(id: &str, name: &str, layers: &[Descriptor], then: &str) -> String {
    let layers: Vec<String> = layers.iter().map(|layer| diff_id(layer).to_string()).collect();
    let inspected = json!({"id": id, "layers": layers, "tags": [name]});
    format!("case $2 in ls) echo '{id} {name}';; inspect) echo '{inspected}';; load) {then};; esac")
}

#[tokio::test]
async fn only_layers_that_are_not_there_are_sent() {
    let mut fixture = Fixture::new();
    let layers = fixture.add_layers(&["base", "middle", "top"]);
    let root = fixture.add_image("amd64", &layers);
    let config = config_of(&fixture, &root);
    let daemon = FakeDaemon::new(&knows("sha256:1", "app:0", &layers[..2], r#"cat > "$folder/archive""#));
    let report = lacking(fixture, &root, &["app:1"], (&daemon, Daemon::Docker)).await.unwrap();
    assert_eq!((report.present.blobs, report.sent.blobs, report.unchanged), (2, 2, false));
    assert!(!daemon.has(layers[0].digest) && !daemon.has(layers[1].digest));
    assert!(daemon.has(layers[2].digest) && daemon.has(config));
    let manifest: Value = serde_json::from_slice(&daemon.archive()["manifest.json"]).unwrap();
    assert_eq!(manifest[0]["Layers"].as_array().unwrap().len(), 3);
    assert_eq!(manifest[0]["RepoTags"], json!(["app:1"]));
    assert_eq!(daemon.calls(), ["image ls", "image inspect", "image load"]);
}

#[tokio::test]
async fn all_is_sent_where_a_part_is_refused() {
    let mut fixture = Fixture::new();
    let layers = fixture.add_layers(&["base", "top"]);
    let root = fixture.add_image("amd64", &layers);
    let refuses = r#"cat > "$folder/archive"; if [ ! -e "$folder/refused" ]; then
        touch "$folder/refused"; echo 'open base: no such file or directory' >&2; exit 1; fi"#;
    let daemon = FakeDaemon::new(&knows("sha256:1", "app:0", &layers[..1], refuses));
    let report = lacking(fixture, &root, &["app:1"], (&daemon, Daemon::Docker)).await.unwrap();
    assert_eq!((report.present.blobs, report.sent.blobs), (0, 3));
    assert!(daemon.has(layers[0].digest));
    assert_eq!(daemon.calls()[2..], ["image load", "image load"]);
}

#[tokio::test]
async fn what_is_there_only_gets_its_names() {
    for (name, unchanged, tags) in
        [("app:1", true, None), ("app:0", false, Some("image tag sha256:ID app:1"))]
    {
        for dry_run in [false, true] {
            let mut fixture = Fixture::new();
            fixture.dry_run = dry_run;
            let layers = fixture.add_layers(&["base"]);
            let root = fixture.add_image("amd64", &layers);
            let id = config_of(&fixture, &root).to_string();
            let daemon = FakeDaemon::new(&knows(&id, name, &layers, "exit 1"));
            let report = lacking(fixture, &root, &["app:1"], (&daemon, Daemon::Docker)).await.unwrap();
            assert_eq!((report.unchanged, report.present.blobs, report.sent.blobs), (unchanged, 2, 0));
            let tag = tags.filter(|_| !dry_run).map(|tag| tag.replace("sha256:ID", &id));
            assert_eq!(daemon.calls()[2..], tag.into_iter().collect::<Vec<_>>());
        }
    }
}

#[tokio::test]
async fn docker_with_a_containerd_may_have_it_all() {
    // An index may be there without one of its images.
    for (found, expected) in [("true", (true, 0)), (r#"[ "$4" != linux/arm64/v8 ]"#, (false, 4))] {
        let mut fixture = Fixture::new();
        let layers = fixture.add_layers(&["amd", "arm"]);
        let images = [fixture.add_image("amd64", &layers[..1]), fixture.add_image("arm64", &layers[1..])];
        let root = fixture.add_index(&images);
        let id = root.digest;
        let daemon = FakeDaemon::new(&format!(
            r#"case $2 in ls) echo '{id} app:1';; inspect) {found};; load) cat > "$folder/archive";; esac"#
        ));
        let operation = load_of(&root, Daemon::Docker, &["app:1"]);
        let (context, _folder) = fixture.context();
        let options = Options { platforms: crate::Platforms::All, ..Options::default() };
        let prepared = Prepared::new(&context, &operation, &options).await.unwrap();
        let load = Load { context: &context, prepared: &prepared, start: Instant::now() };
        let report = load.unless_there(&daemon.program(Daemon::Docker)).await.unwrap();
        assert_eq!((report.unchanged, report.sent.blobs), expected, "{:?}", daemon.calls());
    }
}

#[tokio::test]
async fn podman_gets_one_name_in_the_archive_and_the_others_later() {
    let mut fixture = Fixture::new();
    let layers = fixture.add_layers(&["base"]);
    let root = fixture.add_image("amd64", &layers);
    let id = config_of(&fixture, &root);
    let daemon = FakeDaemon::new(TAKES_ALL);
    lacking(fixture, &root, &["b", "a"], (&daemon, Daemon::Podman)).await.unwrap();
    let index: Value = serde_json::from_slice(&daemon.archive()["index.json"]).unwrap();
    let annotations = &index["manifests"][0]["annotations"];
    assert_eq!(annotations["org.opencontainers.image.ref.name"], "a:latest");
    assert_eq!(index["manifests"].as_array().unwrap().len(), 1);
    assert_eq!(daemon.calls(), ["image ls", "image load", &format!("image tag {id} b:latest")]);
}

#[tokio::test]
async fn a_dry_run_sends_nothing() {
    let mut fixture = Fixture::new();
    fixture.dry_run = true;
    let layers = fixture.add_layers(&["base"]);
    let root = fixture.add_image("amd64", &layers);
    let daemon = FakeDaemon::new(TAKES_ALL);
    let report = lacking(fixture, &root, &["a"], (&daemon, Daemon::Docker)).await.unwrap();
    assert!(report.dry_run && report.sent.blobs == 2);
    assert_eq!(daemon.calls(), ["image ls"]);
}

#[tokio::test]
async fn one_image_of_an_index_or_all() {
    let build = || {
        let mut fixture = Fixture::new();
        let layers = fixture.add_layers(&["amd", "arm"]);
        let foreign = if std::env::consts::ARCH == "x86_64" { "arm64" } else { "amd64" };
        let own = if foreign == "arm64" { "amd64" } else { "arm64" };
        let images = [fixture.add_image(foreign, &layers[..1]), fixture.add_image(own, &layers[1..])];
        let root = fixture.add_index(&images);
        (fixture, root, images, layers)
    };
    let (fixture, root, images, layers) = build();
    let daemon = FakeDaemon::new(TAKES_ALL);
    let report = lacking(fixture, &root, &["a"], (&daemon, Daemon::Docker)).await.unwrap();
    assert_eq!((report.digest, report.sent.blobs), (root.digest, 2));
    assert!(daemon.has(images[1].digest) && daemon.has(layers[1].digest) && !daemon.has(images[0].digest));

    let (fixture, root, images, layers) = build();
    let daemon = FakeDaemon::new(TAKES_ALL);
    let report = generic(fixture, &root, &daemon.path()).await.unwrap();
    assert_eq!((report.digest, report.sent.blobs), (root.digest, 4));
    for blob in images.iter().chain(&layers).chain([&root]) {
        assert!(daemon.has(blob.digest));
    }
    // Readers that know one image get that for this machine, though the index lists it last.
    let manifest: Value = serde_json::from_slice(&daemon.archive()["manifest.json"]).unwrap();
    assert_eq!(manifest[0]["Layers"], json!([format!("blobs/sha256/{}", layers[1].digest.hex())]));
    assert_eq!(daemon.calls(), ["image load"]);
}

#[tokio::test]
async fn programs_that_fail_are_quoted() {
    let table = [
        (
            "cat > /dev/null; echo progress >&2; echo 'Error: disk full' >&2; exit 3",
            "failed (exit status: 3): Error: disk full",
        ),
        ("head -c 1000 > /dev/null; echo 'Error: no' >&2; exit 1", "failed (exit status: 1): Error: no"),
        ("exit 1", "failed (exit status: 1) and did not say why"),
        ("echo fine; exit 0", "ended before it had read the whole image (it said: fine)"),
        // What docker with a containerd does where a layer cannot be unpacked.
        (
            "cat > /dev/null; echo 'Loaded image: a'; echo 'Error unpacking image a: no'",
            "Error unpacking image a: no",
        ),
        // What it started goes on and holds its output.
        ("cat > /dev/null; echo 'Error: no' >&2; sleep 5 & exit 1", "failed (exit status: 1): Error: no"),
    ];
    for (behaviour, expected) in table {
        let mut fixture = Fixture::new();
        let large = "x".repeat(1 << 20);
        let layers = fixture.add_layers(&[&large]);
        let root = fixture.add_image("amd64", &layers);
        let daemon = FakeDaemon::new(behaviour);
        let failure = generic(fixture, &root, &daemon.path()).await.unwrap_err();
        assert!(failure.chain().contains(expected), "{behaviour}: {}", failure.chain());
        assert!(!failure.chain().contains("pipe") || behaviour.contains("fine"), "{}", failure.chain());
    }
}

#[tokio::test]
async fn a_program_that_is_not_there() {
    let mut fixture = Fixture::new();
    let layers = fixture.add_layers(&["base"]);
    let root = fixture.add_image("amd64", &layers);
    let message = generic(fixture, &root, "/nonexistent/docker").await.unwrap_err().message();
    assert!(message.starts_with("error: failed to run `/nonexistent/docker`: "), "{message}");
    assert!(message.contains("hint: or choose another daemon: "), "{message}");
}

#[tokio::test]
async fn a_program_ends_with_us() {
    let mut fixture = Fixture::new();
    let large = "x".repeat(1 << 20);
    let layers = fixture.add_layers(&[&large]);
    let root = fixture.add_image("amd64", &layers);
    let daemon =
        FakeDaemon::new(r#"echo $$ > "$folder/pid.new"; mv "$folder/pid.new" "$folder/pid"; exec sleep 600"#);
    let pid = daemon.folder.path().join("pid");
    let loader = daemon.path();
    let started = async {
        while !pid.exists() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        outcome = generic(fixture, &root, &loader) => panic!("{outcome:?}"),
        () = started => {}
    }
    let pid = fs_err::read_to_string(pid).unwrap();
    let status = std::path::PathBuf::from(format!("/proc/{}/stat", pid.trim()));
    // Gone, or dead and waiting to be asked.
    while fs_err::read_to_string(&status).is_ok_and(|stat| !stat.contains(") Z")) {
        tokio::task::yield_now().await;
    }
}

/// An image whose layer is in caches alone: broken on the disk, and in a remote one if there is any.
fn broken_on_disk(remote: Option<&FakeCas>) -> (Fixture, Descriptor, Descriptor) {
    let mut fixture = Fixture::new();
    let layer = fixture.add_lazy_layer(b"the right bytes");
    let root = fixture.add_image("amd64", std::slice::from_ref(&layer));
    let disk = fixture.folder.path().join("disk");
    let hex = layer.digest.hex();
    fs_err::create_dir_all(disk.join("cas").join(&hex[..2])).unwrap();
    fs_err::write(disk.join("cas").join(&hex[..2]).join(&hex), b"the wrong bytes").unwrap();
    fixture.caches.disk = Some(disk);
    fixture.caches.remote = remote.map(|cache| {
        cache.add(b"the right bytes".as_slice());
        cas::Client::new(Config::new(cache.endpoint().parse::<Endpoint>().unwrap()))
    });
    (fixture, root, layer)
}

#[tokio::test]
async fn wrong_bytes_are_said_of_their_source() {
    let (fixture, root, _) = broken_on_disk(None);
    let daemon = FakeDaemon::new(TAKES_ALL);
    let failure = generic(fixture, &root, &daemon.path()).await.unwrap_err();
    assert!(failure.chain().contains("in the disk cache is broken"), "{}", failure.chain());
}

#[tokio::test]
async fn wrong_bytes_are_read_from_the_next_source() {
    let cache = FakeCas::start();
    let (fixture, root, layer) = broken_on_disk(Some(&cache));
    let daemon = FakeDaemon::new(TAKES_ALL);
    let report = generic(fixture, &root, &daemon.path()).await.unwrap();
    assert_eq!(report.sent.blobs, 2);
    assert!(daemon.has(layer.digest));
}
