//! Compressed archives as streams.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read, Seek as _};
use std::path::{Path, PathBuf};

use blob::HashingReader;
use flate2::bufread::GzDecoder;
use oci::Digest;

use crate::compress::Format;
use crate::error::LayerError;

const BUFFER_SIZE: usize = 128 << 10;

/// How many times its size compressed data may become. What deflate can do at most is 1,032, and that takes zeros alone.
const MAX_RATIO: u64 = 1000;

/// Below this size nobody is harmed by any ratio.
const HARMLESS: u64 = 1 << 30;

const GZIP_MAGIC: &[u8] = b"\x1f\x8b";
const ZSTD_MAGIC: &[u8] = b"\x28\xb5\x2f\xfd";

/// An archive on disk.
#[derive(Clone, Copy, Debug)]
pub struct Archive<'a> {
    /// Where.
    pub path: &'a Path,
    /// How it is compressed.
    pub format: Format,
    /// Take also what becomes more than 1 GiB and more than 1,000 times as large when it is decompressed.
    pub any_ratio: bool,
}

impl<'a> Archive<'a> {
    /// An archive that is compressed so.
    pub fn new(path: &'a Path, format: Format) -> Self {
        Self { path, format, any_ratio: false }
    }

    /// An archive whose first bytes tell how it is compressed.
    pub fn detect(path: &'a Path) -> Result<Self, LayerError> {
        let mut file = fs_err::File::open(path).map_err(LayerError::Read)?;
        let format = detected(&first_bytes(&mut file)?).unwrap_or(Format::None);
        Ok(Self::new(path, format))
    }

    /// Its size on disk.
    pub(super) fn size(self) -> Result<u64, LayerError> {
        Ok(fs_err::metadata(self.path).map_err(LayerError::Read)?.len())
    }

    /// Opens it for reading from its start.
    pub(super) fn open(self) -> Result<ArchiveReader, LayerError> {
        let mut file = fs_err::File::open(self.path).map_err(LayerError::Read)?;
        let first = first_bytes(&mut file)?;
        if self.format != Format::None && detected(&first) != Some(self.format) {
            return Err(not_an_archive(self.path, &format!("{} data", self.format), &first));
        }
        file.rewind().map_err(LayerError::Read)?;
        let file = BufReader::with_capacity(BUFFER_SIZE, HashingReader::new(file.into_parts().0));
        let decoder = match self.format {
            Format::None => Decoder::None(file),
            Format::Gzip => Decoder::Gzip(Some(Box::new(GzDecoder::new(file)))),
            Format::Zstd => {
                Decoder::Zstd(zstd::stream::read::Decoder::with_buffer(file).map_err(LayerError::Read)?)
            }
        };
        let Self { path, format, any_ratio } = self;
        Ok(ArchiveReader { path: path.to_owned(), format, any_ratio, decoder, size: 0 })
    }
}

/// Compressed data that cannot be decompressed; travels inside an [`io::Error`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` is {}: {cause}",
    path.display(),
    if *is_truncated { format!("truncated {format} data") } else { format!("damaged {format} data") }
)]
pub struct Damaged {
    /// The file.
    pub path: PathBuf,
    /// Its compression.
    pub format: Format,
    /// Whether it only ends too early.
    pub is_truncated: bool,
    /// What the decompressor says.
    pub cause: String,
}

/// Compressed data that is there to fill disks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}`: {compressed} bytes of {format} data became {size} bytes, and there is more; expected at most {MAX_RATIO} times \
     as many, as in any archive of files",
    path.display()
)]
pub struct Bomb {
    /// The file.
    pub path: PathBuf,
    /// Its compression.
    pub format: Format,
    /// Bytes read of it.
    pub compressed: u64,
    /// What they became.
    pub size: u64,
}

/// What the first bytes of a file that is no archive look like, for messages.
pub(super) fn not_an_archive(path: &Path, expected: &str, first: &[u8]) -> LayerError {
    LayerError::NotAnArchive {
        path: path.to_owned(),
        expected: expected.to_owned(),
        found: if first.is_empty() {
            "an empty file".to_owned()
        } else {
            format!("`{}`", first[..first.len().min(16)].escape_ascii())
        },
        looks_like: detected(first),
    }
}

fn detected(first: &[u8]) -> Option<Format> {
    // A skippable frame (RFC 8878, 3.1.2) may come first.
    let skippable = matches!(first, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..]);
    if first.starts_with(GZIP_MAGIC) {
        Some(Format::Gzip)
    } else if first.starts_with(ZSTD_MAGIC) || skippable {
        Some(Format::Zstd)
    } else {
        None
    }
}

fn first_bytes(file: &mut fs_err::File) -> Result<Vec<u8>, LayerError> {
    let mut first = Vec::new();
    file.take(16).read_to_end(&mut first).map_err(LayerError::Read)?;
    Ok(first)
}

type Source = BufReader<HashingReader<File>>;

enum Decoder {
    None(Source),
    /// One member after the other; `None` only while one is exchanged for the next.
    Gzip(Option<Box<GzDecoder<Source>>>),
    Zstd(zstd::stream::read::Decoder<'static, Source>),
}

/// The tar in an archive.
pub(super) struct ArchiveReader {
    path: PathBuf,
    format: Format,
    any_ratio: bool,
    decoder: Decoder,
    /// Bytes that came out so far.
    size: u64,
}

impl ArchiveReader {
    /// Notes that bytes came out, and stops where there are too many.
    fn count(&mut self, count: usize) -> io::Result<()> {
        self.size += count as u64;
        let compressed = match &self.decoder {
            _ if self.any_ratio || self.size <= HARMLESS => return Ok(()),
            Decoder::None(_) => return Ok(()),
            Decoder::Gzip(decoder) => decoder.as_ref().expect(MEMBER).get_ref().get_ref().size(),
            Decoder::Zstd(decoder) => decoder.get_ref().get_ref().size(),
        };
        if self.size / MAX_RATIO <= compressed {
            return Ok(());
        }
        let (path, format, size) = (self.path.clone(), self.format, self.size);
        Err(io::Error::other(LayerError::Bomb(Bomb { path, format, compressed, size })))
    }

    /// To be called at the end of the stream: digest and size of the file itself.
    pub(super) fn finish(self) -> (Digest, u64) {
        let source = match self.decoder {
            Decoder::None(source) => source,
            Decoder::Gzip(decoder) => decoder.expect(MEMBER).into_inner(),
            Decoder::Zstd(decoder) => decoder.finish(),
        };
        let (_, digest, size) = source.into_inner().finish();
        (digest, size)
    }
}

impl Read for ArchiveReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.decoder {
            Decoder::None(source) => source.read(buffer),
            Decoder::Gzip(decoder) => read_members(decoder, buffer),
            Decoder::Zstd(decoder) => decoder.read(buffer),
        };
        let count = read.map_err(|error| match (self.format, error.kind()) {
            (_, io::ErrorKind::Interrupted) => error,
            (Format::None, kind) => {
                io::Error::new(kind, format!("failed to read `{}`: {error}", self.path.display()))
            }
            // What the operating system reports is not about the data.
            _ if error.raw_os_error().is_some() => error,
            (format, kind) => {
                let path = self.path.clone();
                let is_truncated = kind == io::ErrorKind::UnexpectedEof;
                io::Error::new(kind, Damaged { path, format, is_truncated, cause: error.to_string() })
            }
        })?;
        self.count(count)?;
        Ok(count)
    }
}

const MEMBER: &str = "put back by every read";

/// Reads a member to its end, then the next. What follows the last one must be nothing.
fn read_members(slot: &mut Option<Box<GzDecoder<Source>>>, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        let decoder = slot.as_mut().expect(MEMBER);
        let count = decoder.read(buffer)?;
        if count > 0 || buffer.is_empty() {
            return Ok(count);
        }
        let rest = decoder.get_mut().fill_buf()?;
        if rest.is_empty() {
            return Ok(0);
        }
        // The first byte is enough: a buffer may end between the two.
        if rest[0] != GZIP_MAGIC[0] {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("`{}` follows its end", rest[..rest.len().min(16)].escape_ascii()),
            ));
        }
        let source = slot.take().expect(MEMBER).into_inner();
        *slot = Some(Box::new(GzDecoder::new(source)));
    }
}
