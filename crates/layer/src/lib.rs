//! Files in, one layer blob out: tar, deduplication, compression.
//!
//! The bytes of a layer depend on nothing but the names, contents and metadata of its entries and on the compression
//! that was asked for: not on the order of the entries, on owners, times and permissions of the sources, on the number
//! of threads, the machine, the clock or the environment. docs/design/layers.md says what is written and why.
//!
//! Deliberately not here: reading rules' parameter files (program `builder`) and everything about images.
//!
//! ```
//! use layer::{Codec, Entry, Format, ImagePath, Jobs, LayerSpec, Source, WriteOptions, write_layer};
//!
//! let entry = Entry { path: ImagePath::parse("/etc/motd")?, source: Source::Empty };
//! let spec = LayerSpec { entries: vec![entry], ..LayerSpec::default() };
//! let options = WriteOptions {
//!     codec: Codec::new(Format::None, None)?,
//!     jobs: Jobs::Exactly(std::num::NonZeroUsize::MIN),
//!     seekable: false,
//! };
//! let mut blob = Vec::new();
//! let written = write_layer(&spec, options, &mut blob)?;
//! assert_eq!(written.blob.size, 3 * 512);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod attributes;
mod compress;
mod contents;
mod entry;
mod error;
mod header_fields;
pub mod import;
mod layer_metadata;
mod listing;
mod parallel;
mod path;
mod prefetch;
mod same_content;
pub mod seekable;
mod tar_header;
mod tar_sink;
mod timestamp;
mod tree;
mod tree_links;
mod write;

pub use attributes::{Attributes, DEFAULT_MODE, FileMetadata, SYMLINK_MODE};
pub use compress::{Codec, Compressed, Format, FormatError, Jobs, Sink, compress};
pub use contents::{LayerSpec, TreeArtifacts};
pub use entry::{Entry, Source};
pub use error::LayerError;
pub use import::Archive;
pub use layer_metadata::LayerMetadata;
pub use listing::{Keyword, Keywords, Listing, ListingLayout, ListingStyle, ListingStyleError};
pub use path::{ImagePath, PathError};
pub use timestamp::{Timestamp, TimestampError};
pub use write::{WriteOptions, Written, write_layer};
