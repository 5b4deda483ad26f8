//! Fuzz targets for everything that reads what others wrote. Each is a function that takes any bytes and panics when a promise
//! is broken; libFuzzer looks for such bytes, and the tests try those that were interesting once.
//!
//! Promised is: no panic, no hang, memory that does not depend on what the input claims, and that what is accepted stays what
//! it is when it is compressed anew or rewritten. `tests/fuzz` builds and runs the targets, also on a stable compiler.
//!
//! ```
//! fuzz::tar(b"not a tar");
//! ```

#![expect(clippy::panic, reason = "a broken promise is told to the fuzzer by a panic")]

use std::num::NonZeroUsize;
use std::path::Path;

use layer::import::{inspect, list, optimize, recompress};
use layer::{Archive, Codec, Format, Jobs, LayerError, LayerMetadata, Listing, ListingStyle, WriteOptions};

/// A tar as it is.
pub fn tar(input: &[u8]) {
    with_file(input, |path| {
        let archive = Archive::new(path, Format::None);
        let Some((_, listing)) = checked(list(archive)) else { return };
        rewritten_stays(path, &listing);
    });
}

/// gzip data with a tar in it.
pub fn gzip(input: &[u8]) {
    compressed(input, Format::Gzip);
}

/// Zstandard data with a tar in it.
pub fn zstd(input: &[u8]) {
    compressed(input, Format::Zstd);
}

/// A tar that becomes eStargz and zstd:chunked.
pub fn seekable(input: &[u8]) {
    with_file(input, |path| {
        for format in [Format::Gzip, Format::Zstd] {
            let mut blob = Vec::new();
            let options = WriteOptions { seekable: true, ..options(format) };
            let made = recompress(Archive::new(path, Format::None), options, &mut blob);
            let Some(made) = checked(made) else { continue };
            with_file(&blob, |path| {
                let read = accepted(inspect(Archive::new(path, format)), "a seekable layer");
                assert_eq!(read.blob, made.blob, "digests and sizes of a seekable layer");
            });
        }
    });
}

/// JSON that is passed between programs or fetched from registries.
pub fn documents(input: &[u8]) {
    if let Ok(metadata) = serde_json::from_slice::<LayerMetadata>(input) {
        let again: LayerMetadata = match serde_json::from_str(&metadata.to_json()) {
            Ok(again) => again,
            Err(error) => panic!("metadata that was written cannot be read: {error}"),
        };
        assert_eq!(again, metadata, "metadata that was read and written");
    }
    let _ = oci::config::ImageConfig::from_base(input);
    let _ = serde_json::from_slice::<oci::Manifest>(input);
    let _ = serde_json::from_slice::<oci::Index>(input);
    let _ = str::from_utf8(input).map(oci::Reference::parse);
}

fn compressed(input: &[u8], format: Format) {
    with_file(input, |path| {
        let archive = Archive::new(path, format);
        let Some(read) = checked(inspect(archive)) else { return };
        let mut blob = Vec::new();
        let tar = accepted(recompress(archive, options(Format::None), &mut blob), "what was accepted");
        assert_eq!(tar.blob.diff_id, read.blob.diff_id, "the diff id");
        assert_eq!(tar.blob.digest, tar.blob.diff_id.0, "an uncompressed layer is its tar");
    });
}

/// An archive that was accepted is accepted after its equal files were made hardlinks, with the same entries.
fn rewritten_stays(path: &Path, read: &Listing) {
    let mut blob = Vec::new();
    let made = accepted(
        optimize(Archive::new(path, Format::None), options(Format::None), &mut blob),
        "what was accepted",
    );
    with_file(&blob, |path| {
        let (again, listing) = accepted(list(Archive::new(path, Format::None)), "an optimized archive");
        assert_eq!(again.blob, made.blob, "digests and sizes of an optimized archive");
        assert_eq!(names(&listing), names(read), "entries of an optimized archive");
    });
}

fn options(format: Format) -> WriteOptions {
    let codec = accepted(Codec::new(format, Some(1).filter(|_| format != Format::None)), "a codec");
    WriteOptions { codec, jobs: Jobs::Exactly(NonZeroUsize::MIN), seekable: false }
}

/// What was accepted; what was refused must say why, as a mistake of the input.
fn checked<T>(result: Result<T, LayerError>) -> Option<T> {
    result.map_err(|error| assert!(error.is_usage(), "not a mistake of the input: {error:?}")).ok()
}

fn accepted<T>(result: Result<T, LayerError>, what: &str) -> T {
    result.unwrap_or_else(|error| panic!("{what} is refused: {error:?}"))
}

/// Paths and types of a listing.
fn names(listing: &Listing) -> Vec<String> {
    let cut = |line: &str| {
        line.split(" size=").next().and_then(|line| line.split(" mode=").next()).map(str::to_owned)
    };
    listing.render(&ListingStyle::default()).lines().filter_map(cut).collect()
}

/// Readers take files, so the input becomes one.
fn with_file(input: &[u8], run: impl FnOnce(&Path)) {
    use std::io::Write as _;
    let file = tempfile::NamedTempFile::new().and_then(|mut file| file.write_all(input).map(|()| file));
    match file {
        Ok(file) => run(file.path()),
        Err(error) => panic!("no temporary file: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_interesting_once_keeps_the_promises() {
        let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("found");
        let mut count = 0;
        for entry in fs_err::read_dir(seeds).unwrap() {
            let input = fs_err::read(entry.unwrap().path()).unwrap();
            let targets: [fn(&[u8]); 5] = [tar, gzip, zstd, seekable, documents];
            for target in targets {
                target(&input);
            }
            count += 1;
        }
        assert!(count > 0);
    }
}
