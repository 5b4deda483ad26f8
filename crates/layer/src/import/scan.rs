//! Reads an archive from start to end, checking it on the way.

use std::io::{BufReader, Read, Write as _};

use blob::Hasher;
use oci::Digest;

use super::decompress::{Archive, ArchiveReader, Damaged, not_an_archive};
use super::listed::{self, Listed, MAX_ENTRIES};
use super::member::{Member, MemberKind};
use super::problem::Problem;
use super::tar_reader::{TarError, TarReader};
use crate::compress::Sink;
use crate::error::LayerError;
use crate::listing::Listing;

const BUFFER_SIZE: usize = 128 << 10;

/// The most bytes of names and records that are remembered.
const MAX_METADATA: usize = 256 << 20;

/// What was found.
pub(super) struct Scanned {
    /// Digest and size of the file on disk.
    pub(super) file: (Digest, u64),
    /// The entries, if they were to be remembered.
    entries: Option<Vec<Listed>>,
}

impl Scanned {
    /// The listing; empty if entries were not remembered.
    pub(super) fn listing(&self) -> Listing {
        listed::listing(self.entries.as_deref().unwrap_or_default())
    }

    /// Digests of the regular files among the entries, if they were remembered.
    pub(super) fn digests(&self) -> Vec<Option<Digest>> {
        self.entries.iter().flatten().map(|entry| entry.digest).collect()
    }
}

/// Reads all of an archive; `copy` gets the uncompressed bytes as they are.
pub(super) fn scan(
    archive: Archive<'_>,
    remember: bool,
    copy: Option<&mut Sink>,
) -> Result<Scanned, LayerError> {
    let mut reader = open(archive, copy)?;
    let mut entries = remember.then(Vec::new);
    let mut metadata = 0;
    while let Some(member) = reader.next()? {
        let hash = remember && member.kind == MemberKind::File;
        let mut hasher = hash.then(Hasher::new);
        reader.content(|bytes| {
            if let Some(hasher) = &mut hasher {
                hasher.update(bytes);
            }
            Ok(())
        })?;
        if let Some(entries) = &mut entries {
            if entries.len() == MAX_ENTRIES {
                return Err(reader.error(Problem::TooManyEntries { limit: MAX_ENTRIES }.into()));
            }
            metadata += member.metadata_size();
            if metadata > MAX_METADATA {
                return Err(reader.error(Problem::Metadata { limit: MAX_METADATA }.into()));
            }
            let digest = hasher.map(|hasher| hasher.finish().0);
            let listed = Listed::new(member, digest, entries.last());
            entries.push(listed);
        }
    }
    Ok(Scanned { file: reader.finish(), entries })
}

/// Copies what is read.
pub(super) struct Tee<'a> {
    inner: ArchiveReader,
    copy: Option<&'a mut Sink>,
}

impl Read for Tee<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        if let Some(copy) = &mut self.copy {
            copy.write_all(&buffer[..count])?;
        }
        Ok(count)
    }
}

/// A tar reader whose errors name the archive and the place in it.
pub(super) struct NamedReader<'a> {
    archive: Archive<'a>,
    reader: TarReader<BufReader<Tee<'a>>>,
    last: String,
}

/// Opens an archive; what is no tar at all is told apart from a tar that is damaged.
pub(super) fn open<'a>(
    archive: Archive<'a>,
    copy: Option<&'a mut Sink>,
) -> Result<NamedReader<'a>, LayerError> {
    let tee = Tee { inner: archive.open()?, copy };
    let reader = TarReader::new(BufReader::with_capacity(BUFFER_SIZE, tee));
    Ok(NamedReader { archive, reader, last: String::new() })
}

impl NamedReader<'_> {
    pub(super) fn next(&mut self) -> Result<Option<Member>, LayerError> {
        let start = self.reader.offset();
        match self.reader.next() {
            Ok(Some(member)) => {
                self.last = String::from_utf8_lossy(&member.path).escape_debug().to_string();
                Ok(Some(member))
            }
            Ok(None) => Ok(None),
            Err(TarError::Problem(Problem::Checksum | Problem::Truncated { .. }))
                if start == 0 && self.last.is_empty() =>
            {
                let first = self.first_bytes()?;
                let expected = match self.archive.format {
                    crate::Format::None => "a tar".to_owned(),
                    format => format!("a tar in {format} data"),
                };
                Err(not_an_archive(self.archive.path, &expected, &first))
            }
            Err(error) => Err(self.error(error)),
        }
    }

    pub(super) fn content(
        &mut self,
        take: impl FnMut(&[u8]) -> std::io::Result<()>,
    ) -> Result<(), LayerError> {
        self.reader.content(take).map_err(|error| {
            let (archive, offset, last) = (self.archive, self.reader.offset(), &self.last);
            named(archive, offset, last, error)
        })
    }

    /// Digest and size of the file; all of it was read.
    pub(super) fn finish(self) -> (Digest, u64) {
        self.reader.into_inner().into_inner().inner.finish()
    }

    pub(super) fn error(&self, error: TarError) -> LayerError {
        named(self.archive, self.reader.offset(), &self.last, error)
    }

    fn first_bytes(&self) -> Result<Vec<u8>, LayerError> {
        let mut first = Vec::new();
        self.archive.open()?.take(16).read_to_end(&mut first).map_err(LayerError::Read)?;
        Ok(first)
    }
}

fn named(archive: Archive<'_>, offset: u64, last: &str, error: TarError) -> LayerError {
    match error {
        TarError::Io(error) => match error.downcast::<Damaged>() {
            Ok(damaged) => LayerError::Damaged(damaged),
            Err(error) => error.downcast::<LayerError>().unwrap_or_else(LayerError::Read),
        },
        TarError::Problem(problem) => {
            LayerError::Archive { path: archive.path.to_owned(), offset, entry: last.to_owned(), problem }
        }
    }
}
