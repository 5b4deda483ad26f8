//! Manifests, indexes and what they refer to, read from the runfiles and checked against their digests.

use bytes::Bytes;
use oci::{Descriptor, Digest, Index, Manifest, media_type};
use tool::{Failure, FailureContext as _};

use crate::commands::deploy::runfile;
use crate::push::Context;
use crate::push::source::changed;

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
    let read = |digest| read(context, operation, digest);
    let root = read(operation.root.digest)?;
    if !media_type::is_index(&root.media_type) {
        return Ok(Image { manifests: vec![root.clone()], root });
    }
    let index: Index =
        serde_json::from_slice(&root.bytes).about(format!("the index `{}` is not valid", root.digest))?;
    let manifests = index.manifests.iter().map(|child| read(child.digest)).collect::<Result<_, _>>()?;
    Ok(Image { root, manifests })
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
