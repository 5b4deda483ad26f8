//! Lazy pushes: layers come out of Bazel's caches.

use plan::{Source, Strategy};
use testkit::fake_cas::{Failure, FakeCas, Offer};
use testkit::{FakeRegistry, Image};

use crate::target::{REPOSITORY, Target, asked, image};

/// A target whose layers are nowhere but, maybe, in caches.
pub(crate) fn lazy(registry: &FakeRegistry, image: &Image, cache: &FakeCas) -> Target {
    let mut target = Target::image(&registry.host(), image, &["v1"]);
    target.push().strategy = Strategy::Lazy;
    for layer in &image.layers {
        fs_err::remove_file(target.runfile(layer)).unwrap();
        let blob = target.plan.blobs.get_mut(&layer.digest()).unwrap();
        blob.runfile = None;
        blob.label = Some("//:layer".to_owned());
    }
    target
        .env("IMG_REAPI_ENDPOINT", cache.endpoint())
        .env("IMG_REAPI_RETRY_BASE_DELAY", "1ms")
        .env("IMG_REAPI_RETRY_MAX_DELAY", "5ms")
}

pub(crate) fn fill(cache: &FakeCas, image: &Image) {
    for layer in &image.layers {
        cache.add(layer.bytes.clone());
    }
}

/// Puts a layer into the target's disk cache.
pub(crate) fn store(target: &Target, image: &Image, position: usize, content: &str) -> String {
    let hex = image.layers[position].digest().hex();
    let file = target.file(&format!("disk/cas/{}/{hex}", &hex[..2]), content);
    file.ancestors().nth(3).unwrap().to_str().unwrap().to_owned()
}

const REBUILD: &str =
    "bring it back, then try again: bazel clean && bazel build --output_groups=layers //:push";

#[test]
fn layers_are_streamed_out_of_the_remote_cache() {
    let (registry, cache) = (FakeRegistry::start(), FakeCas::start());
    let image = image(&["first layer", "second layer"]);
    fill(&cache, &image);
    let target = lazy(&registry, &image, &cache);
    let line = target.pushes(&[]);
    assert!(line.contains(": 0 blobs already there, 0 mounted, 3 uploaded ("), "{line}");
    for layer in &image.layers {
        assert_eq!(registry.blob(REPOSITORY, &layer.digest().to_string()).unwrap(), layer.bytes);
    }
    let asked_cache = cache.asked();
    let count = |method: &str| asked_cache.iter().filter(|asked| asked.starts_with(method)).count();
    assert_eq!(
        (count("FindMissingBlobs 2"), count("Read "), asked_cache.len()),
        (1, 2, 4 + count("Get") - 1)
    );

    registry.forget_requests();
    assert!(target.pushes(&[]).starts_with("unchanged "));
    assert_eq!((asked(&registry).as_slice(), cache.asked().len()), (&["HEAD manifest v1".to_owned()][..], 4));
}

#[test]
fn the_cache_is_not_asked_for_what_the_registry_has() {
    let (registry, cache) = (FakeRegistry::start(), FakeCas::start());
    let image = image(&["first layer", "second layer"]);
    for layer in &image.layers {
        registry.add_blob(REPOSITORY, layer.bytes.clone());
    }
    lazy(&registry, &image, &cache).pushes(&[]);
    assert_eq!(cache.calls().len(), 0);
}

#[test]
fn an_uncompressed_layer_travels_compressed() {
    let (registry, cache) = (FakeRegistry::start(), FakeCas::start());
    cache.offer(Offer { zstd: true, ..Offer::default() });
    let mut image = image(&["layer"]);
    let manifest = String::from_utf8(image.manifest.bytes.to_vec()).unwrap();
    let plain = manifest.replace(oci::media_type::OCI_LAYER, "application/vnd.oci.image.layer.v1.tar");
    image.manifest.bytes = plain.into();
    fill(&cache, &image);
    lazy(&registry, &image, &cache).pushes(&[]);
    assert!(cache.asked().iter().any(|asked| asked.starts_with("Read compressed-blobs/zstd/")));
    let layer = &image.layers[0];
    assert_eq!(registry.blob(REPOSITORY, &layer.digest().to_string()).unwrap(), layer.bytes);
}

#[test]
fn the_disk_cache_comes_first_and_the_remote_one_may_be_none() {
    let (registry, cache) = (FakeRegistry::start(), FakeCas::start());
    let image = image(&["first layer", "second layer"]);
    cache.add(image.layers[1].bytes.clone());
    let target = lazy(&registry, &image, &cache);
    let folder = store(&target, &image, 0, "first layer");
    target.pushes(&["--disk-cache", &folder]);
    assert!(cache.asked().contains(&"FindMissingBlobs 1".to_owned()), "{:?}", cache.asked());

    let other = FakeRegistry::start();
    store(&target, &image, 1, "second layer");
    let target = target.env("IMG_REAPI_ENDPOINT", "").env("IMG_DISK_CACHE", folder);
    target.pushes(&["--registry", &other.host()]);
    assert!(other.manifest(REPOSITORY, "v1").is_some());
}

#[test]
fn a_base_layer_comes_from_its_registry_when_no_cache_has_it() {
    let (registry, other, cache) = (FakeRegistry::start(), FakeRegistry::start(), FakeCas::start());
    let image = image(&["base layer", "own layer"]);
    cache.add(image.layers[1].bytes.clone());
    other.add_blob("base", image.layers[0].bytes.clone());
    let mut target = lazy(&registry, &image, &cache);
    let source = Source { registry: other.host(), repository: "base".to_owned() };
    target.plan.blobs.get_mut(&image.layers[0].digest()).unwrap().sources = vec![source];
    target.pushes(&[]);
    assert_eq!(asked(&other), ["GET blob"]);
}

#[test]
fn a_layer_in_no_cache_is_named_with_its_target_and_what_to_do() {
    let (registry, cache) = (FakeRegistry::start(), FakeCas::start());
    let image = image(&["layer"]);
    let target = lazy(&registry, &image, &cache);
    let (digest, endpoint) = (image.layers[0].digest(), cache.endpoint());
    target.fails_with(
        3,
        &registry,
        &format!(
            "error: failed to push `//:push`: the layer `{digest}` (5 bytes), which `//:layer` makes, \
             is not in the remote cache `{endpoint}`\nhint: {REBUILD}\n"
        ),
    );
    // Of another size than the layer: broken, and as good as none.
    let folder = store(&target, &image, 0, "lay");
    let target = target.env("IMG_DISK_CACHE", folder);
    target.fails_with(
        3,
        &registry,
        &format!(
            "error: failed to push `//:push`: the layer `{digest}` (5 bytes), which `//:layer` makes, \
             is not in the disk cache `DIR/disk`, nor in the remote cache `{endpoint}`\nhint: {REBUILD}\n"
        ),
    );
}

#[test]
fn a_cache_where_blobs_may_have_other_names() {
    let hint =
        "hint: if Bazel has `--digest_function=blake3`, give it sha256: images are known by nothing else\n";
    let (registry, cache, image) = (FakeRegistry::start(), FakeCas::start(), image(&["layer"]));
    let target = lazy(&registry, &image, &cache);
    assert!(!target.run(&[]).stderr.contains("blake3"));
    // BLAKE3 beside SHA-256.
    cache.offer(Offer { digest_functions: vec![9, 1], ..Offer::default() });
    let ran = target.run(&[]);
    assert!(ran.stderr.ends_with(hint), "{}", ran.stderr);

    // Where Bazel has its disk cache then.
    let file = target.file("disk/blake3/cas/00/00", "");
    let folder = file.ancestors().nth(4).unwrap().to_str().unwrap().to_owned();
    let ran = target.env("IMG_REAPI_ENDPOINT", "").run(&["--disk-cache", &folder]);
    assert!(ran.stderr.ends_with(hint), "{}", ran.stderr);
    assert_eq!(ran.status, 3);
}

#[test]
fn a_layer_that_is_evicted_while_it_is_pushed() {
    let (registry, cache) = (FakeRegistry::start(), FakeCas::start());
    let image = image(&["layer"]);
    fill(&cache, &image);
    cache.fail("Read", Failure::NotFound, 1);
    let digest = image.layers[0].digest();
    lazy(&registry, &image, &cache).fails_with(
        3,
        &registry,
        &format!(
            "error: failed to push `//:push`: failed to push blob `{digest}` to `HOST/me/app`: failed to read what is to be uploaded: \
             failed to fetch blob `{digest}` from the remote cache `{}`: the cache does not have it\nhint: {REBUILD}\n",
            cache.endpoint()
        ),
    );
}

#[test]
fn no_cache_is_named() {
    let (registry, cache) = (FakeRegistry::start(), FakeCas::start());
    let image = image(&["layer"]);
    let target = lazy(&registry, &image, &cache).env("IMG_REAPI_ENDPOINT", "");
    let ran = target.run(&[]);
    let expected = "error: failed to push `//:push`: no cache is named to read the layer `sha256:";
    assert!(ran.stderr.starts_with(expected), "{}", ran.stderr);
    assert!(ran.stderr.contains("\nhint: give what Bazel has in `--remote_cache`"), "{}", ran.stderr);
    assert_eq!(ran.status, 1);
    target.assert_nothing_pushed(&registry);

    let ran = target.run(&["--remote-cache", "http://cache"]);
    assert_eq!(
        ran.stderr,
        "error: --remote-cache is not the address of a remote cache: only gRPC is spoken; \
         expected `grpcs://host[:port]`, `grpc://host[:port]` or `unix:/path`\n"
    );
    assert_eq!(ran.status, 2);
}

#[test]
fn wrong_bytes_are_never_tagged() {
    for failure in [Failure::Flip, Failure::Long, Failure::Short] {
        let (registry, cache) = (FakeRegistry::start(), FakeCas::start());
        let image = image(&["layer"]);
        fill(&cache, &image);
        cache.fail("Read", failure.clone(), usize::MAX);
        let target = lazy(&registry, &image, &cache);
        let ran = target.run(&[]);
        assert_eq!(ran.status, 1, "{failure:?}");
        assert!(
            ran.stderr.contains(&format!("the remote cache `{}`: content ", cache.endpoint())),
            "{}",
            ran.stderr
        );
        target.assert_nothing_pushed(&registry);
        assert!(registry.blob(REPOSITORY, &image.layers[0].digest().to_string()).is_none(), "{failure:?}");
    }
    let (registry, cache) = (FakeRegistry::start(), FakeCas::start());
    let image = image(&["layer"]);
    let target = lazy(&registry, &image, &cache);
    let folder = store(&target, &image, 0, "other");
    let ran = target.run(&["--disk-cache", &folder]);
    assert!(
        ran.stderr.contains("` in the disk cache: content does not match its digest: "),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("\nhint: delete `DIR/disk/cas/"), "{}", ran.stderr);
    let target = target.env("IMG_REAPI_ENDPOINT", "");
    let ran = target.run(&["--disk-cache", &folder]);
    assert!(ran.stderr.contains("` in the disk cache is broken: content does not match"), "{}", ran.stderr);
    target.assert_nothing_pushed(&registry);
}

#[test]
fn a_stream_that_breaks_goes_on_without_another_upload() {
    let (registry, cache) = (FakeRegistry::start(), FakeCas::start());
    let image = image(&["a layer that is long enough to be cut"]);
    fill(&cache, &image);
    cache.fail("Read", Failure::Drop(7), 1);
    cache.fail("Read", Failure::Drop(5), 1);
    lazy(&registry, &image, &cache).pushes(&[]);
    let offsets: Vec<String> = cache
        .asked()
        .iter()
        .filter(|asked| asked.starts_with("Read "))
        .map(|asked| asked.rsplit(' ').next().unwrap().to_owned())
        .collect();
    assert_eq!(offsets, ["0", "7", "12"]);
    assert_eq!(asked(&registry).iter().filter(|asked| *asked == "POST upload").count(), 2);
}

#[test]
fn a_cache_that_does_not_answer_the_question_is_read_all_the_same() {
    let (registry, cache) = (FakeRegistry::start(), FakeCas::start());
    let image = image(&["layer"]);
    fill(&cache, &image);
    cache.fail("FindMissingBlobs", Failure::Unavailable(None), usize::MAX);
    let ran = lazy(&registry, &image, &cache).run(&[]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("failed to look for 1 blobs in the remote cache"), "{}", ran.stderr);
}
