//! The compressing threads by themselves: ends, errors, bounds.

use std::io::{self, Write};
use std::num::NonZeroUsize;

use layer::{Codec, Format, LayerError, compress};

use crate::support::{decompress, noise};

const FORMATS: [Format; 3] = [Format::None, Format::Gzip, Format::Zstd];

fn jobs(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}

#[test]
fn an_empty_stream_is_a_valid_blob() {
    for format in FORMATS {
        let mut blob = Vec::new();
        let codec = Codec::new(format, None).unwrap();
        let ((), summary) = compress(codec, jobs(2), &mut blob, |_| Ok(())).unwrap();
        assert_eq!(summary.uncompressed_size, 0);
        assert_eq!(summary.digest, blob::digest_of(&blob));
        assert!(decompress(format, &blob).is_empty());
        assert_eq!(blob.is_empty(), format == Format::None);
    }
}

#[test]
fn streams_around_the_size_of_a_chunk_survive() {
    for size in [1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 2 << 20] {
        let bytes = noise(3, size);
        for format in FORMATS {
            let mut blob = Vec::new();
            let codec = Codec::new(format, Some(1).filter(|_| format != Format::None)).unwrap();
            compress(codec, jobs(2), &mut blob, |sink| sink.write_all(&bytes).map_err(LayerError::Write))
                .unwrap();
            assert!(decompress(format, &blob) == bytes, "{format} {size}");
        }
    }
}

/// Takes some bytes, then no more.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or_else(|| io::Error::other("disk full"))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn an_output_that_fails_ends_everything() {
    let chunk = noise(4, 1 << 20);
    for format in FORMATS {
        let codec = Codec::new(format, Some(1).filter(|_| format != Format::None)).unwrap();
        let error = compress(codec, jobs(2), &mut Full(3 << 20), |sink| {
            (0..1000).try_for_each(|_| sink.write_all(&chunk)).map_err(LayerError::Write)
        })
        .unwrap_err();
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(cause, "disk full", "{format}");
    }
}

#[test]
fn a_producer_that_fails_ends_everything() {
    for format in FORMATS {
        let codec = Codec::new(format, None).unwrap();
        let mut output = Vec::new();
        let error = compress(codec, jobs(3), &mut output, |sink| {
            sink.write_all(&noise(5, 5 << 20)).map_err(LayerError::Write)?;
            Err::<(), _>(LayerError::Read(io::Error::other("gone")))
        })
        .unwrap_err();
        assert!(matches!(error, LayerError::Read(_)), "{format}");
    }
}
