//! Blobs, streamed and in batches.

use std::time::{Duration, Instant};

use blob::Mismatch;
use cas::{Cause, Encoding};
use testkit::fake_cas::{Failure, FakeCas, Offer};

use crate::client::{blob, bytes, client, read};

const SIZE: usize = 1 << 20;

#[tokio::test]
async fn a_blob_comes_as_it_is() {
    let cache = FakeCas::start();
    let client = client(&cache);
    for size in [0, 1, 65_536, SIZE] {
        let expected = bytes(size);
        let blob = blob(cache.add(expected.clone()), size);
        assert_eq!(read(&client, blob, 0, Encoding::Identity).await.unwrap(), expected, "{size}");
    }
    let blob = blob(cache.add(bytes(SIZE)), SIZE);
    assert_eq!(read(&client, blob, 1000, Encoding::Identity).await.unwrap(), bytes(SIZE)[1000..]);
    // Nothing has to be read for an empty blob; the others are one call each, after what can be done was asked.
    assert_eq!(cache.calls().len(), 1 + 4);
}

#[tokio::test]
async fn a_broken_stream_goes_on_where_it_broke() {
    for zstd in [false, true] {
        let cache = FakeCas::start();
        cache.offer(Offer { zstd, ..Offer::default() });
        let blob = blob(cache.add(bytes(SIZE)), SIZE);
        cache.fail("Read", Failure::Drop(if zstd { 0 } else { 100_000 }), 1);
        cache.fail("Read", Failure::Drop(7), 1);
        let read = read(&client(&cache), blob, 0, Encoding::Zstd).await.unwrap();
        assert!(read == bytes(SIZE), "zstd: {zstd}");
        let kind = if zstd { "compressed-blobs/zstd" } else { "blobs" };
        let name = format!("Read {kind}/{}/{SIZE} from", blob.digest.hex());
        let offsets = if zstd { [0, 0, 0] } else { [0, 100_000, 100_007] };
        let expected = offsets.map(|offset| format!("{name} {offset}"));
        assert_eq!(cache.asked()[1..], expected, "zstd: {zstd}");
    }
}

#[tokio::test]
async fn compressed_streams_resume_at_offsets_of_the_blob() {
    let cache = FakeCas::start();
    cache.offer(Offer { zstd: true, ..Offer::default() });
    // Noise: it does not compress, so that half of the stream is about half of the blob.
    let mut state = 1_u32;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    });
    let expected: Vec<u8> = noise.take(SIZE).collect();
    let blob = blob(cache.add(expected.clone()), SIZE);
    cache.fail("Read", Failure::Drop(600_000), 1);
    assert!(read(&client(&cache), blob, 0, Encoding::Zstd).await.unwrap() == expected);
    let resumed = cache.asked()[2].rsplit(' ').next().unwrap().parse::<usize>().unwrap();
    assert!((100_000..600_000).contains(&resumed), "{resumed}");
}

#[tokio::test]
async fn uncompressed_where_zstd_is_not_wanted() {
    let cache = FakeCas::start();
    cache.offer(Offer { zstd: true, ..Offer::default() });
    let blob = blob(cache.add(bytes(SIZE)), SIZE);
    assert!(read(&client(&cache), blob, 0, Encoding::Identity).await.unwrap() == bytes(SIZE));
    assert_eq!(cache.asked()[1..], [format!("Read blobs/{}/{SIZE} from 0", blob.digest.hex())]);
}

#[tokio::test]
async fn wrong_content_is_an_error_before_its_end() {
    for zstd in [false, true] {
        for failure in [Failure::Flip, Failure::Long, Failure::Short] {
            let cache = FakeCas::start();
            cache.offer(Offer { zstd, ..Offer::default() });
            let blob = blob(cache.add(bytes(SIZE)), SIZE);
            cache.fail("Read", failure.clone(), usize::MAX);
            let error = read(&client(&cache), blob, 0, Encoding::Zstd).await.unwrap_err();
            let Cause::Mismatch(mismatch) = error.cause() else { panic!("{failure:?}: {error:?}") };
            let right = match mismatch {
                Mismatch::Digest { .. } => failure == Failure::Flip,
                Mismatch::Long { .. } => failure == Failure::Long,
                Mismatch::Short { .. } => failure == Failure::Short,
            };
            assert!(right, "{failure:?}: {mismatch:?}");
            // A stream that ends early may be one that broke; other content stays other content.
            assert_eq!(error.attempts(), if failure == Failure::Short { 6 } else { 1 }, "{failure:?}");
        }
    }
}

#[tokio::test]
async fn a_short_answer_once_is_forgiven() {
    let cache = FakeCas::start();
    let blob = blob(cache.add(bytes(SIZE)), SIZE);
    cache.fail("Read", Failure::Short, 1);
    assert!(read(&client(&cache), blob, 0, Encoding::Identity).await.unwrap() == bytes(SIZE));
    assert!(cache.asked()[2].ends_with(" from 1048575"), "{:?}", cache.asked());
}

#[tokio::test]
async fn what_was_evicted_is_not_asked_for_again() {
    let cache = FakeCas::start();
    let blob = blob(cache.add(bytes(SIZE)), SIZE);
    assert!(client(&cache).find_missing(&[blob]).await.unwrap().is_empty());
    cache.fail("Read", Failure::NotFound, 1);
    let error = read(&client(&cache), blob, 0, Encoding::Identity).await.unwrap_err();
    assert!(matches!(error.cause(), Cause::Missing), "{error:?}");
    assert_eq!(error.attempts(), 1);
}

#[tokio::test]
async fn a_busy_server_is_left_alone_as_long_as_it_asks() {
    let cache = FakeCas::start();
    let blob = blob(cache.add(bytes(SIZE)), SIZE);
    let delay = Duration::from_millis(120);
    cache.fail("Read", Failure::Unavailable(Some(delay)), 1);
    let start = Instant::now();
    read(&client(&cache), blob, 0, Encoding::Identity).await.unwrap();
    assert!(start.elapsed() >= delay, "{:?}", start.elapsed());
}

#[tokio::test]
async fn an_operation_has_one_budget() {
    let cache = FakeCas::start();
    let blob = blob(cache.add(bytes(SIZE)), SIZE);
    for _ in 0..3 {
        cache.fail("Read", Failure::Drop(10), 1);
        cache.fail("Read", Failure::Unavailable(None), 1);
    }
    let error = read(&client(&cache), blob, 0, Encoding::Identity).await.unwrap_err();
    assert_eq!((error.attempts(), cache.calls().len()), (6, 1 + 6));
    let text = format!("failed to fetch blob `{}` from the remote cache `{}`", blob.digest, cache.endpoint());
    assert_eq!(error.to_string(), text);
    assert_eq!(error.cause().to_string(), "the cache answered UNAVAILABLE: busy");
    assert_eq!(error.hints(), ["it was tried 6 times"]);
}

#[tokio::test]
async fn a_stream_that_stalls_is_opened_again() {
    let cache = FakeCas::start();
    let blob = blob(cache.add(bytes(SIZE)), SIZE);
    cache.fail("Read", Failure::Stall(5000), 1);
    assert!(read(&client(&cache), blob, 0, Encoding::Identity).await.unwrap() == bytes(SIZE));
    assert!(cache.asked()[2].ends_with(" from 5000"), "{:?}", cache.asked());
}

#[tokio::test]
async fn small_blobs_come_together_and_large_ones_alone() {
    let cache = FakeCas::start();
    cache.offer(Offer { max_batch: 10_000, ..Offer::default() });
    let sizes = [1000, 2000, 3000, 4000, 5000, 20_000];
    let blobs = sizes.map(|size| blob(cache.add(bytes(size)), size));
    let missing = blob(testkit::digest_of(b"missing"), 7);
    let wanted: Vec<_> = blobs.into_iter().chain([missing]).collect();
    let read = client(&cache).read_blobs(&wanted).await.unwrap();
    assert_eq!(read.len(), sizes.len());
    for (blob, size) in blobs.iter().zip(sizes) {
        assert!(read[&blob.digest] == bytes(size), "{size}");
    }
    let asked = cache.asked();
    let count = |method: &str| asked.iter().filter(|asked| asked.starts_with(method)).count();
    assert_eq!((count("GetCapabilities"), count("BatchReadBlobs"), count("Read")), (1, 2, 1), "{asked:?}");
}

#[tokio::test]
async fn batches_are_verified_and_tried_again() {
    let cache = FakeCas::start();
    let blob = blob(cache.add(bytes(1000)), 1000);
    cache.fail("BatchReadBlobs", Failure::Unavailable(None), 1);
    cache.fail("BatchReadBlobs", Failure::Short, 1);
    cache.fail("BatchReadBlobs", Failure::Flip, 1);
    let error = client(&cache).read_blobs(&[blob]).await.unwrap_err();
    assert!(matches!(error.cause(), Cause::Mismatch(Mismatch::Digest { .. })), "{error:?}");
    assert_eq!(error.attempts(), 3);
    assert!(client(&cache).read_blobs(&[blob]).await.unwrap()[&blob.digest] == bytes(1000));
}
