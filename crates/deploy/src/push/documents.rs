//! Manifests, indexes and what they refer to, read from the runfiles and checked against their digests.

use bytes::Bytes;
use oci::{Descriptor, Digest, Index, Manifest, media_type};
use tool::{Failure, FailureContext as _};

use crate::push::Context;
use crate::push::source::changed;
use crate::runfile::runfile;

/// A document that will be written to the registry, byte for byte as the build made it.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) digest: Digest,
    pub(crate) media_type: String,
    pub(crate) bytes: Bytes,
    manifest: Option<Manifest>,
}

/// An image: one manifest, or an index and its manifests.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    pub(crate) root: Document,
    /// Indexes that the index lists, one behind those that it lists itself.
    pub(crate) inner_indexes: Vec<Document>,
    /// The image manifests, lowest level of the index included; for a single image the root itself.
    pub(crate) manifests: Vec<Document>,
}

impl Document {
    /// The configuration and the layers of a manifest.
    pub(crate) fn blobs(&self) -> impl Iterator<Item = &Descriptor> {
        self.manifest.iter().flat_map(|manifest| std::iter::once(&manifest.config).chain(&manifest.layers))
    }
}

/// Reads the image of an operation.
pub(crate) fn load(context: &Context, operation: &plan::Push) -> Result<Image, Failure> {
    let root = read(context, operation, operation.root.digest)?;
    let mut image = Image { root: root.clone(), inner_indexes: Vec::new(), manifests: Vec::new() };
    collect(context, operation, root, &mut image)?;
    Ok(image)
}

/// Adds a document and what it lists. No index can list itself, as it would have to know its own digest.
fn collect(
    context: &Context,
    operation: &plan::Push,
    document: Document,
    image: &mut Image,
) -> Result<(), Failure> {
    if !media_type::is_index(&document.media_type) {
        image.manifests.push(document);
        return Ok(());
    }
    let index: Index = serde_json::from_slice(&document.bytes)
        .about(format!("the index `{}` is not valid", document.digest))?;
    for child in index.manifests {
        collect(context, operation, read(context, operation, child.digest)?, image)?;
    }
    if document.digest != image.root.digest {
        image.inner_indexes.push(document);
    }
    Ok(())
}

fn read(context: &Context, operation: &plan::Push, digest: Digest) -> Result<Document, Failure> {
    let known = context.plan.blobs.get(&digest);
    let Some((blob, path)) = known.and_then(|blob| blob.runfile.as_ref().map(|path| (blob, path))) else {
        return Err(Failure::new(anyhow::anyhow!("the plan names no file for the manifest `{digest}`")));
    };
    let path = runfile(&context.runfiles, path)?;
    let file = fs_err::File::open(&path)?;
    let bytes = blob::read_bounded(file, oci::MAX_MANIFEST_SIZE)
        .about(format!("failed to read `{}`", path.display()))?;
    blob::verify_bytes(&bytes, digest, Some(blob.size))
        .map_err(|mismatch| changed(&path, mismatch, &operation.label))?;
    let manifest = if media_type::is_index(&blob.media_type) {
        None
    } else {
        Some(
            serde_json::from_slice(&bytes)
                .about(format!("the manifest `{}` is not valid", path.display()))?,
        )
    };
    Ok(Document { digest, media_type: blob.media_type.clone(), bytes: bytes.into(), manifest })
}
