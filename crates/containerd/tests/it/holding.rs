//! What is there stays there until the image has its name.

use std::time::SystemTime;

use containerd::{Error, Written, from_memory, labels};
use oci::media_type::{OCI_CONFIG, OCI_MANIFEST};
use oci::{Annotations, Descriptor, Manifest};
use testkit::fake_containerd::Failure;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::setup::{descriptor, setup};

const NAME: &str = "docker.io/library/app:latest";

fn manifest() -> (Descriptor, Manifest) {
    let config = Descriptor { media_type: OCI_CONFIG.to_owned(), ..descriptor(b"config") };
    let manifest = Manifest {
        schema_version: 2,
        media_type: None,
        artifact_type: None,
        config,
        layers: vec![descriptor(b"one"), descriptor(b"two")],
        subject: None,
        annotations: Annotations::new(),
    };
    // What is in it is nobody's business but the labels'.
    (Descriptor { media_type: OCI_MANIFEST.to_owned(), ..descriptor(b"manifest") }, manifest)
}

#[tokio::test]
async fn an_image_outlives_its_lease() {
    let setup = setup().await;
    let lease = setup.lease().await;
    let (descriptor, manifest) = manifest();
    let other = crate::setup::descriptor(b"other");
    for (blob, text) in
        [(&manifest.config, "config"), (&manifest.layers[0], "one"), (&manifest.layers[1], "two")]
    {
        lease.write(blob, &labels::none(), from_memory(text)).await.unwrap();
    }
    lease.write(&other, &labels::none(), from_memory("other")).await.unwrap();
    lease.write(&descriptor, &labels::of_manifest(&manifest), from_memory("manifest")).await.unwrap();
    setup.containerd.collect();
    assert!(setup.containerd.has(other.digest), "the lease holds it");
    lease.put_image(NAME, &descriptor).await.unwrap();
    lease.end().await.unwrap();
    setup.containerd.collect();
    assert!(!setup.containerd.has(other.digest), "nothing holds it any more");
    for blob in manifest.layers.iter().chain([&manifest.config, &descriptor]) {
        assert!(setup.containerd.has(blob.digest));
    }
}

#[tokio::test]
async fn a_manifest_that_was_there_gets_its_labels() {
    let setup = setup().await;
    let (descriptor, manifest) = manifest();
    for text in ["manifest", "config", "one", "two"] {
        setup.containerd.add(text);
    }
    setup.containerd.label(descriptor.digest, "key", "value");
    setup.containerd.label(descriptor.digest, "containerd.io/gc.ref.content.l.1", "sha256:wrong");
    let lease = setup.lease().await;
    let blobs: Vec<_> = manifest.layers.iter().chain([&manifest.config, &descriptor]).cloned().collect();
    assert_eq!(lease.missing(&blobs).await.unwrap(), []);
    let wanted = labels::of_manifest(&manifest);
    for _ in 0..2 {
        let written = lease.write(&descriptor, &wanted, from_memory("manifest")).await.unwrap();
        assert_eq!(written, Written::Present);
    }
    let updates = setup.containerd.calls().iter().filter(|call| *call == "Content/Update").count();
    assert_eq!(updates, 1);
    lease.put_image(NAME, &descriptor).await.unwrap();
    lease.end().await.unwrap();
    setup.containerd.collect();
    assert!(blobs.iter().all(|blob| setup.containerd.has(blob.digest)));
    let labels = setup.containerd.labels(descriptor.digest);
    assert_eq!((labels["key"].as_str(), labels.len()), ("value", wanted.len() + 1));
}

#[tokio::test]
async fn what_is_missing() {
    let setup = setup().await;
    let lease = setup.lease().await;
    let names = ["a", "b", "c", "d", "b", "a", "d"];
    let blobs: Vec<_> = names.iter().map(|name| descriptor(name.as_bytes())).collect();
    for name in ["b", "c"] {
        setup.containerd.add(name);
    }
    let missing = lease.missing(&blobs).await.unwrap();
    assert_eq!(missing, [descriptor(b"a"), descriptor(b"d")]);
    assert_eq!(lease.missing(&[]).await.unwrap(), []);
    // No image refers to those that are there, but the lease holds them.
    setup.containerd.collect();
    assert!(setup.containerd.has(blobs[1].digest) && setup.containerd.has(blobs[2].digest));
}

#[tokio::test]
async fn what_is_collected_while_it_is_looked_at() {
    let setup = setup().await;
    let lease = setup.lease().await;
    let blob = descriptor(b"layer");
    setup.containerd.add("layer");
    setup.containerd.fail("Info", Failure::Vanish, 1);
    assert_eq!(lease.missing(std::slice::from_ref(&blob)).await.unwrap(), [blob]);
}

#[tokio::test]
async fn another_size_than_the_image_says() {
    let setup = setup().await;
    let lease = setup.lease().await;
    setup.containerd.add("layer");
    let blob = Descriptor { size: 6, ..descriptor(b"layer") };
    let error = lease.missing(std::slice::from_ref(&blob)).await.unwrap_err();
    assert!(matches!(error, Error::Size { expected: 6, found: 5, .. }), "{error:?}");
}

#[tokio::test]
async fn a_lease_ends_in_an_hour() {
    let setup = setup().await;
    let lease = setup.lease().await;
    assert_eq!(setup.containerd.leases(), [lease.id()]);
    let labels = setup.containerd.lease_labels();
    let expire = OffsetDateTime::parse(&labels["containerd.io/gc.expire"], &Rfc3339).unwrap();
    #[expect(clippy::disallowed_methods, reason = "a lease ends at a time of day")]
    let left = expire - OffsetDateTime::from(SystemTime::now());
    assert!((3500..=3600).contains(&left.whole_seconds()), "{left}");
}

#[tokio::test]
async fn answers_that_are_lost() {
    let setup = setup().await;
    setup.containerd.fail("Leases/Create", Failure::CodeAfter(14), 1);
    setup.containerd.fail("Leases/Delete", Failure::CodeAfter(14), 1);
    let lease = setup.lease().await;
    setup.containerd.fail("Info", Failure::Code(14, "starting"), 3);
    assert_eq!(lease.missing(&[descriptor(b"layer")]).await.unwrap().len(), 1);
    lease.end().await.unwrap();
    assert!(setup.containerd.leases().is_empty());
    setup.containerd.fail("Leases/Create", Failure::Code(7, "denied"), 1);
    let error = setup.client.lease().await.unwrap_err();
    assert!(error.to_string().starts_with("failed to get a lease in the containerd at "), "{error}");
}

#[tokio::test]
async fn a_containerd_that_goes_away() {
    let setup = setup().await;
    let lease = setup.lease().await;
    drop(setup.containerd);
    let error = lease.missing(&[descriptor(b"layer")]).await.unwrap_err();
    assert!(matches!(error, Error::Call { attempts: 4, .. }) && !error.is_unreachable(), "{error:?}");
    assert!(lease.end().await.is_err());
    drop(setup.folder);
}
