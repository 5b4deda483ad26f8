//! Manifests, indexes and what they refer to, read from the runfiles and checked against their digests. A server has no
//! runfiles and reads them from the remote cache.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use oci::config::ImageConfig;
use oci::{Descriptor, DiffId, Digest, Index, Manifest, media_type};
use plan::Strategy;
use tool::{Failure, FailureContext as _};

use crate::content::source::changed;
use crate::content::{Purpose, remote_documents};
use crate::context::Context;
use crate::runfile::runfile;

/// A manifest or index, byte for byte as the build made it.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its digest.
    pub digest: Digest,
    /// Its media type.
    pub media_type: String,
    /// All of it.
    pub bytes: Bytes,
    /// What it refers to, if that is said.
    pub subject: Option<Digest>,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Manifest(Box<Manifest>),
    Index(Box<Index>),
}

/// An image: one manifest, or an index and its manifests.
#[derive(Clone, Debug)]
pub struct Image {
    /// The manifest, or the index.
    pub root: Document,
    /// Indexes that the index lists, one behind those that it lists itself.
    pub inner_indexes: Vec<Document>,
    /// The image manifests, lowest level of the index included; for a single image the root itself.
    pub manifests: Vec<Document>,
}

impl Document {
    /// What it is, if it is a manifest.
    pub fn as_manifest(&self) -> Option<&Manifest> {
        match &self.kind {
            Kind::Manifest(manifest) => Some(manifest),
            Kind::Index(_) => None,
        }
    }

    /// What it is, if it is an index.
    pub fn as_index(&self) -> Option<&Index> {
        match &self.kind {
            Kind::Manifest(_) => None,
            Kind::Index(index) => Some(index),
        }
    }

    /// Its descriptor, as a name or another document refers to it.
    pub fn descriptor(&self) -> Descriptor {
        Descriptor::new(&self.media_type, self.digest, self.bytes.len() as u64)
    }

    /// The configuration of a manifest.
    pub fn config(&self) -> Option<&Descriptor> {
        self.as_manifest().map(|manifest| &manifest.config)
    }

    /// What an index lists; nothing for a manifest.
    pub fn children(&self) -> &[Descriptor] {
        self.as_index().map_or(&[], |index| &index.manifests)
    }

    /// The layers of a manifest with their digests before compression, which its config says; none if it says them of another
    /// number of layers.
    pub fn layers_with_diff_ids(&self, config: ImageConfig) -> Option<Vec<(Digest, DiffId)>> {
        let layers: Vec<Digest> = self.layers().map(|layer| layer.digest).collect();
        let diff_ids = config.rootfs.diff_ids;
        (layers.len() == diff_ids.len()).then(|| layers.into_iter().zip(diff_ids).collect())
    }

    /// The layers of a manifest that have to be brought along, lowest first: those that clients get elsewhere by themselves are
    /// left out.
    pub fn layers(&self) -> impl Iterator<Item = &Descriptor> {
        self.as_manifest()
            .into_iter()
            .flat_map(|manifest| &manifest.layers)
            .filter(|layer| !media_type::is_foreign(&layer.media_type))
    }

    /// What a list of referrers says about it.
    pub(crate) fn as_referrer(&self) -> Descriptor {
        let (artifact_type, annotations) = match &self.kind {
            Kind::Manifest(manifest) => {
                let kind = manifest.artifact_type.clone();
                (kind.or_else(|| Some(manifest.config.media_type.clone())), &manifest.annotations)
            }
            Kind::Index(index) => (index.artifact_type.clone(), &index.annotations),
        };
        Descriptor { artifact_type, annotations: annotations.clone(), ..self.descriptor() }
    }
}

impl Image {
    /// The layers of all its manifests.
    pub fn layers(&self) -> impl Iterator<Item = &Descriptor> {
        self.manifests.iter().flat_map(Document::layers)
    }

    /// The root, or one of the manifests below it.
    pub fn find(&self, digest: Digest) -> Option<&Document> {
        let all = std::iter::once(&self.root).chain(&self.manifests).chain(&self.inner_indexes);
        all.into_iter().find(|document| document.digest == digest)
    }
}

/// Reads an image of an operation.
pub async fn load(context: &Context, purpose: Purpose<'_>, root: Digest) -> Result<Image, Failure> {
    let mut roots = read(context, purpose, &[root]).await?;
    let Some(root) = roots.pop() else { return Err(unnamed(root)) };
    let mut image = Image { root: root.clone(), inner_indexes: Vec::new(), manifests: Vec::new() };
    collect(context, purpose, root, &mut image).await?;
    Ok(image)
}

/// Adds a document and what it lists. No index can list itself, as it would have to know its own digest.
fn collect<'a>(
    context: &'a Context,
    purpose: Purpose<'a>,
    document: Document,
    image: &'a mut Image,
) -> BoxFuture<'a, Result<(), Failure>> {
    Box::pin(async move {
        let Kind::Index(index) = &document.kind else {
            image.manifests.push(document);
            return Ok(());
        };
        let children: Vec<Digest> = index.manifests.iter().map(|child| child.digest).collect();
        for child in read(context, purpose, &children).await? {
            collect(context, purpose, child, image).await?;
        }
        if document.digest != image.root.digest {
            image.inner_indexes.push(document);
        }
        Ok(())
    })
}

/// Reads documents, in this order.
async fn read(context: &Context, purpose: Purpose<'_>, digests: &[Digest]) -> Result<Vec<Document>, Failure> {
    let remote = if purpose.strategy == Strategy::Bes {
        remote_documents::read(context, purpose, digests).await?
    } else {
        BTreeMap::new()
    };
    let document = |digest: &Digest| {
        let blob = context.plan.blobs.get(digest).ok_or_else(|| unnamed(*digest))?;
        let (bytes, place) = match remote.get(digest) {
            Some(bytes) => (bytes.clone(), digest.to_string()),
            None => read_runfile(context, purpose, *digest, blob)?,
        };
        parse(*digest, blob, bytes, &place)
    };
    digests.iter().map(document).collect()
}

fn unnamed(digest: Digest) -> Failure {
    Failure::new(anyhow::anyhow!("the plan names no file for the manifest `{digest}`"))
}

/// The bytes of a config, which is a file of the build.
pub fn read_config_bytes(
    context: &Context,
    purpose: Purpose<'_>,
    config: &Descriptor,
) -> Result<Bytes, Failure> {
    let blob = context.plan.blobs.get(&config.digest);
    let blob = blob.ok_or_else(|| {
        Failure::new(anyhow::anyhow!("the plan names no file for the config `{}`", config.digest))
    })?;
    Ok(read_runfile(context, purpose, config.digest, blob)?.0)
}

/// What a config says.
pub fn read_config(
    context: &Context,
    purpose: Purpose<'_>,
    config: &Descriptor,
) -> Result<ImageConfig, Failure> {
    let bytes = read_config_bytes(context, purpose, config)?;
    serde_json::from_slice(&bytes).about(format!("the config `{}` is not valid", config.digest))
}

/// The bytes, and the path.
fn read_runfile(
    context: &Context,
    purpose: Purpose<'_>,
    digest: Digest,
    blob: &plan::Blob,
) -> Result<(Bytes, String), Failure> {
    let path = blob.runfile.as_ref().ok_or_else(|| unnamed(digest))?;
    let path = runfile(&context.runfiles, path)?;
    let file = fs_err::File::open(&path)?;
    let limit = if blob.kind == plan::Kind::Config { oci::MAX_CONFIG_SIZE } else { oci::MAX_MANIFEST_SIZE };
    let bytes = blob::read_bounded(file, limit).about(format!("failed to read `{}`", path.display()))?;
    blob::verify_bytes(&bytes, digest, Some(blob.size))
        .map_err(|mismatch| changed(&path, mismatch, purpose.label))?;
    Ok((bytes.into(), path.display().to_string()))
}

fn parse(digest: Digest, blob: &plan::Blob, bytes: Bytes, place: &str) -> Result<Document, Failure> {
    let kind = if media_type::is_index(&blob.media_type) {
        let index = serde_json::from_slice(&bytes);
        Kind::Index(index.about(format!("the index `{place}` is not valid"))?)
    } else {
        let manifest = serde_json::from_slice(&bytes);
        Kind::Manifest(manifest.about(format!("the manifest `{place}` is not valid"))?)
    };
    let subject = match &kind {
        Kind::Manifest(manifest) => manifest.subject.as_ref(),
        Kind::Index(index) => index.subject.as_ref(),
    };
    let subject = subject.map(|subject| subject.digest);
    Ok(Document { digest, media_type: blob.media_type.clone(), bytes, subject, kind })
}
