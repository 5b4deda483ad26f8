//! What refers to a manifest, where registries list it and where they do not.

use futures_util::future::try_join_all;
use oci::media_type::{OCI_INDEX, OCI_MANIFEST};
use oci::{Descriptor, Digest, Index};
use serde_json::json;
use testkit::{Document, Fault};

use crate::setup::{Setup, message};

/// A manifest that refers to a subject.
fn referrer(subject: Digest, number: usize) -> Document {
    let value = json!({
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "manifests": [],
        "subject": {"mediaType": OCI_MANIFEST, "digest": subject, "size": 2},
        "annotations": {"number": number.to_string()},
    });
    Document::json(OCI_INDEX, &value)
}

async fn push(setup: &Setup, subject: Digest, document: &Document) -> Result<(), registry::Error> {
    let (remote, digest) = (setup.remote("a/b"), document.digest());
    let put = setup.client.put_manifest(&remote, digest, &document.media_type, document.bytes.clone());
    if put.await?.listed {
        return Ok(());
    }
    let descriptor = Descriptor::new(OCI_INDEX, digest, document.bytes.len() as u64);
    setup.client.list_referrer(&remote, subject, &descriptor).await
}

#[tokio::test]
async fn a_registry_that_lists_them_is_left_to_it() {
    let setup = Setup::anonymous();
    let subject = Digest::from_bytes([1; 32]);
    push(&setup, subject, &referrer(subject, 0)).await.unwrap();
    assert_eq!(setup.registry.requests().len(), 1);
    assert_eq!(setup.registry.manifest("a/b", &format!("sha256-{}", subject.hex())).map(|_| ()), None);

    // It says so only when it is asked.
    let descriptor = Descriptor::new(OCI_INDEX, subject, 1);
    for _ in 0..2 {
        setup.client.list_referrer(&setup.remote("a/b"), subject, &descriptor).await.unwrap();
    }
    assert_eq!(setup.registry.counts()["GET referrers"], 1);
    assert_eq!(setup.registry.requests().len(), 2);
}

#[tokio::test]
async fn a_registry_without_lists_gets_them_under_a_tag() {
    let setup = Setup::anonymous();
    setup.registry.without_referrers();
    setup.registry.fault(Fault::parse("GET referrers 503 1").unwrap());
    let subject = Digest::from_bytes([1; 32]);
    let documents: Vec<Document> = (0..8).map(|number| referrer(subject, number)).collect();
    for _ in 0..2 {
        try_join_all(documents.iter().map(|document| push(&setup, subject, document))).await.unwrap();
        let list = setup.registry.manifest("a/b", &format!("sha256-{}", subject.hex())).unwrap();
        assert_eq!(list.media_type, OCI_INDEX);
        let list: Index = serde_json::from_slice(&list.bytes).unwrap();
        let mut listed: Vec<Digest> = list.manifests.iter().map(|entry| entry.digest).collect();
        let mut expected: Vec<Digest> = documents.iter().map(Document::digest).collect();
        listed.sort_unstable();
        expected.sort_unstable();
        assert_eq!(listed, expected);
    }
    let digests =
        setup.registry.requests().iter().filter(|record| record.path.contains("/referrers/")).count();
    assert!(digests <= 9, "asked {digests} times");
}

#[tokio::test]
async fn a_tag_that_is_no_list_is_not_overwritten() {
    let setup = Setup::anonymous();
    setup.registry.without_referrers();
    let subject = Digest::from_bytes([1; 32]);
    let image = testkit::image("linux/amd64", "layer");
    setup.registry.add("a/b", &format!("sha256-{}", subject.hex()), &image);
    let error = push(&setup, subject, &referrer(subject, 0)).await.unwrap_err();
    assert!(message(&error).contains("the list of referrers is no index"), "{}", message(&error));
}
