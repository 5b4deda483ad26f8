//! What can be wrong inside an archive. Where readers are known to disagree, the archive is refused: what one tool
//! checked would not be what another unpacks.

/// Why a tar is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It ends within a header or a content.
    #[error("the archive is truncated: expected {expected} more bytes, found {found}")]
    Truncated {
        /// Bytes that should be there.
        expected: u64,
        /// Bytes that are.
        found: u64,
    },
    /// Not a header where one should be.
    #[error("there is no header where one is expected: its checksum is wrong")]
    Checksum,
    /// A field that should be a number.
    #[error("the field `{field}` is not a number that fits: `{found}`")]
    Number {
        /// Which.
        field: &'static str,
        /// Its bytes.
        found: String,
    },
    /// A record of an extended header.
    #[error("an extended header holds no record here: `{found}`")]
    PaxRecord {
        /// The bytes at the place.
        found: String,
    },
    /// The same question answered twice.
    #[error("`{key}` is given twice; readers disagree about which counts")]
    Repeated {
        /// What is.
        key: String,
    },
    /// Header and extended header disagree.
    #[error(
        "the header says {header} bytes and its extended header {extended}; readers disagree about which counts"
    )]
    Sizes {
        /// In the header.
        header: u64,
        /// In the extended header.
        extended: u64,
    },
    /// A value for all entries that can be that of only one.
    #[error("a global extended header sets `{key}`")]
    Global {
        /// Which.
        key: String,
    },
    /// A link, a folder or a device with bytes behind it.
    #[error("an entry that has no content has a size of {size} bytes; readers disagree about skipping them")]
    ContentOfLink {
        /// How many.
        size: u64,
    },
    /// A type that images do not have.
    #[error("entries of type `{}` have no place in an image", .type_flag.escape_ascii())]
    Type {
        /// Its type flag.
        type_flag: u8,
    },
    /// A name, or a set of records, that would fill memory.
    #[error("an extended header has {size} bytes; expected at most {limit}")]
    ExtensionSize {
        /// How many.
        size: u64,
        /// How many are read.
        limit: u64,
    },
    /// A name that C programs cut short.
    #[error("`{key}` holds a NUL byte; readers disagree about whether it ends there")]
    Nul {
        /// Where it is.
        key: String,
    },
    /// Names and records that would fill memory together.
    #[error("names and extended headers have more than {limit} bytes together")]
    Metadata {
        /// How many are taken.
        limit: usize,
    },
    /// An extended header at the end.
    #[error("an extended header is followed by no entry")]
    ExtensionAlone,
    /// A file without a name.
    #[error("an entry has no name")]
    NoName,
    /// Something behind the end.
    #[error("the archive goes on behind its end; readers disagree about whether that counts")]
    BehindEnd,
    /// More than is kept in memory.
    #[error("more than {limit} entries")]
    TooManyEntries {
        /// How many are taken.
        limit: usize,
    },
    /// An entry that a table of contents cannot hold.
    #[error("{kind} cannot be in a seekable layer (eStargz or zstd:chunked)")]
    Seekable {
        /// What it is.
        kind: &'static str,
    },
    /// A name that JSON cannot hold.
    #[error(
        "`{name}` is not valid UTF-8, and a seekable layer (eStargz or zstd:chunked) lists its entries as text"
    )]
    SeekableName {
        /// The name.
        name: String,
    },
    /// Two entries of one name.
    #[error("`{name}` is there twice, and a seekable layer (eStargz or zstd:chunked) finds entries by name")]
    SeekableTwice {
        /// The name.
        name: String,
    },
    /// A hardlink to something that does not come before it.
    #[error("a hardlink to `{target}`, which the archive does not have, cannot be in an eStargz layer")]
    SeekableLink {
        /// What it names.
        target: String,
    },
}
