//! One pass from tar to blob: the stream is cut into chunks of a fixed size; one thread hashes them (diff id), several
//! compress them, one puts the results in order, hashes them (digest) and writes them.
//!
//! ```text
//! producer --chunk--> hasher (diff id)
//!          \-chunk--> compressor 1..n --bytes--> writer (order, digest, output)
//! ```
//!
//! A producer may cut the stream further, into members that can be decompressed without what is before them; it learns
//! where they are in the blob. Several members may travel in one chunk.
//!
//! A chunk needs a ticket, which the writer gives back when the chunk is in the output. So the chunks in flight, and with
//! them the memory, are bounded whatever the size of the layer and however unequal the compressors' work is.

mod chunk;
mod codec;
mod jobs;
mod pipeline;
mod sink;

pub(crate) use chunk::{Chunk, Pool};
pub(crate) use codec::CHUNK_SIZE;
pub use codec::{Codec, Format, FormatError};
pub use jobs::Jobs;
pub(crate) use pipeline::Positions;
pub use pipeline::{Compressed, compress};
pub(crate) use sink::Mark;
pub use sink::Sink;
