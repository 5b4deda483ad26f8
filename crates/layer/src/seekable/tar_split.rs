//! All of a tar but the contents of its files, as `vbatts/tar-split` stores it: JSON lines with the bytes between the
//! contents and a checksum of each content. With it, and the files, the tar can be made again byte for byte.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::zstd_chunked;
use crate::compress::Codec;
use crate::error::LayerError;

/// Types of lines.
const FILE: u8 = 1;
const SEGMENT: u8 = 2;

#[derive(Serialize)]
struct Line<'a> {
    #[serde(rename = "type")]
    kind: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    /// In Base64: bytes of a segment, or the CRC-64 of a content.
    payload: Option<String>,
    position: u64,
}

/// The lines, compressed as they come.
pub(super) struct TarSplit {
    lines: zstd::stream::write::Encoder<'static, Vec<u8>>,
    uncompressed_size: u64,
    position: u64,
    /// Bytes between two contents.
    segment: Vec<u8>,
}

/// The finished document.
pub(super) struct Packed {
    pub(super) bytes: Vec<u8>,
    pub(super) uncompressed_size: u64,
}

impl TarSplit {
    pub(super) fn new(codec: Codec) -> Result<Self, LayerError> {
        let lines = zstd_chunked::encoder(codec).map_err(LayerError::Compress)?;
        Ok(Self { lines, uncompressed_size: 0, position: 0, segment: Vec::new() })
    }

    /// Bytes of the tar that are no content.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.segment.extend_from_slice(bytes);
    }

    /// An entry without content.
    pub(super) fn empty(&mut self, name: &str) -> Result<(), LayerError> {
        self.end_segment()?;
        self.line(FILE, Some(name), None, None)
    }

    /// The content of an entry.
    pub(super) fn file(&mut self, name: &str, size: u64, checksum: u64) -> Result<(), LayerError> {
        self.end_segment()?;
        self.line(FILE, Some(name), Some(size), Some(&checksum.to_be_bytes()))
    }

    pub(super) fn finish(mut self) -> Result<Packed, LayerError> {
        self.end_segment()?;
        let bytes = self.lines.finish().map_err(LayerError::Compress)?;
        Ok(Packed { bytes, uncompressed_size: self.uncompressed_size })
    }

    fn end_segment(&mut self) -> Result<(), LayerError> {
        if self.segment.is_empty() {
            return Ok(());
        }
        let segment = std::mem::take(&mut self.segment);
        self.line(SEGMENT, None, None, Some(&segment))?;
        self.segment = segment;
        self.segment.clear();
        Ok(())
    }

    fn line(
        &mut self,
        kind: u8,
        name: Option<&str>,
        size: Option<u64>,
        payload: Option<&[u8]>,
    ) -> Result<(), LayerError> {
        let payload = payload.map(|bytes| STANDARD.encode(bytes));
        let line = Line { kind, name, size, payload, position: self.position };
        let mut json = serde_json::to_vec(&line).expect("strings and numbers always serialize");
        json.push(b'\n');
        self.position += 1;
        self.uncompressed_size += json.len() as u64;
        self.lines.write_all(&json).map_err(LayerError::Compress)
    }
}
