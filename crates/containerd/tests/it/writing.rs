//! Blobs, whole and in part.

use std::sync::Arc;

use blob::Mismatch;
use containerd::{Error, Written, labels};

use crate::setup::{Source, bytes, descriptor, setup};

const SIZE: usize = (3 << 20) + 5;

#[tokio::test]
async fn blobs_of_all_sizes() {
    let labels: labels::Labels = [("key".to_owned(), "value".to_owned())].into();
    for chunk in [70_001, 5 << 20] {
        let setup = setup().await;
        let lease = setup.lease().await;
        for size in [0, 1, 99_999, 100_000, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, SIZE] {
            let bytes = bytes(size);
            let blob = descriptor(&bytes);
            let source = Source::new(bytes.clone()).in_chunks_of(chunk);
            let written = lease.write(&blob, &labels, |offset| source.open(offset)).await.unwrap();
            assert_eq!(written, Written::New, "{size}");
            assert!(setup.containerd.bytes(blob.digest).unwrap() == bytes, "{size}");
            assert_eq!(setup.containerd.labels(blob.digest), labels);
            let sent = setup.containerd.sent();
            let written = lease.write(&blob, &labels, |offset| source.open(offset)).await.unwrap();
            assert_eq!((written, setup.containerd.sent()), (Written::Present, sent), "{size}");
            assert_eq!(source.opened(), [0]);
        }
        assert!(setup.containerd.ingests().is_empty());
        lease.end().await.unwrap();
        assert!(setup.containerd.leases().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_a_time() {
    let setup = setup().await;
    let lease = Arc::new(setup.lease().await);
    let blobs: Vec<_> = (0..8).map(|number| bytes((1 << 20) + number)).collect();
    let mut tasks = tokio::task::JoinSet::new();
    for bytes in blobs.clone() {
        let lease = Arc::clone(&lease);
        tasks.spawn(async move {
            let source = Source::new(bytes.clone());
            let blob = descriptor(&bytes);
            lease.write(&blob, &labels::none(), |offset| source.open(offset)).await
        });
    }
    for written in tasks.join_all().await {
        assert_eq!(written.unwrap(), Written::New);
    }
    for bytes in blobs {
        assert!(setup.containerd.bytes(descriptor(&bytes).digest).unwrap() == bytes);
    }
    Arc::into_inner(lease).unwrap().end().await.unwrap();
}

#[tokio::test]
async fn wrong_bytes_leave_nothing() {
    let setup = setup().await;
    let lease = setup.lease().await;
    let right = bytes(SIZE);
    let blob = descriptor(&right);
    let mut first = right.clone();
    first[0] ^= 1;
    let mut last = right.clone();
    last[SIZE - 1] ^= 1;
    let short = right[..SIZE - 1].to_vec();
    let long = [&right[..], b"x"].concat();
    for wrong in [first, last, short, long, Vec::new()] {
        let source = Source::new(wrong);
        let error = lease.write(&blob, &labels::none(), |offset| source.open(offset)).await.unwrap_err();
        assert!(matches!(error, Error::Content { .. }), "{error:?}");
        assert_eq!(error.to_string(), format!("blob `{}` was not written to containerd", blob.digest));
        assert!(!setup.containerd.has(blob.digest));
        assert!(setup.containerd.ingests().is_empty());
    }
}

#[tokio::test]
async fn a_source_that_fails_is_gone_on_with() {
    let setup = setup().await;
    let lease = setup.lease().await;
    let bytes = bytes(SIZE);
    let blob = descriptor(&bytes);
    let source = Source::new(bytes.clone()).failing_at(2 << 20);
    let error = lease.write(&blob, &labels::none(), |offset| source.open(offset)).await.unwrap_err();
    assert!(
        matches!(&error, Error::Source { source, .. } if source.to_string() == "the disk broke"),
        "{error:?}"
    );
    let error = lease.write(&blob, &labels::none(), async |_| Err(std::io::Error::other("no disk"))).await;
    assert!(matches!(error.unwrap_err(), Error::Source { .. }));

    let before = setup.containerd.sent();
    let source = Source::new(bytes.clone());
    let written = lease.write(&blob, &labels::none(), |offset| source.open(offset)).await.unwrap();
    assert_eq!(written, Written::New);
    assert!(setup.containerd.bytes(blob.digest).unwrap() == bytes);
    // The connection may have been cut before all of it was taken.
    assert!(setup.containerd.sent() - before + usize::try_from(source.opened()[0]).unwrap() == SIZE);
}

#[tokio::test]
async fn what_is_there_is_not_sent_again() {
    for there in [1, 1 << 20, SIZE - 1, SIZE] {
        let setup = setup().await;
        let lease = setup.lease().await;
        let bytes = bytes(SIZE);
        let blob = descriptor(&bytes);
        setup.containerd.add_ingest(blob.digest, &bytes[..there]);
        let source = Source::new(bytes.clone());
        lease.write(&blob, &labels::none(), |offset| source.open(offset)).await.unwrap();
        assert_eq!(setup.containerd.sent(), SIZE - there);
        assert_eq!(source.opened(), if there == SIZE { vec![] } else { vec![there as u64] });
        assert!(setup.containerd.bytes(blob.digest).unwrap() == bytes);
    }
}

#[tokio::test]
async fn what_is_there_may_be_something_else() {
    let right = bytes(SIZE);
    for there in [vec![1; 100], vec![1; SIZE], vec![1; SIZE + 1]] {
        let setup = setup().await;
        let lease = setup.lease().await;
        let blob = descriptor(&right);
        setup.containerd.add_ingest(blob.digest, there);
        let source = Source::new(right.clone());
        lease.write(&blob, &labels::none(), |offset| source.open(offset)).await.unwrap();
        assert_eq!(source.opened().last(), Some(&0));
        assert!(setup.containerd.bytes(blob.digest).unwrap() == right);
    }
}

#[tokio::test]
async fn wrong_bytes_after_right_ones() {
    let setup = setup().await;
    let lease = setup.lease().await;
    let right = bytes(SIZE);
    let blob = descriptor(&right);
    let mut wrong = right.clone();
    wrong[SIZE - 1] ^= 1;
    setup.containerd.add_ingest(blob.digest, &right[..SIZE / 2]);
    let source = Source::new(wrong);
    let error = lease.write(&blob, &labels::none(), |offset| source.open(offset)).await.unwrap_err();
    assert!(matches!(error, Error::Content { mismatch: Mismatch::Digest { .. }, .. }), "{error:?}");
    assert_eq!(source.opened(), [SIZE as u64 / 2, 0]);
    assert!(!setup.containerd.has(blob.digest) && setup.containerd.ingests().is_empty());
    for (size, is_long) in [(SIZE - 1, false), (SIZE + 1, true)] {
        setup.containerd.add_ingest(blob.digest, &right[..SIZE / 2]);
        let source = Source::new(bytes(size));
        let error = lease.write(&blob, &labels::none(), |offset| source.open(offset)).await.unwrap_err();
        let Error::Content { mismatch, .. } = error else { panic!("{error:?}") };
        assert_eq!(matches!(mismatch, Mismatch::Long { .. }), is_long, "{mismatch:?}");
        assert!(setup.containerd.ingests().is_empty());
    }
}
