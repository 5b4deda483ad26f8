//! Reading the documents that other actions or a registry made, and writing ours.

use std::path::Path;

use blob::AtomicFile;
use layer::LayerMetadata;
use oci::{Annotations, Descriptor, Digest, Manifest};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tool::{Failure, FailureContext as _};

use crate::cli::{IndexOutputs, ManifestOutputs};

/// All of a document of at most `limit` bytes.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, Failure> {
    let file = fs_err::File::open(path)?;
    blob::read_bounded(file, limit).about(format!("`{}`", path.display()))
}

/// All of a text file.
pub(crate) fn read_text(path: &Path) -> Result<String, Failure> {
    String::from_utf8(read(path, oci::MAX_CONFIG_SIZE)?)
        .about(format!("`{}` is not valid UTF-8", path.display()))
        .or_usage()
}

/// A listing in the mtree format; as large as a layer has files.
pub(crate) fn read_listing(path: &Path) -> Result<String, Failure> {
    String::from_utf8(fs_err::read(path)?)
        .about(format!("the listing `{}` is not valid UTF-8", path.display()))
        .or_usage()
}

fn parse<T: DeserializeOwned>(path: &Path, bytes: &[u8], what: &str) -> Result<T, Failure> {
    serde_json::from_slice(bytes).about(format!("`{}` is not {what}", path.display()))
}

/// A manifest, with its bytes.
pub(crate) fn read_manifest(path: &Path) -> Result<(Manifest, Vec<u8>), Failure> {
    let bytes = read(path, oci::MAX_MANIFEST_SIZE)?;
    Ok((parse(path, &bytes, "an image manifest")?, bytes))
}

/// A descriptor in a file of its own.
pub(crate) fn read_descriptor(path: &Path) -> Result<Descriptor, Failure> {
    parse(path, &read(path, oci::MAX_MANIFEST_SIZE)?, "a descriptor")
}

/// What `subject` says about another image: what it is, not what it is for.
pub(crate) fn read_subject(path: Option<&Path>) -> Result<Option<Descriptor>, Failure> {
    let Some(path) = path else { return Ok(None) };
    let found = read_descriptor(path)?;
    let mut subject = Descriptor::new(found.media_type, found.digest, found.size);
    subject.artifact_type = found.artifact_type;
    Ok(Some(subject))
}

/// What a layer says about itself.
pub(crate) fn read_layer(path: &Path) -> Result<LayerMetadata, Failure> {
    parse(path, &read(path, oci::MAX_MANIFEST_SIZE)?, "the metadata of a layer")
}

/// A document as it is hashed and pushed: compact JSON without a newline at its end.
pub(crate) fn to_json(document: &impl Serialize) -> Result<Vec<u8>, Failure> {
    Ok(serde_json::to_vec(document)?)
}

/// A finished manifest or index, with the files that describe it.
pub(crate) struct Root<'a> {
    /// The document.
    pub(crate) bytes: &'a [u8],
    /// What others will say about it.
    pub(crate) descriptor: Descriptor,
}

impl Root<'_> {
    /// Writes a manifest with its config.
    pub(crate) fn write_manifest(&self, config: &[u8], outputs: &ManifestOutputs) -> Result<(), Failure> {
        AtomicFile::write(&outputs.config, config)?;
        self.write(&outputs.manifest, &outputs.descriptor, &outputs.digest)
    }

    /// Writes an index.
    pub(crate) fn write_index(&self, outputs: &IndexOutputs) -> Result<(), Failure> {
        self.write(&outputs.index, &outputs.descriptor, &outputs.digest)
    }

    /// Writes the document, its descriptor and its digest.
    pub(crate) fn write(&self, document: &Path, descriptor: &Path, digest: &Path) -> Result<(), Failure> {
        AtomicFile::write(document, self.bytes)?;
        AtomicFile::write(descriptor, &to_json(&self.descriptor)?)?;
        AtomicFile::write(digest, self.descriptor.digest.to_string().as_bytes())?;
        Ok(())
    }
}

/// A descriptor of bytes in memory.
pub(crate) fn describe(media_type: &str, bytes: &[u8]) -> Descriptor {
    Descriptor::new(media_type, blob::digest_of(bytes), bytes.len() as u64)
}

/// Values from an attribute and from a file; the file wins.
pub(crate) fn annotations(attribute: Annotations, file: Option<&Path>) -> Result<Annotations, Failure> {
    let mut annotations = attribute;
    annotations.extend(crate::kv_file::read(file)?);
    Ok(annotations)
}

/// Annotation value that stands for the diff id of the layer.
const DERIVE_FROM_DIFF_ID: (&str, &str) = ("io.deis.oras.content.digest", "DERIVE_FROM_DIFF_ID");

/// Puts the diff id where a user asked for it.
pub(crate) fn derive_annotations(annotations: &mut Annotations, diff_id: Digest) {
    let (key, placeholder) = DERIVE_FROM_DIFF_ID;
    if let Some(value) = annotations.get_mut(key)
        && value == placeholder
    {
        *value = diff_id.to_string();
    }
}
