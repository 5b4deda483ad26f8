//! Where the bytes of a blob come from.

use std::future::Ready;
use std::io;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};

/// Chunks of a blob.
pub type ByteStream = BoxStream<'static, io::Result<Bytes>>;

/// Bytes in memory, for [`Lease::write`](crate::Lease::write).
pub fn from_memory(bytes: impl Into<Bytes>) -> impl Fn(u64) -> Ready<io::Result<ByteStream>> + Send + Sync {
    let bytes = bytes.into();
    move |offset| {
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        let rest = bytes.slice(from..);
        std::future::ready(Ok(stream::iter([Ok(rest)]).boxed()))
    }
}
