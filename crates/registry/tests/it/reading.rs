//! Manifests and blobs that are read.

use futures_util::TryStreamExt as _;
use oci::MAX_CONFIG_SIZE;
use oci::media_type::OCI_INDEX;
use testkit::{Action, Fault, digest_of};

use crate::setup::{Setup, message, tag};

#[tokio::test]
async fn one_request_for_a_manifest() {
    let setup = Setup::anonymous();
    let digest = setup.registry.add_image("a/b", "1", &["linux/amd64"]);
    let by_tag = setup.client.get_manifest(&setup.remote("a/b"), tag("1")).await.unwrap();
    assert_eq!((by_tag.digest, by_tag.media_type.as_str()), (digest, OCI_INDEX));
    let by_digest = setup.client.get_manifest(&setup.remote("a/b"), digest).await.unwrap();
    assert_eq!(by_digest.bytes, by_tag.bytes);
    assert_eq!(setup.registry.requests().len(), 2);
    assert_eq!(setup.client.stats().requests, 2);
}

#[tokio::test]
async fn a_head_says_what_is_there() {
    let setup = Setup::anonymous();
    let digest = setup.registry.add_image("a/b", "1", &["linux/amd64"]);
    let remote = setup.remote("a/b");
    let head = setup.client.head_manifest(&remote, tag("1")).await.unwrap().unwrap();
    assert_eq!(head.digest, Some(digest));
    assert_eq!(setup.client.head_manifest(&remote, tag("2")).await.unwrap(), None);
    let blob = setup.registry.add_blob("a/b", "content");
    assert!(setup.client.head_blob(&remote, blob).await.unwrap());
    assert!(!setup.client.head_blob(&remote, digest_of(b"other")).await.unwrap());
    assert!(setup.clock.slept().is_empty());
}

#[tokio::test]
async fn wrong_content_is_refused_and_not_asked_for_again() {
    let setup = Setup::anonymous();
    let digest = setup.registry.add_image("a/b", "1", &["linux/amd64"]);
    let blob = setup.registry.add_blob("a/b", "content");
    setup.registry.fault(Fault::new("GET", "", Action::Wrong));
    let remote = setup.remote("a/b");
    let error = setup.client.get_manifest(&remote, digest).await.unwrap_err();
    assert!(message(&error).contains("content does not match its digest"), "{}", message(&error));
    assert!(message(&error).contains("serves wrong content; nothing of it was kept"), "{}", message(&error));
    let error = setup.client.get_blob(&remote, blob, Some(7), MAX_CONFIG_SIZE).await.unwrap_err();
    assert!(message(&error).contains("content does not match its digest"), "{}", message(&error));
    assert_eq!(setup.registry.requests().len(), 2);
}

#[tokio::test]
async fn sizes_are_limits() {
    let setup = Setup::anonymous();
    let blob = setup.registry.add_blob("a/b", vec![7; 1000]);
    let remote = setup.remote("a/b");
    let error = setup.client.get_blob(&remote, blob, None, 999).await.unwrap_err();
    assert!(message(&error).contains("larger than the 999 bytes"), "{}", message(&error));
    let error = setup.client.get_blob(&remote, blob, Some(1001), 2000).await.unwrap_err();
    assert!(message(&error).contains("truncated: expected 1001 bytes"), "{}", message(&error));
    let error = setup.client.get_blob(&remote, blob, Some(10), 2000).await.unwrap_err();
    assert!(message(&error).contains("longer than the 10 bytes"), "{}", message(&error));
    setup.registry.forget_requests();
    let error = setup.client.get_blob(&remote, blob, Some(3000), 2000).await.unwrap_err();
    assert!(message(&error).contains("larger than the 2000 bytes"), "{}", message(&error));
    assert_eq!(setup.registry.requests().len(), 0, "what is known to be too large is not asked for");
}

#[tokio::test]
async fn a_page_for_people_is_recognised() {
    let setup = Setup::anonymous();
    let digest = setup.registry.add_image("a/b", "1", &["linux/amd64"]);
    setup.registry.fault(Fault::new("*", "", Action::Html));
    let remote = setup.remote("a/b");
    let host = setup.registry.host();
    for error in [
        setup.client.get_manifest(&remote, tag("1")).await.map(drop).unwrap_err(),
        setup.client.get_manifest(&remote, digest).await.map(drop).unwrap_err(),
        setup.client.head_manifest(&remote, digest).await.map(drop).unwrap_err(),
    ] {
        let message = message(&error);
        assert!(message.contains(": answered with `text/html` instead of a manifest\n"), "{message}");
        assert!(message.contains(&format!("hint: is `{host}` a registry?")), "{message}");
    }
    let error = setup.client.get_blob(&remote, digest, None, 1000).await.unwrap_err();
    assert!(message(&error).contains("answered with `text/html` instead of a blob"), "{}", message(&error));
}

#[tokio::test]
async fn a_download_goes_on_where_it_broke() {
    let setup = Setup::anonymous();
    let content: Vec<u8> = (0..1_000_000u32).map(|i| u8::try_from(i % 249).unwrap()).collect();
    let digest = setup.registry.add_blob("a/b", content.clone());
    setup.registry.fault(Fault::new("GET", "/blobs/", Action::Truncate).times(3));
    let size = content.len() as u64;
    let stream = setup.client.stream_blob(&setup.remote("a/b"), digest, size, 0).unwrap();
    let chunks: Vec<_> = stream.try_collect().await.unwrap();
    assert_eq!(chunks.concat(), content);
    assert_eq!(setup.statuses("GET"), [200, 206, 206, 206]);
    assert_eq!(setup.client.stats().received, size, "nothing was sent twice");

    let tail = setup.client.stream_blob(&setup.remote("a/b"), digest, size, 999_990).unwrap();
    assert_eq!(tail.try_collect::<Vec<_>>().await.unwrap().concat(), content[999_990..]);
}

#[tokio::test]
async fn a_stream_of_wrong_content_fails_before_its_end() {
    let setup = Setup::anonymous();
    let digest = setup.registry.add_blob("a/b", vec![1; 100_000]);
    setup.registry.fault(Fault::new("GET", "/blobs/", Action::Wrong));
    let stream = setup.client.stream_blob(&setup.remote("a/b"), digest, 100_000, 0).unwrap();
    let error = stream.try_collect::<Vec<_>>().await.unwrap_err();
    let error = error.into_inner().unwrap().downcast::<registry::Error>().unwrap();
    assert!(message(&error).contains("content does not match its digest"), "{}", message(&error));
}

#[tokio::test]
async fn a_redirect_is_followed_without_credentials() {
    let setup = Setup::with_password();
    let storage = testkit::FakeRegistry::start();
    let digest = setup.registry.add_blob("a/b", "content");
    storage.add_blob("a/b", "content");
    setup.registry.guard(testkit::Guard::Basic("me".to_owned(), "hunter2".to_owned()));
    let to = format!("{}/v2/a/b/blobs/{digest}?signature=s3cret", storage.url());
    let remote = setup.remote("a/b");
    setup.client.head_blob(&remote, digest).await.unwrap();
    setup.registry.fault(Fault::new("GET", "/blobs/", Action::Redirect(to)));
    let bytes = setup.client.get_blob(&remote, digest, None, 1000).await.unwrap();
    assert_eq!(&bytes[..], b"content");
    assert_eq!(storage.requests()[0].authorization, None);
    assert!(setup.registry.requests().last().unwrap().authorization.is_some());

    storage.fault(Fault::new("GET", "/blobs/", Action::Status(403, None)));
    let error = setup.client.get_blob(&remote, digest, None, 1000).await.unwrap_err();
    assert!(!format!("{} {error:?}", message(&error)).contains("s3cret"), "{}", message(&error));
}

#[tokio::test]
async fn redirects_end() {
    let setup = Setup::anonymous();
    let digest = setup.registry.add_blob("a/b", "content");
    let own = format!("/v2/a/b/blobs/{digest}");
    setup.registry.fault(Fault::new("GET", "/blobs/", Action::Redirect(own)));
    let error = setup.client.get_blob(&setup.remote("a/b"), digest, None, 1000).await.unwrap_err();
    assert!(message(&error).contains("more than 10 redirects"), "{}", message(&error));
    assert_eq!(setup.registry.requests().len(), 11);
    setup.registry.behave();
    setup.registry.fault(Fault::new("GET", "/blobs/", Action::Redirect("ftp://a.io/x?s3cret".to_owned())));
    let error = setup.client.get_blob(&setup.remote("a/b"), digest, None, 1000).await.unwrap_err();
    let message = message(&error);
    assert!(
        message.contains("points to `ftp://a.io`, which is not followed: neither HTTPS nor HTTP"),
        "{message}"
    );
}
