//! The compressors: each chunk of the tar becomes a gzip member or a zstd frame of its own.

use std::fmt;
use std::io;
use std::str::FromStr;

use libdeflater::{CompressionLvl, Compressor as Libdeflate};

use crate::error::LayerError;

/// How a layer blob is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Not at all.
    None,
    /// gzip (RFC 1952), several members.
    Gzip,
    /// Zstandard (RFC 8878), several frames.
    Zstd,
}

/// A text is not a compression format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a compression format; expected `gzip`, `zstd` or `none`")]
pub struct FormatError(pub String);

impl FromStr for Format {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self, FormatError> {
        match text {
            "none" => Ok(Self::None),
            "gzip" => Ok(Self::Gzip),
            "zstd" => Ok(Self::Zstd),
            _ => Err(FormatError(text.to_owned())),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        })
    }
}

impl Format {
    /// Media type of a layer that is compressed so.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::None => oci::media_type::OCI_LAYER,
            Self::Gzip => oci::media_type::OCI_LAYER_GZIP,
            Self::Zstd => oci::media_type::OCI_LAYER_ZSTD,
        }
    }
}

/// A compression format with a level that it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Codec {
    format: Format,
    level: i32,
}

/// Bytes of tar that are compressed at a time. A constant of the format and never of the machine, so that the blob does
/// not depend on the number of workers.
pub(crate) const CHUNK_SIZE: usize = 1 << 20;

/// Level of gzip -> level of libdeflate. From 5 on libdeflate makes smaller blobs than zlib's 9 does. Its 6 and 7 take 11 and
/// 41 % more time than its 5 for 0.9 and 1.5 % fewer bytes, its 8 and 9 twice the time for 0.5 % more.
const LIBDEFLATE_LEVELS: [i32; 10] = [0, 1, 2, 3, 4, 4, 5, 5, 6, 7];

const GZIP_DEFAULT: i32 = 6;
const ZSTD_DEFAULT: i32 = 3;

impl Codec {
    /// A format at a level, or at its default level.
    pub fn new(format: Format, level: Option<i32>) -> Result<Self, LayerError> {
        let (default, allowed, expected) = match format {
            Format::None => (0, 0..=0, "no level"),
            Format::Gzip => (GZIP_DEFAULT, 0..=9, "0 (stored) to 9"),
            Format::Zstd => (ZSTD_DEFAULT, 1..=22, "1 to 22"),
        };
        let level = level.unwrap_or(default);
        if allowed.contains(&level) {
            return Ok(Self { format, level });
        }
        let format = match format {
            Format::None => "an uncompressed layer",
            Format::Gzip => "gzip",
            Format::Zstd => "zstd",
        };
        Err(LayerError::Level { level, format, expected })
    }

    /// The format.
    pub fn format(self) -> Format {
        self.format
    }

    /// The level; 0 for an uncompressed layer.
    pub(crate) fn level(self) -> i32 {
        self.level
    }

    /// A compressor, or `None` if there is nothing to do. Each worker has its own.
    pub(crate) fn compressor(self) -> io::Result<Option<Compressor>> {
        Ok(match self.format {
            Format::None => None,
            Format::Gzip => {
                let level = usize::try_from(self.level).ok().and_then(|level| LIBDEFLATE_LEVELS.get(level));
                let level = level.and_then(|level| CompressionLvl::new(*level).ok());
                let level =
                    level.ok_or_else(|| io::Error::other(format!("gzip has no level {}", self.level)))?;
                Some(Compressor::Gzip(Libdeflate::new(level)))
            }
            Format::Zstd => Some(Compressor::Zstd(zstd::bulk::Compressor::new(self.level)?)),
        })
    }
}

/// State of a compressor, used for one chunk after the other.
pub(crate) enum Compressor {
    Gzip(Libdeflate),
    Zstd(zstd::bulk::Compressor<'static>),
}

impl Compressor {
    /// The most bytes that `size` bytes can become.
    pub(crate) fn bound(&mut self, size: usize) -> usize {
        match self {
            Self::Gzip(compressor) => compressor.gzip_compress_bound(size),
            Self::Zstd(_) => zstd::zstd_safe::compress_bound(size),
        }
    }

    /// Puts the compressed form of a member into `output`, which has [`Compressor::bound`] bytes; returns its length.
    pub(crate) fn compress(&mut self, input: &[u8], output: &mut [u8]) -> io::Result<usize> {
        match self {
            // Its header has neither name nor time (MTIME 0), and no operating system (OS 255).
            Self::Gzip(compressor) => compressor.gzip_compress(input, output).map_err(io::Error::other),
            Self::Zstd(compressor) => compressor.compress_to_buffer(input, output),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_levels() {
        for (format, level, ok) in [
            (Format::None, None, true),
            (Format::None, Some(1), false),
            (Format::Gzip, None, true),
            (Format::Gzip, Some(0), true),
            (Format::Gzip, Some(9), true),
            (Format::Gzip, Some(10), false),
            (Format::Gzip, Some(-1), false),
            (Format::Zstd, Some(0), false),
            (Format::Zstd, Some(1), true),
            (Format::Zstd, Some(22), true),
            (Format::Zstd, Some(23), false),
        ] {
            assert_eq!(Codec::new(format, level).is_ok(), ok, "{format} {level:?}");
        }
    }
}
