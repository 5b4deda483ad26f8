//! Connections that break under the client, at whatever byte.

use std::time::Duration;

use cas::{Client, Config, Encoding};
use testkit::fake_cas::FakeCas;
use testkit::{Break, Breaker};

use crate::client::{blob, bytes, config, read};

const SIZE: usize = 3 << 20;

/// A client with one connection, so that every break meets it.
fn client(cache: &FakeCas, breaker: &Breaker) -> Client {
    let endpoint = format!("grpc://{}", breaker.host()).parse().unwrap();
    Client::new(Config { endpoint, connections: 1, ..config(cache) })
}

fn breaker(cache: &FakeCas) -> Breaker {
    Breaker::start(cache.endpoint().strip_prefix("grpc://").unwrap())
}

/// Asks and reads through breaks; nothing is lost, and not much comes twice.
async fn survives(breaks: &[Break]) {
    let cache = FakeCas::start();
    let breaker = breaker(&cache);
    let blob = blob(cache.add(bytes(SIZE)), SIZE);
    breaker.breaks(breaks.iter().copied());
    let client = client(&cache, &breaker);
    let missing = client.find_missing(&[blob]).await;
    assert!(missing.as_ref().is_ok_and(std::collections::BTreeSet::is_empty), "{breaks:?}: {missing:?}");
    let found = read(&client, blob, 0, Encoding::Identity).await;
    assert!(found.as_ref().is_ok_and(|found| *found == bytes(SIZE)), "{breaks:?}: {:?}", found.err());
    assert!(breaker.is_done(), "{breaks:?}");
}

#[tokio::test]
async fn answers_that_break_off() {
    let size = SIZE as u64;
    for at in [0, 1, 9, 50, 100, 200, 500, 1000, 4096, 1 << 20, size / 2, size - 1] {
        survives(&[Break::Answers(at)]).await;
    }
}

#[tokio::test]
async fn questions_that_break_off() {
    for at in [0, 1, 24, 60, 100, 200, 300, 500] {
        survives(&[Break::Requests(at)]).await;
    }
}

#[tokio::test]
async fn a_network_that_never_works_for_long() {
    survives(&[Break::Answers(1 << 20), Break::Answers(4096), Break::Answers(1 << 20)]).await;
}

#[tokio::test]
async fn a_network_that_goes_silent() {
    for at in [100, 1000, 1 << 20] {
        let cache = FakeCas::start();
        let breaker = breaker(&cache);
        let blob = blob(cache.add(bytes(SIZE)), SIZE);
        breaker.breaks([Break::Stall(at)]);
        let endpoint = format!("grpc://{}", breaker.host()).parse().unwrap();
        let limit = Duration::from_millis(300);
        let client = Client::new(Config {
            endpoint,
            connections: 2,
            call_timeout: limit,
            idle_timeout: limit,
            ..config(&cache)
        });
        client.find_missing(&[blob]).await.unwrap();
        assert!(read(&client, blob, 0, Encoding::Identity).await.unwrap() == bytes(SIZE), "{at}");
    }
}

#[tokio::test]
async fn a_server_that_goes_away() {
    for number in [1, 2, 3] {
        survives(&[Break::RefuseStreams(number)]).await;
    }
}
