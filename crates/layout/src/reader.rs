//! Reading an OCI layout that somebody else wrote.

use std::path::{Path, PathBuf};

use oci::config::ImageConfig;
use oci::{Descriptor, Digest, Index, Manifest, Platform, media_type};

use crate::image::parse;
use crate::{LayoutError, MARKER, blob_path};

/// Indexes within indexes; a layout that is made to be read has one or two levels.
const MAX_LEVELS: usize = 4;

/// A folder that is an OCI layout.
#[derive(Clone, Debug)]
pub struct Layout {
    folder: PathBuf,
}

/// An image in a layout.
#[derive(Clone, Debug)]
pub struct StoredImage {
    /// What names it, with its platform.
    pub descriptor: Descriptor,
    /// The bytes that its digest is of.
    pub manifest_bytes: Vec<u8>,
    /// What they say.
    pub manifest: Manifest,
    /// The bytes of its configuration.
    pub config: Vec<u8>,
}

impl Layout {
    /// Opens a folder that has the marker of a layout.
    pub fn open(folder: &Path) -> Result<Self, LayoutError> {
        if folder.join(MARKER.0).is_file() {
            Ok(Self { folder: folder.to_owned() })
        } else {
            Err(LayoutError::NoLayout(folder.to_owned()))
        }
    }

    /// The file of a blob.
    pub fn blob(&self, digest: Digest) -> PathBuf {
        self.folder.join(blob_path(digest))
    }

    /// All container images, in the order of the index, those of inner indexes in the place of these.
    pub fn images(&self) -> Result<Vec<StoredImage>, LayoutError> {
        let bytes = fs_err::read(self.folder.join("index.json"))?;
        let index: Index = parse(blob::digest_of(&bytes), &bytes, "an image index")?;
        let mut images = Vec::new();
        self.collect(index.manifests, MAX_LEVELS, &mut images)?;
        Ok(images)
    }

    fn collect(
        &self,
        entries: Vec<Descriptor>,
        levels: usize,
        images: &mut Vec<StoredImage>,
    ) -> Result<(), LayoutError> {
        for entry in entries {
            if media_type::is_index(&entry.media_type) {
                if levels == 0 {
                    return Err(LayoutError::TooDeep(entry.digest));
                }
                let bytes = self.document(&entry, oci::MAX_MANIFEST_SIZE)?;
                let index: Index = parse(entry.digest, &bytes, "an image index")?;
                self.collect(index.manifests, levels - 1, images)?;
            } else if media_type::is_manifest(&entry.media_type) && !entry.is_attestation() {
                images.extend(self.image(entry)?);
            }
        }
        Ok(())
    }

    /// An artifact is no image.
    fn image(&self, mut descriptor: Descriptor) -> Result<Option<StoredImage>, LayoutError> {
        let manifest_bytes = self.document(&descriptor, oci::MAX_MANIFEST_SIZE)?;
        let manifest: Manifest = parse(descriptor.digest, &manifest_bytes, "an image manifest")?;
        if !media_type::is_image_config(&manifest.config.media_type) {
            return Ok(None);
        }
        let config = self.document(&manifest.config, oci::MAX_CONFIG_SIZE)?;
        let said = match descriptor.platform.take() {
            Some(platform) => platform,
            None => {
                parse::<ImageConfig>(manifest.config.digest, &config, "an image configuration")?.platform()
            }
        };
        let variant = said.variant.as_deref().unwrap_or_default();
        let variant = Platform::new(said.os.as_str(), said.architecture.as_str(), variant).variant;
        descriptor.platform = Some(Platform { variant, ..said });
        Ok(Some(StoredImage { descriptor, manifest_bytes, manifest, config }))
    }

    fn document(&self, descriptor: &Descriptor, limit: u64) -> Result<Vec<u8>, LayoutError> {
        let path = self.blob(descriptor.digest);
        let file = fs_err::File::open(&path)?;
        let bytes = blob::read_bounded(file, limit)
            .map_err(|source| LayoutError::TooLarge { path: path.clone(), source })?;
        blob::verify_bytes(&bytes, descriptor.digest, Some(descriptor.size))
            .map_err(|source| LayoutError::Blob { path, source })?;
        Ok(bytes)
    }
}
