//! Writes that are broken off, refused, or made by others at the same time.

use containerd::{Answer, Error, Written, labels};
use testkit::fake_containerd::Failure;

use crate::setup::{Source, bytes, descriptor, impatience, setup, setup_with};

const SIZE: usize = (3 << 20) + 5;
const UNKNOWN: i32 = 2;
const UNAVAILABLE: i32 = 14;

/// Writes a blob through failures; all of it arrives, and not much comes twice.
async fn survives(failure: Failure, times: usize) {
    let setup = setup().await;
    let lease = setup.lease().await;
    setup.containerd.fail("Write", failure.clone(), times);
    let bytes = bytes(SIZE);
    let blob = descriptor(&bytes);
    let source = Source::new(bytes.clone());
    let written = lease.write(&blob, &labels::none(), |offset| source.open(offset)).await;
    assert_eq!(written.as_ref().ok(), Some(&Written::New), "{failure:?}: {written:?}");
    assert!(setup.containerd.bytes(blob.digest).unwrap() == bytes, "{failure:?}");
    assert!(setup.containerd.sent() < SIZE + (times << 20), "{failure:?}: {}", setup.containerd.sent());
}

#[tokio::test]
async fn streams_that_break() {
    for at in [0, 1, 99_999, 1 << 20, SIZE - 1, SIZE] {
        survives(Failure::Break(at), 1).await;
        survives(Failure::End(at), 1).await;
    }
    // Each one gets on a little, so that no number of attempts is too high.
    survives(Failure::Break(100_000), 10).await;
    survives(Failure::End(100_000), 10).await;
}

#[tokio::test]
async fn refusals_that_pass() {
    survives(Failure::Code(UNAVAILABLE, "starting"), 3).await;
    survives(Failure::Code(UNKNOWN, "who knows"), 3).await;
    survives(Failure::Offset(7), 1).await;
}

#[tokio::test]
async fn refusals_that_stay() {
    let setup = setup_with(impatience()).await;
    let lease = setup.lease().await;
    let blob = descriptor(b"layer");
    let write =
        async || lease.write(&blob, &labels::none(), containerd::from_memory("layer")).await.unwrap_err();
    for (failure, expected) in [
        (Failure::Code(UNAVAILABLE, "starting"), 4),
        (Failure::Break(0), 4),
        (Failure::End(0), 4),
        (Failure::Code(13, "write /x/data: no space left on device"), 4),
        (Failure::Code(7, "denied"), 1),
        (Failure::Offset(-1), 1),
        (Failure::Hang, 1),
    ] {
        setup.containerd.fail("Write", failure.clone(), expected);
        let error = write().await;
        let Error::Call { attempts, ref answer, .. } = error else { panic!("{error:?}") };
        assert_eq!(attempts as usize, expected, "{failure:?}: {answer:?}");
        let socket = setup.client.socket().display();
        assert_eq!(
            error.to_string(),
            format!("failed to write blob `{}` in the containerd at `{socket}`", blob.digest)
        );
        let is_full = error.hints().iter().any(|hint| hint.contains("is full"));
        assert_eq!(is_full, matches!(failure, Failure::Code(13, _)));
        assert_eq!(*answer == Answer::Idle(impatience().call), failure == Failure::Hang);
    }
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost() {
    let setup = setup().await;
    let lease = setup.lease().await;
    setup.containerd.fail("Write", Failure::CodeAfter(UNAVAILABLE), 1);
    let labels: labels::Labels = [("key".to_owned(), "value".to_owned())].into();
    let blob = descriptor(b"layer");
    let written = lease.write(&blob, &labels, containerd::from_memory("layer")).await.unwrap();
    assert_eq!(written, Written::Present);
    assert_eq!(setup.containerd.labels(blob.digest), labels);
    assert_eq!(setup.containerd.sent(), 5);
}

#[tokio::test]
async fn another_program_writes_the_same() {
    let setup = setup().await;
    let lease = setup.lease().await;
    let bytes = bytes(SIZE);
    let blob = descriptor(&bytes);
    setup.containerd.write_elsewhere(bytes.clone(), SIZE / 5);
    let labels: labels::Labels = [("key".to_owned(), "value".to_owned())].into();
    let source = Source::new(bytes);
    let written = lease.write(&blob, &labels, |offset| source.open(offset)).await.unwrap();
    assert_eq!((written, setup.containerd.sent()), (Written::Present, 0));
    assert!(source.opened().is_empty());
    assert_eq!(setup.containerd.labels(blob.digest), labels);
    setup.containerd.collect();
    assert!(setup.containerd.has(blob.digest));
}

#[tokio::test]
async fn another_program_has_stopped() {
    let setup = setup_with(impatience()).await;
    let lease = setup.lease().await;
    let blob = descriptor(b"layer");
    setup.containerd.write_elsewhere("layer", 0);
    let error = lease.write(&blob, &labels::none(), containerd::from_memory("layer")).await.unwrap_err();
    assert!(matches!(error, Error::Locked { .. }), "{error:?}");
    assert_eq!(error.hints(), ["wait until the other program is done, or end it"]);
}

#[tokio::test]
async fn two_of_us_write_the_same() {
    let setup = setup().await;
    let (one, other) = (setup.lease().await, setup.lease().await);
    let bytes = bytes(SIZE);
    let blob = descriptor(&bytes);
    let source = Source::new(bytes.clone()).in_chunks_of(10_000);
    let none = labels::none();
    let (one, other) = tokio::join!(
        one.write(&blob, &none, |offset| source.open(offset)),
        other.write(&blob, &none, |offset| source.open(offset)),
    );
    let mut written = [one.unwrap(), other.unwrap()];
    written.sort_by_key(|written| *written == Written::Present);
    assert_eq!(written, [Written::New, Written::Present]);
    assert_eq!(setup.containerd.sent(), SIZE);
    assert!(setup.containerd.bytes(blob.digest).unwrap() == bytes);
}
