//! Blobs and manifests that are written.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use oci::media_type::OCI_MANIFEST;
use registry::{BlobPush, Content, FileContent, MemoryContent, Mount, RemoteContent};
use testkit::{Action, Fault, digest_of, image};

use crate::setup::{Setup, message, tag};

const SIZE: usize = 3 << 20;

fn bytes() -> Bytes {
    static BYTES: LazyLock<Bytes> = LazyLock::new(|| {
        let pattern: Vec<u8> = (0..241).collect();
        pattern.into_iter().cycle().take(SIZE).collect::<Vec<_>>().into()
    });
    BYTES.clone()
}

fn blob(content: impl Content + 'static) -> BlobPush {
    let bytes = bytes();
    BlobPush { digest: digest_of(&bytes), size: SIZE as u64, begun: None, content: Arc::new(content) }
}

/// Pushes a blob of 3 MiB and checks that all of it arrived.
async fn push(setup: &Setup) {
    let blob = blob(MemoryContent(bytes()));
    let pushed = setup.client.push_blob(&setup.remote("a/b"), &blob).await;
    pushed.map_err(|error| message(&error)).unwrap();
    assert_eq!(setup.registry.blob("a/b", &blob.digest.to_string()).unwrap(), bytes());
}

fn verbs(setup: &Setup) -> String {
    let requests = setup.registry.requests();
    requests.iter().map(|record| record.method.as_str()).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn two_requests_for_a_blob() {
    let setup = Setup::anonymous();
    push(&setup).await;
    assert_eq!(verbs(&setup), "POST PUT");
    assert_eq!(setup.client.stats().sent, SIZE as u64);
}

#[tokio::test]
async fn content_may_be_a_file_or_another_registry() {
    let setup = Setup::anonymous();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("layer");
    fs_err::write(&path, bytes()).unwrap();
    setup.client.push_blob(&setup.remote("file"), &blob(FileContent(path))).await.unwrap();

    let from = setup.remote("file");
    let client = setup.client.clone();
    let content = RemoteContent { client, from, digest: digest_of(&bytes()), size: SIZE as u64 };
    setup.client.push_blob(&setup.remote("copy"), &blob(content)).await.unwrap();
    assert_eq!(setup.registry.blob("copy", &digest_of(&bytes()).to_string()).unwrap(), bytes());
}

#[tokio::test]
async fn an_empty_blob_is_a_blob() {
    let setup = Setup::anonymous();
    let content = Arc::new(MemoryContent(Bytes::new()));
    let blob = BlobPush { digest: digest_of(b""), size: 0, begun: None, content };
    setup.client.push_blob(&setup.remote("a/b"), &blob).await.unwrap();
    assert!(setup.registry.blob("a/b", &digest_of(b"").to_string()).is_some());
}

#[tokio::test]
async fn one_request_for_a_mount() {
    let setup = Setup::anonymous();
    let digest = setup.registry.add_blob("base", bytes());
    let mount = setup.client.mount_blob(&setup.remote("a/b"), digest, &"base".parse().unwrap()).await;
    assert!(matches!(mount.unwrap(), Mount::Mounted));
    assert_eq!(verbs(&setup), "POST");
    assert!(setup.registry.blob("a/b", &digest.to_string()).is_some());
}

#[tokio::test]
async fn a_refused_mount_begins_an_upload() {
    let setup = Setup::anonymous();
    let (remote, base) = (setup.remote("a/b"), "base".parse().unwrap());
    let mut blob = blob(MemoryContent(bytes()));
    let Mount::Refused(begun) = setup.client.mount_blob(&remote, blob.digest, &base).await.unwrap() else {
        panic!("nobody has it");
    };
    blob.begun = begun;
    setup.client.push_blob(&remote, &blob).await.unwrap();
    assert_eq!(verbs(&setup), "POST PUT", "202 is already the upload");
    assert_eq!(setup.registry.blob("a/b", &blob.digest.to_string()).unwrap(), bytes());
}

#[tokio::test]
async fn a_begun_upload_that_breaks_goes_on_or_starts_over() {
    for (fault, expected) in [
        ("PUT uploads drop+1000000 1", "POST PUT GET PATCH PUT"),
        ("PUT uploads lose-uploads 1", "POST PUT GET HEAD POST PUT"),
    ] {
        let setup = Setup::anonymous();
        setup.registry.fault(Fault::parse(fault).unwrap());
        let (remote, base) = (setup.remote("a/b"), "base".parse().unwrap());
        let mut blob = blob(MemoryContent(bytes()));
        let mount = setup.client.mount_blob(&remote, blob.digest, &base).await.unwrap();
        let Mount::Refused(begun) = mount else { panic!("nobody has it") };
        blob.begun = begun;
        setup.client.push_blob(&remote, &blob).await.unwrap();
        assert_eq!(verbs(&setup), expected, "{fault}");
    }
}

#[tokio::test]
async fn a_mount_that_is_an_error_is_a_refusal_or_tried_again() {
    let base = "base".parse().unwrap();
    for status in [400, 401, 403, 404, 405] {
        let setup = Setup::anonymous();
        let digest = setup.registry.add_blob("base", bytes());
        setup.registry.fault(Fault::new("POST", "mount=", Action::Status(status, None)));
        let mount = setup.client.mount_blob(&setup.remote("a/b"), digest, &base).await.unwrap();
        assert!(matches!(mount, Mount::Refused(None)), "{status}");
        assert_eq!(verbs(&setup), "POST", "{status}");
    }
    for fault in ["POST mount= 429 2", "POST mount= 503 2", "POST mount= drop 2", "POST mount= drop-answer 2"]
    {
        let setup = Setup::anonymous();
        let digest = setup.registry.add_blob("base", bytes());
        setup.registry.fault(Fault::parse(fault).unwrap());
        let mount = setup.client.mount_blob(&setup.remote("a/b"), digest, &base).await.unwrap();
        assert!(matches!(mount, Mount::Mounted), "{fault}");
        assert_eq!(verbs(&setup), "POST POST POST", "{fault}");
    }
}

#[tokio::test]
async fn too_large_a_body_comes_in_parts() {
    let setup = Setup::anonymous();
    setup.registry.limit_bodies(1 << 20);
    push(&setup).await;
    assert!(setup.clock.slept().is_empty(), "a smaller part needs no patience");
    setup.registry.forget_requests();
    let other = BlobPush { ..blob(MemoryContent(bytes())) };
    setup.client.push_blob(&setup.remote("c"), &other).await.unwrap();
    assert_eq!(verbs(&setup), "POST PATCH PATCH PATCH PUT", "the size that works is remembered");
}

#[tokio::test]
async fn a_broken_upload_goes_on_where_it_broke() {
    for (fault, expected) in
        [("PUT uploads drop+1000000 1", "POST PUT GET PATCH PUT"), ("PUT uploads drop 1", "POST PUT GET PUT")]
    {
        let setup = Setup::anonymous();
        setup.registry.fault(Fault::parse(fault).unwrap());
        push(&setup).await;
        assert_eq!(verbs(&setup), expected, "{fault}");
        assert_eq!(setup.clock.slept().len(), 1, "{fault}");
    }
}

#[tokio::test]
async fn an_upload_survives_a_break_anywhere() {
    for at in [0, 1, 4 << 10, 1 << 20, SIZE / 2, SIZE - 1] {
        let setup = Setup::anonymous();
        setup.registry.fault(Fault::parse(&format!("PUT uploads drop+{at} 1")).unwrap());
        push(&setup).await;
        let arrived: u64 = setup.registry.requests().iter().map(|record| record.request_bytes).sum();
        assert!(arrived <= SIZE as u64 + (64 << 10), "dropped at {at}: {arrived} bytes arrived");
    }
}

#[tokio::test]
async fn a_copy_within_a_registry_that_wants_one_request_at_a_time() {
    let setup =
        Setup::with(auth::Keychain::anonymous(), |config| registry::Config { max_in_flight: 1, ..config });
    let digest = setup.registry.add_blob("from", bytes());
    let (client, from) = (setup.client.clone(), setup.remote("from"));
    let content = RemoteContent { client, from, digest, size: SIZE as u64 };
    setup.client.push_blob(&setup.remote("to"), &blob(content)).await.unwrap();
    assert!(setup.registry.blob("to", &digest.to_string()).is_some());
}

#[tokio::test]
async fn parts_that_break_go_on_as_well() {
    let setup = Setup::anonymous();
    setup.registry.limit_bodies(1 << 20);
    push(&setup).await;
    for fault in ["PATCH uploads drop+500000 1", "PATCH uploads drop-answer 1", "PATCH uploads 503 1"] {
        setup.registry.fault(Fault::parse(fault).unwrap());
        let repository = setup.remote(&format!("r{}", setup.clock.slept().len()));
        let result = setup.client.push_blob(&repository, &blob(MemoryContent(bytes()))).await;
        assert!(result.is_ok(), "{fault}: {}", message(&result.unwrap_err()));
    }
}

#[tokio::test]
async fn a_lost_upload_starts_over() {
    let setup = Setup::anonymous();
    setup.registry.fault(Fault::new("PUT", "uploads", Action::LoseUploads).times(1));
    push(&setup).await;
    assert_eq!(verbs(&setup), "POST PUT GET HEAD POST PUT");
}

#[tokio::test]
async fn a_lost_answer_is_not_paid_for_twice() {
    let setup = Setup::anonymous();
    setup.registry.fault(Fault::new("PUT", "uploads", Action::DropAnswer).times(1));
    push(&setup).await;
    assert_eq!(verbs(&setup), "POST PUT GET HEAD");
    assert_eq!(setup.registry.requests()[1].request_bytes, SIZE as u64);
}

#[tokio::test]
async fn an_unavailable_registry_is_asked_again() {
    for fault in ["POST uploads 503 2", "POST uploads 429+1 2", "PUT uploads 500 2", "PUT uploads 429 2"] {
        let setup = Setup::anonymous();
        setup.registry.fault(Fault::parse(fault).unwrap());
        push(&setup).await;
        assert_eq!(setup.clock.slept().len(), 2, "{fault}");
    }
}

#[tokio::test]
async fn what_is_forbidden_stays_so() {
    let setup = Setup::anonymous();
    setup.registry.fault(Fault::parse("POST uploads 403").unwrap());
    let error =
        setup.client.push_blob(&setup.remote("a/b"), &blob(MemoryContent(bytes()))).await.unwrap_err();
    let text = message(&error);
    assert!(text.contains("the registry answered 403 Forbidden: FORBIDDEN: forbidden"), "{text}");
    assert!(text.contains("hint: the credentials may lack the right to use"), "{text}");
    assert_eq!(verbs(&setup), "POST");
}

#[tokio::test]
async fn content_that_is_gone_or_wrong_is_told_from_the_network() {
    let setup = Setup::anonymous();
    let missing = blob(FileContent("/nonexistent/layer".into()));
    let error = setup.client.push_blob(&setup.remote("a/b"), &missing).await.unwrap_err();
    let text = message(&error);
    assert!(
        text.contains("failed to read what is to be uploaded: failed to open file `/nonexistent/layer`"),
        "{text}"
    );
    assert!(setup.clock.slept().is_empty());

    let other = blob(MemoryContent(vec![9; SIZE].into()));
    let error = setup.client.push_blob(&setup.remote("a/b"), &other).await.unwrap_err();
    assert!(message(&error).contains("content does not match its digest"), "{}", message(&error));
    let short = blob(MemoryContent(bytes().slice(..SIZE - 1)));
    let error = setup.client.push_blob(&setup.remote("a/b"), &short).await.unwrap_err();
    assert!(message(&error).contains("content is truncated"), "{}", message(&error));
}

#[tokio::test]
async fn a_manifest_is_written_when_its_parts_are_there() {
    let setup = Setup::anonymous();
    let image = image("linux/amd64", "layer");
    let remote = setup.remote("a/b");
    let put = || setup.client.put_manifest(&remote, tag("1"), OCI_MANIFEST, image.manifest.bytes.clone());
    let error = put().await.unwrap_err();
    assert!(message(&error).contains("MANIFEST_BLOB_UNKNOWN"), "{}", message(&error));
    for document in [&image.config, &image.layers[0]] {
        setup.registry.add_blob("a/b", document.bytes.clone());
    }
    setup.registry.fault(Fault::parse("PUT manifests 503 1").unwrap());
    put().await.unwrap();
    assert_eq!(setup.registry.manifest("a/b", "1").unwrap().digest(), image.manifest.digest());
}
