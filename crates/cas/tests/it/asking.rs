//! What a cache can do and what it has.

use cas::{Cause, Config};
use testkit::fake_cas::{Failure, FakeCas, Offer};

use crate::client::{blob, bytes, client, config};

#[tokio::test]
async fn all_blobs_are_asked_for_at_once() {
    let cache = FakeCas::start();
    let present = blob(cache.add(bytes(10)), 10);
    let missing = [b"a", b"b"].map(|text| blob(testkit::digest_of(text), 1));
    let client = client(&cache);
    let found = client.find_missing(&[missing[0], present, missing[1], missing[0]]).await.unwrap();
    assert_eq!(found, missing.map(|blob| blob.digest).into());
    assert_eq!(cache.asked(), ["GetCapabilities ", "FindMissingBlobs 3"]);
    assert!(client.find_missing(&[]).await.unwrap().is_empty());
    client.find_missing(&[present]).await.unwrap();
    assert_eq!(cache.asked()[2..], ["FindMissingBlobs 1"], "what it can do is asked once");
}

#[tokio::test]
async fn questions_are_tried_again() {
    let cache = FakeCas::start();
    cache.fail("GetCapabilities", Failure::Unavailable(None), 2);
    cache.fail("FindMissingBlobs", Failure::Unavailable(None), 5);
    let present = blob(cache.add(bytes(10)), 10);
    assert!(client(&cache).find_missing(&[present]).await.unwrap().is_empty());
    assert_eq!(cache.calls().len(), 3 + 6);
    cache.fail("FindMissingBlobs", Failure::Unavailable(None), 6);
    assert_eq!(client(&cache).find_missing(&[present]).await.unwrap_err().attempts(), 6);
}

#[tokio::test]
async fn another_digest_function_is_refused_with_advice() {
    let cache = FakeCas::start();
    // BLAKE3 and SHA-384.
    cache.offer(Offer { digest_functions: vec![9, 5], ..Offer::default() });
    let error = client(&cache).find_missing(&[blob(testkit::digest_of(b"a"), 1)]).await.unwrap_err();
    assert_eq!(error.cause().to_string(), "the cache knows blobs by BLAKE3, SHA384, and images need SHA256");
    assert_eq!(
        error.hints(),
        ["give Bazel `--digest_function=sha256`, and set the cache up to offer SHA256"]
    );
    for digest_functions in [vec![], vec![9, 1]] {
        let cache = FakeCas::start();
        cache.offer(Offer { digest_functions, ..Offer::default() });
        client(&cache).find_missing(&[blob(testkit::digest_of(b"a"), 1)]).await.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_is_no_cache() {
    let cache = FakeCas::start();
    cache.offer(Offer { is_cache: false, ..Offer::default() });
    let error = client(&cache).find_missing(&[blob(testkit::digest_of(b"a"), 1)]).await.unwrap_err();
    assert!(matches!(error.cause(), Cause::NotACache), "{error:?}");
}

#[tokio::test]
async fn nobody_there_is_not_waited_for() {
    let cache = FakeCas::start();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoint = format!("grpc://{free}");
    let config = Config { endpoint: endpoint.parse().unwrap(), ..config(&cache) };
    let wanted = [blob(testkit::digest_of(b"a"), 1)];
    let error = cas::Client::new(config).find_missing(&wanted).await.unwrap_err();
    assert!(matches!(error.cause(), Cause::Connect(_)), "{error:?}");
    assert_eq!(error.attempts(), 1);
    assert_eq!(error.hints(), [format!("is a remote cache running at `{endpoint}`?")]);
}

#[tokio::test]
async fn the_instance_is_part_of_every_name() {
    let cache = FakeCas::start();
    let wanted = blob(cache.add(bytes(10)), 10);
    let client = cas::Client::new(Config { instance: "main/eu".to_owned(), ..config(&cache) });
    client.find_missing(&[wanted]).await.unwrap();
    crate::client::read(&client, wanted, 0, cas::Encoding::Identity).await.unwrap();
    let asked = cache.asked();
    assert_eq!(asked[0], "GetCapabilities main/eu");
    assert_eq!(asked[2], format!("Read main/eu/blobs/{}/10 from 0", wanted.digest.hex()));
}
