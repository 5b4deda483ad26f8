//! A strict streaming reader of tars: ustar, PAX, and GNU's extensions for long names, large numbers and sparse files.
//!
//! Sizes are never trusted for allocation: content is streamed, and extended headers have a cap.

use std::collections::BTreeMap;
use std::io::{self, BufRead};

use super::fields::{self, Block, Dialect};
use super::member::{Extensions, Member, member};
use super::problem::Problem;
use crate::tar_header::{BLOCK, padding};

/// The most that one extended header may hold. The largest that the kernel's extended attributes need is 64 KiB each.
const MAX_EXTENSION: u64 = 1 << 20;

/// The most that global extended headers may hold together. Each entry has them all.
const MAX_GLOBAL: usize = 64 << 10;

/// Why no more entries can be read.
#[derive(Debug)]
pub(super) enum TarError {
    /// The stream failed.
    Io(io::Error),
    /// The bytes are not those of a tar.
    Problem(Problem),
}

impl From<io::Error> for TarError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Problem> for TarError {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// Reads one entry after the other.
pub(super) struct TarReader<R> {
    inner: R,
    offset: u64,
    /// Content and padding of the current entry that were not read yet.
    left: u64,
    padding: usize,
    global: BTreeMap<String, Vec<u8>>,
    /// Bytes of the headers that `global` is from.
    global_size: usize,
}

impl<R: BufRead> TarReader<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, offset: 0, left: 0, padding: 0, global: BTreeMap::new(), global_size: 0 }
    }

    /// Where in the uncompressed stream it is.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The stream, after its end was reached.
    pub(super) fn into_inner(self) -> R {
        self.inner
    }

    /// The next entry, or `None` at the end, when all of the stream was read.
    pub(super) fn next(&mut self) -> Result<Option<Member>, TarError> {
        self.content(|_| Ok(()))?;
        let mut raw = Vec::with_capacity(BLOCK);
        let mut extensions = Extensions::default();
        loop {
            let Some(block) = self.block()? else {
                // Some writers, the reference implementation of these rules among them, write no end marker.
                return if raw.is_empty() { Ok(None) } else { Err(Problem::ExtensionAlone.into()) };
            };
            if block.iter().all(|byte| *byte == 0) {
                self.end()?;
                return if raw.is_empty() { Ok(None) } else { Err(Problem::ExtensionAlone.into()) };
            }
            if !fields::is_checksum_right(&block) {
                return Err(Problem::Checksum.into());
            }
            raw.extend_from_slice(&block);
            let type_flag = block[156];
            if matches!(type_flag, b'x' | b'g' | b'L' | b'K') {
                let body = self.extension(&block, &mut raw)?;
                if type_flag == b'g' {
                    return self.global(&body, raw).map(Some).map_err(TarError::from);
                }
                Self::extend(type_flag, &body, &mut extensions)?;
                continue;
            }
            if type_flag == b'S' {
                self.sparse_map(&block, &mut raw)?;
            }
            let member = member(raw, &block, extensions, &self.global)?;
            self.left = member.size;
            self.padding = padding(member.size);
            return Ok(Some(member));
        }
    }

    /// Hands the rest of the current entry's content to `take`, then skips its padding.
    pub(super) fn content(&mut self, mut take: impl FnMut(&[u8]) -> io::Result<()>) -> Result<(), TarError> {
        while self.left > 0 {
            let left = self.left;
            let bytes = self.fill()?;
            if bytes.is_empty() {
                return Err(Problem::Truncated { expected: left, found: 0 }.into());
            }
            let count = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
            take(&bytes[..count])?;
            self.consume(count);
            self.left -= count as u64;
        }
        let padding = std::mem::take(&mut self.padding);
        self.read_exact(&mut [0; BLOCK][..padding])
    }

    /// A header block; `None` if the stream ends before it.
    fn block(&mut self) -> Result<Option<Block>, TarError> {
        if self.fill()?.is_empty() {
            return Ok(None);
        }
        let mut block = [0; BLOCK];
        self.read_exact(&mut block)?;
        Ok(Some(block))
    }

    fn fill(&mut self) -> io::Result<&[u8]> {
        // Twice, because the borrow checker does not see that the first result is dropped before the next try.
        while let Err(error) = self.inner.fill_buf() {
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.inner.consume(count);
        self.offset += count as u64;
    }

    fn read_exact(&mut self, mut buffer: &mut [u8]) -> Result<(), TarError> {
        let wanted = buffer.len();
        while !buffer.is_empty() {
            let bytes = self.fill()?;
            if bytes.is_empty() {
                let found = (wanted - buffer.len()) as u64;
                return Err(Problem::Truncated { expected: wanted as u64, found }.into());
            }
            let count = bytes.len().min(buffer.len());
            buffer[..count].copy_from_slice(&bytes[..count]);
            self.consume(count);
            buffer = &mut buffer[count..];
        }
        Ok(())
    }

    /// The body of an extended header, which is also appended to the raw header.
    fn extension(&mut self, block: &Block, raw: &mut Vec<u8>) -> Result<Vec<u8>, TarError> {
        let size = fields::unsigned(&block[124..136], "size")?;
        if size > MAX_EXTENSION || raw.len() as u64 > 4 * MAX_EXTENSION {
            return Err(Problem::ExtensionSize { size, limit: MAX_EXTENSION }.into());
        }
        let start = raw.len();
        let length = usize::try_from(size).expect("below the limit");
        raw.resize(start + length + padding(size), 0);
        self.read_exact(&mut raw[start..])?;
        Ok(raw[start..start + length].to_vec())
    }

    /// A header for all entries that follow.
    fn global(&mut self, body: &[u8], raw: Vec<u8>) -> Result<Member, Problem> {
        self.global_size += body.len();
        if self.global_size > MAX_GLOBAL {
            return Err(Problem::Metadata { limit: MAX_GLOBAL });
        }
        let records = fields::pax_records(body)?;
        if records.is_empty() {
            // GNU tar takes it, others do not.
            return Err(Problem::PaxRecord { found: String::new() });
        }
        let own = |key: &&String| {
            matches!(key.as_str(), "path" | "linkpath" | "size") || key.starts_with("GNU.sparse.")
        };
        if let Some(key) = records.keys().find(own) {
            return Err(Problem::Global { key: key.clone() });
        }
        self.global.extend(records.clone());
        Ok(Member::global(raw, records))
    }

    fn extend(type_flag: u8, body: &[u8], extensions: &mut Extensions) -> Result<(), Problem> {
        let slot = match type_flag {
            b'L' => &mut extensions.long_name,
            b'K' => &mut extensions.long_target,
            _ => {
                let records = fields::pax_records(body)?;
                return match extensions.records.replace(records) {
                    Some(_) => Err(Problem::Repeated { key: "extended header".to_owned() }),
                    None => Ok(()),
                };
            }
        };
        match slot.replace(fields::text(body).to_vec()) {
            Some(_) => Err(Problem::Repeated { key: "long name".to_owned() }),
            None => Ok(()),
        }
    }

    /// GNU's old sparse files have more blocks of header when their map is long.
    fn sparse_map(&mut self, block: &Block, raw: &mut Vec<u8>) -> Result<(), TarError> {
        if fields::dialect(block) != Dialect::Gnu {
            return Err(Problem::Type { type_flag: b'S' }.into());
        }
        let mut goes_on = block[482] != 0;
        while goes_on {
            let mut more = [0; BLOCK];
            self.read_exact(&mut more)?;
            raw.extend_from_slice(&more);
            if raw.len() as u64 > MAX_EXTENSION {
                let size = raw.len() as u64;
                return Err(Problem::ExtensionSize { size, limit: MAX_EXTENSION }.into());
            }
            goes_on = more[504] != 0;
        }
        Ok(())
    }

    /// After the first zero block: nothing but zeros may follow.
    fn end(&mut self) -> Result<(), TarError> {
        loop {
            let bytes = self.fill()?;
            if bytes.is_empty() {
                return Ok(());
            }
            if bytes.iter().any(|byte| *byte != 0) {
                return Err(Problem::BehindEnd.into());
            }
            let count = bytes.len();
            self.consume(count);
        }
    }
}
