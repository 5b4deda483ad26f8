//! The table of contents: what the tar holds, and where in the blob the content of each file starts.

use std::borrow::Cow;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use blob::HashingWriter;
use oci::Digest;
use serde::{Serialize, Serializer};

use super::index::Layout;
use crate::attributes::Attributes;
use crate::compress::{Mark, Positions};
use crate::tar_header::HeaderKind;

/// Bytes of the document that are handed on at a time.
const BUFFER_SIZE: usize = 256 << 10;

/// One entry of the tar.
#[derive(Clone, Debug)]
pub(crate) struct TocEntry {
    /// As the tar has it; folders end in a slash.
    pub(crate) name: String,
    pub(crate) kind: TocKind,
    pub(crate) attributes: Arc<Attributes>,
    pub(crate) content: TocContent,
}

/// The content of a file, and where it is.
#[derive(Clone, Debug)]
pub(crate) enum TocContent {
    None,
    /// In one member.
    Whole {
        mark: Mark,
        digest: Digest,
    },
    /// In several.
    Parts {
        digest: Digest,
        chunks: Box<[FileChunk]>,
    },
}

impl TocEntry {
    /// The entry that a header of ours describes; `path` has no trailing slash.
    pub(crate) fn new(path: &str, kind: HeaderKind<'_>, attributes: &Arc<Attributes>) -> Self {
        let (name, kind) = match kind {
            HeaderKind::Directory => (format!("{path}/"), TocKind::Directory),
            HeaderKind::File { size } => (path.to_owned(), TocKind::File { size }),
            HeaderKind::Hardlink { target } => {
                (path.to_owned(), TocKind::Hardlink { target: target.to_owned() })
            }
            HeaderKind::Symlink { target } => {
                (path.to_owned(), TocKind::Symlink { target: target.to_owned() })
            }
        };
        Self { name, kind, attributes: Arc::clone(attributes), content: TocContent::None }
    }

    fn digest(&self) -> Option<Digest> {
        match self.content {
            TocContent::None => None,
            TocContent::Whole { digest, .. } | TocContent::Parts { digest, .. } => Some(digest),
        }
    }

    fn chunks(&self) -> Cow<'_, [FileChunk]> {
        match (&self.content, &self.kind) {
            (TocContent::Whole { mark, digest }, TocKind::File { size }) => {
                Cow::Owned(vec![FileChunk { mark: *mark, offset: 0, size: *size, digest: *digest }])
            }
            (TocContent::Parts { chunks, .. }, _) => Cow::Borrowed(chunks),
            _ => Cow::Borrowed(&[]),
        }
    }
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TocKind {
    Directory,
    File { size: u64 },
    Hardlink { target: String },
    Symlink { target: String },
    Device { is_block: bool, major: u64, minor: u64 },
    Fifo,
}

/// A part of a file that starts a member.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FileChunk {
    pub(crate) mark: Mark,
    /// Where in the file it starts.
    pub(crate) offset: u64,
    pub(crate) size: u64,
    pub(crate) digest: Digest,
}

/// The document.
#[derive(Serialize)]
pub(super) struct Toc<'a> {
    version: u32,
    entries: Lines<'a>,
    #[serde(rename = "tarSplitDigest", skip_serializing_if = "Option::is_none")]
    tar_split_digest: Option<Digest>,
}

impl<'a> Toc<'a> {
    pub(super) fn new(
        entries: &'a [TocEntry],
        positions: &'a Positions,
        layout: Layout,
        tar_split_digest: Option<Digest>,
    ) -> Self {
        Self { version: 1, entries: Lines { entries, positions, layout }, tar_split_digest }
    }

    /// Writes it as JSON without spaces. Of many files it is larger than anything else in memory would be, so it never is there
    /// as a whole.
    pub(super) fn write_to(&self, output: impl Write) -> io::Result<()> {
        let mut output = BufWriter::with_capacity(BUFFER_SIZE, output);
        serde_json::to_writer(&mut output, self)?;
        output.flush()
    }

    /// Digest and size of that.
    pub(super) fn identify(&self) -> (Digest, u64) {
        let mut writer = HashingWriter::new(io::sink());
        self.write_to(&mut writer).expect("nobody refuses a byte");
        let (_, digest, size) = writer.finish();
        (digest, size)
    }
}

struct Lines<'a> {
    entries: &'a [TocEntry],
    positions: &'a Positions,
    layout: Layout,
}

impl Serialize for Lines<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.entries.iter().flat_map(|entry| self.lines(entry)))
    }
}

/// A line of the table. Names, and what is left out where, are the same in both formats.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "is_zero")]
    size: u64,
    #[serde(rename = "modtime", skip_serializing_if = "Option::is_none")]
    mtime: Option<String>,
    #[serde(rename = "accesstime", skip_serializing_if = "Option::is_none")]
    atime: Option<String>,
    #[serde(rename = "changetime", skip_serializing_if = "Option::is_none")]
    ctime: Option<String>,
    #[serde(skip_serializing_if = "str::is_empty")]
    link_name: &'a str,
    #[serde(skip_serializing_if = "is_zero")]
    mode: u64,
    #[serde(skip_serializing_if = "is_zero")]
    uid: u64,
    #[serde(skip_serializing_if = "is_zero")]
    gid: u64,
    #[serde(skip_serializing_if = "str::is_empty")]
    user_name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    group_name: &'a str,
    #[serde(skip_serializing_if = "is_zero")]
    dev_major: u64,
    #[serde(skip_serializing_if = "is_zero")]
    dev_minor: u64,
    #[serde(skip_serializing_if = "Xattrs::is_empty")]
    xattrs: Xattrs<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<Digest>,
    #[serde(skip_serializing_if = "is_zero")]
    offset: u64,
    #[serde(skip_serializing_if = "is_zero")]
    end_offset: u64,
    #[serde(skip_serializing_if = "is_zero")]
    chunk_offset: u64,
    #[serde(skip_serializing_if = "is_zero")]
    chunk_size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    chunk_digest: Option<Digest>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(value: &u64) -> bool {
    *value == 0
}

impl<'a> Lines<'a> {
    /// The entry itself, then the further chunks of its content.
    fn lines(&self, entry: &'a TocEntry) -> impl Iterator<Item = Line<'a>> {
        let chunks = entry.chunks();
        let mut first = self.entry(entry);
        if let Some(chunk) = chunks.first() {
            self.place(&mut first, &chunks, chunk);
        }
        let further = chunks.iter().skip(1).map(|chunk| {
            let mut line = Line { name: &entry.name, kind: "chunk", ..Line::default() };
            self.place(&mut line, &chunks, chunk);
            line
        });
        std::iter::once(first).chain(further.collect::<Vec<_>>())
    }

    fn entry(&self, entry: &'a TocEntry) -> Line<'a> {
        let attributes = &*entry.attributes;
        let time = |key: &str| {
            let value = attributes.pax_records.get(key)?;
            Some(crate::import::pax_time(value)?.to_rfc3339())
        };
        let mut line = Line {
            name: &entry.name,
            mtime: Some(attributes.mtime.to_rfc3339()),
            mode: u64::from(attributes.mode),
            uid: attributes.uid,
            gid: attributes.gid,
            xattrs: Xattrs(Some(attributes)),
            digest: entry.digest(),
            ..Line::default()
        };
        match self.layout {
            Layout::Estargz => {
                line.user_name = &attributes.uname;
                line.group_name = &attributes.gname;
            }
            Layout::ZstdChunked => {
                line.atime = time("atime");
                line.ctime = time("ctime");
            }
        }
        match &entry.kind {
            TocKind::Directory => line.kind = "dir",
            TocKind::Fifo => line.kind = "fifo",
            TocKind::File { size } => (line.kind, line.size) = ("reg", *size),
            TocKind::Hardlink { target } => (line.kind, line.link_name) = ("hardlink", target),
            TocKind::Symlink { target } => (line.kind, line.link_name) = ("symlink", target),
            TocKind::Device { is_block, major, minor } => {
                line.kind = if *is_block { "block" } else { "char" };
                (line.dev_major, line.dev_minor) = (*major, *minor);
            }
        }
        line
    }

    /// Says where a chunk is. zstd:chunked says nothing of the only chunk of a file that the file does not say.
    fn place(&self, line: &mut Line<'_>, all: &[FileChunk], chunk: &FileChunk) {
        let start = |mark: Mark| self.positions.marks.get(mark.0).copied();
        line.offset = start(chunk.mark).expect("the position of each mark is known at the end");
        let is_only = all.len() == 1;
        if self.layout == Layout::ZstdChunked {
            let last = all.last().map_or(chunk.mark, |last| last.mark);
            // What belongs to a member ends where the next one starts.
            line.end_offset = start(Mark(last.0 + 1)).unwrap_or(self.positions.end);
            if is_only {
                return;
            }
        }
        line.chunk_offset = chunk.offset;
        line.chunk_size = if is_only { 0 } else { chunk.size };
        line.chunk_digest = Some(chunk.digest);
    }
}

/// Extended attributes: name to value in Base64.
#[derive(Default)]
struct Xattrs<'a>(Option<&'a Attributes>);

const XATTR_PREFIX: &str = "SCHILY.xattr.";

impl Xattrs<'_> {
    fn pairs(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let records = self.0.into_iter().flat_map(|attributes| &attributes.pax_records);
        records.filter_map(|(key, value)| Some((key.strip_prefix(XATTR_PREFIX)?, value.as_slice())))
    }

    fn is_empty(&self) -> bool {
        self.pairs().next().is_none()
    }
}

impl Serialize for Xattrs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.pairs().map(|(name, value)| (name, STANDARD.encode(value))))
    }
}
