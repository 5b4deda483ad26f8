//! Layers of a base image: a given one, or a tar that is made while it is read. All are gzip, because not every judge
//! reads other layers; what cannot be compressed is only wrapped.

use std::io::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use flate2::Compression;
use oci::Digest;
use oci::media_type::OCI_LAYER_GZIP;
use serde_json::{Value, json};

use super::{Chunks, hash, pattern};

/// How much is made at a time.
pub(super) const CHUNK: usize = 1 << 20;
/// Size of the files in a generated layer.
const FILE_SIZE: u64 = 64 << 20;
const BLOCK: u64 = 512;

/// A layer whose content can be read any number of times.
pub(super) struct Layer {
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) digest: Digest,
    diff_id: Digest,
    content: Content,
}

enum Content {
    Given(Bytes),
    Generated { folder: String, seed: u64, size: u64, pattern: Arc<[u8]> },
}

impl Layer {
    /// A tar.
    pub(super) fn given(name: &str, tar: &[u8]) -> Self {
        let diff_id = crate::digest_of(tar);
        let bytes = gzip(tar, Compression::fast());
        let (size, digest) = (bytes.len() as u64, crate::digest_of(&bytes));
        Self { name: name.to_owned(), size, digest, diff_id, content: Content::Given(bytes) }
    }

    /// Files of 64 MiB in a folder, that many bytes of them.
    pub(super) fn generated(folder: &str, seed: u64, size: u64) -> Self {
        let content = Content::Generated { folder: folder.to_owned(), seed, size, pattern: pattern() };
        let diff_id = hash(content.tar());
        let digest = hash(content.chunks());
        let size = content.chunks().map(|chunk| chunk.len() as u64).sum();
        Self { name: folder.to_owned(), size, digest, diff_id, content }
    }

    pub(super) fn diff_id(&self) -> Digest {
        self.diff_id
    }

    pub(super) fn descriptor(&self) -> Value {
        json!({"mediaType": OCI_LAYER_GZIP, "digest": self.digest, "size": self.size})
    }

    pub(super) fn chunks(&self) -> Chunks {
        self.content.chunks()
    }
}

impl Content {
    /// The blob, a gzip member for each chunk of a generated tar.
    fn chunks(&self) -> Chunks {
        match self {
            Self::Given(bytes) => Box::new([bytes.clone()].into_iter()),
            Self::Generated { .. } => Box::new(self.tar().map(|chunk| gzip(&chunk, Compression::none()))),
        }
    }

    /// What a generated blob holds; nothing for a given one.
    fn tar(&self) -> Chunks {
        match self {
            Self::Given(_) => Box::new(std::iter::empty()),
            Self::Generated { folder, seed, size, pattern } => {
                tar(folder.clone(), *seed, *size, Arc::clone(pattern))
            }
        }
    }
}

/// One gzip member without name and time.
fn gzip(bytes: &[u8], level: Compression) -> Bytes {
    let mut encoder = flate2::write::GzEncoder::new(Vec::with_capacity(bytes.len() + 128), level);
    encoder.write_all(bytes).expect("memory takes everything");
    encoder.finish().expect("memory takes everything").into()
}

/// A tar: for each file a header, the content and padding; then two blocks of zeros.
fn tar(folder: String, seed: u64, size: u64, pattern: Arc<[u8]>) -> Chunks {
    let files = (0..size.div_ceil(FILE_SIZE)).map(move |number| {
        let length = FILE_SIZE.min(size - number * FILE_SIZE);
        (format!("{folder}/{number}.bin"), seed << 32 | number, length)
    });
    let entries = files.flat_map(move |(path, seed, length)| {
        let padding = (BLOCK - length % BLOCK) % BLOCK;
        [header(&path, length)]
            .into_iter()
            .chain(random(seed, length, Arc::clone(&pattern)))
            .chain([zeros(padding)])
            .filter(|chunk| !chunk.is_empty())
    });
    Box::new(entries.chain([zeros(2 * BLOCK)]))
}

fn header(path: &str, length: u64) -> Bytes {
    let mut header = tar::Header::new_ustar();
    header.set_path(path).expect("generated paths are short");
    header.set_size(length);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_entry_type(tar::EntryType::Regular);
    header.set_cksum();
    Bytes::copy_from_slice(header.as_bytes())
}

fn zeros(length: u64) -> Bytes {
    Bytes::from(vec![0; usize::try_from(length).unwrap_or_default()])
}

/// Bytes that repeat nowhere: a pattern with a number in every page.
fn random(seed: u64, length: u64, pattern: Arc<[u8]>) -> impl Iterator<Item = Bytes> {
    const PAGE: usize = 4096;
    (0..length.div_ceil(CHUNK as u64)).map(move |number| {
        let wanted = usize::try_from(length - number * CHUNK as u64).unwrap_or(CHUNK).min(CHUNK);
        let mut bytes = pattern[..wanted].to_vec();
        let stamp = (seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number.wrapping_mul(0xd1b5_4a32_d192_ed03))
            .to_le_bytes();
        for page in bytes.chunks_exact_mut(PAGE) {
            for (byte, stamp) in page.iter_mut().zip(stamp) {
                *byte ^= stamp;
            }
        }
        Bytes::from(bytes)
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn a_generated_layer_is_a_tar_and_always_the_same() {
        let layer = Layer::generated("opt/data", 7, FILE_SIZE + 1000);
        assert_eq!(layer.digest, Layer::generated("opt/data", 7, FILE_SIZE + 1000).digest);
        assert_ne!(layer.digest, Layer::generated("opt/data", 8, FILE_SIZE + 1000).digest);
        let bytes: Vec<u8> = layer.chunks().flatten().collect();
        assert_eq!(bytes.len() as u64, layer.size);
        let mut archive = tar::Archive::new(flate2::read::MultiGzDecoder::new(bytes.as_slice()));
        let sizes: Vec<u64> = archive
            .entries()
            .unwrap()
            .map(|entry| {
                let mut content = Vec::new();
                entry.unwrap().read_to_end(&mut content).unwrap();
                content.len() as u64
            })
            .collect();
        assert_eq!(sizes, [FILE_SIZE, 1000]);
    }
}
