//! The documents of an image, checked against each other, and where its blobs are.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use oci::{Descriptor, Digest, Index, Manifest, media_type};
use serde::de::DeserializeOwned;

use crate::LayoutError;

/// What to do about blobs that are not part of the build, such as the layers of a shallowly pulled base.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingBlobs {
    /// Refuse to write a layout that nobody can unpack.
    #[default]
    Refuse,
    /// Leave them out.
    LeaveOut,
}

/// A blob, and where its bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blob {
    /// In memory: documents.
    Bytes(Vec<u8>),
    /// In a file of this size.
    File(PathBuf, u64),
    /// Of this size, somewhere that whoever writes the layout piece by piece knows, see [`archive_pieces`](crate::archive_pieces).
    Elsewhere(u64),
}

/// An image for one platform or several.
#[derive(Clone, Debug)]
pub struct Image {
    root: Descriptor,
    manifests: BTreeMap<Digest, Manifest>,
    indexes: BTreeMap<Digest, Index>,
    blobs: BTreeMap<Digest, Blob>,
    layers: BTreeSet<Digest>,
}

impl Image {
    /// An image of which only the descriptor is known. Its documents come in any order.
    pub fn new(root: Descriptor) -> Self {
        Self {
            root,
            manifests: BTreeMap::new(),
            indexes: BTreeMap::new(),
            blobs: BTreeMap::new(),
            layers: BTreeSet::new(),
        }
    }

    /// Adds an index.
    pub fn add_index(&mut self, bytes: Vec<u8>) -> Result<(), LayoutError> {
        let digest = blob::digest_of(&bytes);
        self.indexes.insert(digest, parse(digest, &bytes, "an image index")?);
        self.blobs.insert(digest, Blob::Bytes(bytes));
        Ok(())
    }

    /// Adds a manifest with its config, if that is known, and the files of its layers, the lowest first.
    pub fn add_manifest(
        &mut self,
        bytes: Vec<u8>,
        config: Option<Vec<u8>>,
        layers: Vec<Option<PathBuf>>,
    ) -> Result<(), LayoutError> {
        let digest = blob::digest_of(&bytes);
        let manifest: Manifest = parse(digest, &bytes, "an image manifest")?;
        if let Some(config) = config {
            let expected = &manifest.config;
            blob::verify_bytes(&config, expected.digest, Some(expected.size))
                .map_err(|source| LayoutError::Config { manifest: digest, source })?;
            self.blobs.insert(expected.digest, Blob::Bytes(config));
        }
        if manifest.layers.len() != layers.len() {
            let (expected, found) = (manifest.layers.len(), layers.len());
            return Err(LayoutError::LayerCount { manifest: digest, expected, found });
        }
        for (layer, path) in manifest.layers.iter().zip(layers) {
            self.layers.insert(layer.digest);
            if let Some(path) = path {
                self.blobs.entry(layer.digest).or_insert(Blob::File(path, layer.size));
            }
        }
        self.manifests.insert(digest, manifest);
        self.blobs.insert(digest, Blob::Bytes(bytes));
        Ok(())
    }

    /// Adds a blob that a manifest names, unless it is there already.
    pub fn add_blob(&mut self, digest: Digest, blob: Blob) {
        self.blobs.entry(digest).or_insert(blob);
    }

    /// What names the image.
    pub(crate) fn root(&self) -> &Descriptor {
        &self.root
    }

    /// The document that the descriptor names.
    pub(crate) fn root_bytes(&self) -> Result<&[u8], LayoutError> {
        match self.blobs.get(&self.root.digest) {
            Some(Blob::Bytes(bytes)) => Ok(bytes),
            _ => Err(LayoutError::NoRoot(self.root.digest)),
        }
    }

    /// Its index, if it is an image for several platforms.
    pub(crate) fn root_index(&self) -> Option<&Index> {
        self.indexes.get(&self.root.digest)
    }

    /// The manifests of container images, in the order of the index, those of inner indexes in the place of these.
    pub(crate) fn images(&self) -> Vec<(&Descriptor, &Manifest)> {
        let mut images = Vec::new();
        self.collect_images(&self.root, &mut images);
        images
    }

    fn collect_images<'a>(
        &'a self,
        descriptor: &'a Descriptor,
        images: &mut Vec<(&'a Descriptor, &'a Manifest)>,
    ) {
        if let Some(index) = self.indexes.get(&descriptor.digest) {
            index.manifests.iter().for_each(|child| self.collect_images(child, images));
        } else if let Some(manifest) = self.manifests.get(&descriptor.digest)
            && !descriptor.is_attestation()
            && media_type::is_image_config(&manifest.config.media_type)
        {
            images.push((descriptor, manifest));
        }
    }

    /// Every blob that can be reached from the root, in the order of paths.
    pub(crate) fn blobs(&self, missing: MissingBlobs) -> Result<BTreeMap<Digest, &Blob>, LayoutError> {
        self.root_bytes()?;
        let mut reached = BTreeSet::new();
        self.reach(self.root.digest, &mut reached);
        let absent: Vec<Digest> =
            reached.iter().filter(|digest| !self.blobs.contains_key(*digest)).copied().collect();
        if missing == MissingBlobs::Refuse && !absent.is_empty() {
            return Err(LayoutError::Missing(absent));
        }
        Ok(reached.iter().filter_map(|digest| Some((*digest, self.blobs.get(digest)?))).collect())
    }

    /// Everything but layers that can be reached from the root.
    pub(crate) fn documents(&self) -> Result<BTreeMap<Digest, &Blob>, LayoutError> {
        let mut documents = self.blobs(MissingBlobs::LeaveOut)?;
        documents.retain(|digest, _| !self.layers.contains(digest));
        Ok(documents)
    }

    /// What the manifests that can be reached from the root say of their layers.
    pub(crate) fn layers(&self) -> Result<BTreeMap<Digest, &Descriptor>, LayoutError> {
        let reached = self.blobs(MissingBlobs::LeaveOut)?;
        let manifests = self.manifests.iter().filter(|(digest, _)| reached.contains_key(digest));
        Ok(manifests.flat_map(|(_, manifest)| &manifest.layers).map(|layer| (layer.digest, layer)).collect())
    }

    fn reach(&self, digest: Digest, reached: &mut BTreeSet<Digest>) {
        if !reached.insert(digest) {
            return;
        }
        for child in self.indexes.get(&digest).into_iter().flat_map(|index| &index.manifests) {
            self.reach(child.digest, reached);
        }
        if let Some(manifest) = self.manifests.get(&digest) {
            reached.insert(manifest.config.digest);
            reached.extend(manifest.layers.iter().map(|layer| layer.digest));
        }
    }
}

/// Reads a document of an image.
pub(crate) fn parse<T: DeserializeOwned>(
    digest: Digest,
    bytes: &[u8],
    expected: &'static str,
) -> Result<T, LayoutError> {
    serde_json::from_slice(bytes).map_err(|source| LayoutError::Document { digest, expected, source })
}
