//! Clients that do not wait long.

use std::time::Duration;

use cas::{Blob, Client, Config, Encoding, Error, RetryPolicy};
use futures_util::TryStreamExt as _;
use oci::Digest;
use testkit::fake_cas::FakeCas;

pub(crate) fn config(cache: &FakeCas) -> Config {
    Config {
        retry: RetryPolicy {
            base_delay: Duration::from_millis(1),
            max_delay: Duration::from_millis(200),
            ..RetryPolicy::default()
        },
        idle_timeout: Duration::from_millis(300),
        ..Config::new(cache.endpoint().parse().unwrap())
    }
}

pub(crate) fn client(cache: &FakeCas) -> Client {
    Client::new(config(cache))
}

/// Bytes that compress, but not to nothing.
pub(crate) fn bytes(size: usize) -> Vec<u8> {
    (0..size).map(|i| u8::try_from((i * i / 7) % 251).unwrap()).collect()
}

pub(crate) fn blob(digest: Digest, size: usize) -> Blob {
    Blob { digest, size: size as u64 }
}

/// Reads a blob; what went wrong is the client's own error.
pub(crate) async fn read(
    client: &Client,
    blob: Blob,
    offset: u64,
    encoding: Encoding,
) -> Result<Vec<u8>, Error> {
    let chunks: Result<Vec<_>, _> = client.stream_blob(blob, offset, encoding).try_collect().await;
    chunks.map(|chunks| chunks.concat()).map_err(|error| error.downcast::<Error>().unwrap())
}
