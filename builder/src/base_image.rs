//! The image that another one is built on: its manifest and its configuration, checked against each other.

use std::path::Path;

use anyhow::anyhow;
use oci::config::ImageConfig;
use oci::{Descriptor, Digest, Manifest, media_type};
use tool::{Failure, FailureContext as _};

use crate::cli::TemplateArgs;
use crate::documents;

/// A base image.
pub(crate) struct BaseImage {
    /// Digest of its manifest.
    pub(crate) digest: Digest,
    /// What is inherited from its configuration.
    pub(crate) config: ImageConfig,
    /// The documents as they are, for templates.
    pub(crate) config_bytes: Vec<u8>,
    pub(crate) manifest_bytes: Vec<u8>,
    manifest: Manifest,
}

impl BaseImage {
    /// Reads the base that a command line names, if it names one.
    pub(crate) fn of(args: &TemplateArgs) -> Result<Option<Self>, Failure> {
        match (&args.base_manifest, &args.base_config) {
            (Some(manifest), Some(config)) => Self::open(manifest, config).map(Some),
            _ => Ok(None),
        }
    }

    /// Reads and checks both documents.
    pub(crate) fn open(manifest_path: &Path, config_path: &Path) -> Result<Self, Failure> {
        let (manifest, bytes) = documents::read_manifest(manifest_path)?;
        let about = || format!("base image `{}`", manifest_path.display());
        if !media_type::is_image_config(&manifest.config.media_type) {
            let kind = manifest.artifact_type.as_ref().unwrap_or(&manifest.config.media_type);
            let error = anyhow!("it is an artifact (`{kind}`), not an image");
            let hint = "set `base` to an image; artifacts such as charts and signatures have nothing to run";
            return Err(Failure::new(error).context(about()).hint(hint));
        }
        let config_bytes = documents::read(config_path, oci::MAX_CONFIG_SIZE)?;
        blob::verify_bytes(&config_bytes, manifest.config.digest, Some(manifest.config.size))
            .about(format!("configuration `{}`", config_path.display()))
            .about(about())?;
        let config = ImageConfig::from_base(&config_bytes)
            .about(format!("configuration `{}`", config_path.display()))
            .about(about())?;
        let (layers, diff_ids) = (manifest.layers.len(), config.rootfs.diff_ids.len());
        if layers != diff_ids {
            let error =
                anyhow!("its manifest has {layers} layers, but its configuration has {diff_ids} diff ids");
            return Err(Failure::new(error).context(about()).hint("use a base image that is whole"));
        }
        Ok(Self { digest: blob::digest_of(&bytes), config, config_bytes, manifest_bytes: bytes, manifest })
    }

    /// Descriptors of its layers, with the names that the OCI specifications have for their types.
    pub(crate) fn layers(&self) -> impl Iterator<Item = Descriptor> {
        self.manifest.layers.iter().map(|layer| Descriptor {
            media_type: media_type::oci_layer(&layer.media_type).to_owned(),
            ..layer.clone()
        })
    }
}
