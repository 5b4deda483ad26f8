//! What the build asks for: images, and files with expectations.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use layout::extract::{Extracted, LIST};
use layout::listing::{self, Line};
use oci::config::ImageConfig;
use serde::Deserialize;
use tool::runfiles::Runfiles;
use tool::{Failure, FailureContext as _};

/// `<test>.json`; files are named by their runfiles paths.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    /// The images, each for one platform.
    #[serde(default)]
    pub(crate) images: Vec<RequestedImage>,
    /// Folders with further images, as `builder extract` writes them.
    #[serde(default)]
    pub(crate) extracts: Vec<String>,
    /// Files with expectations.
    pub(crate) expectations: Vec<String>,
}

/// One image.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RequestedImage {
    platform: String,
    config: String,
    listing: Option<String>,
    /// Whether every layer is in the listing.
    complete: bool,
}

/// An image, read.
pub(crate) struct Image {
    /// For messages.
    pub(crate) platform: String,
    pub(crate) config: ImageConfig,
    pub(crate) files: Vec<Line>,
    pub(crate) complete: bool,
}

/// The file behind a runfiles path.
pub(crate) fn find(runfiles: &Runfiles, path: &str) -> Result<PathBuf, Failure> {
    runfiles.resolve(path).ok_or_else(|| {
        Failure::new(anyhow!("`{path}` is not among the runfiles"))
            .hint("start this program with `bazel test`")
    })
}

impl Request {
    /// All images, those of the extracts last.
    pub(crate) fn read_images(&self, runfiles: &Runfiles) -> Result<Vec<Image>, Failure> {
        let mut images =
            self.images.iter().map(|image| image.read(runfiles)).collect::<Result<Vec<_>, _>>()?;
        for extract in &self.extracts {
            let folder = find(runfiles, extract)?;
            let list = folder.join(LIST);
            let extracted: Vec<Extracted> = serde_json::from_slice(&fs_err::read(&list)?)
                .about(format!("`{}` is not a list of images", list.display()))?;
            for image in extracted {
                let (config, listing) = (folder.join(image.config), folder.join(image.listing));
                images.push(read_image(image.platform, &config, Some(&listing), image.complete)?);
            }
        }
        Ok(images)
    }

    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let read = || -> Result<Self, Failure> { Ok(serde_json::from_slice(&fs_err::read(path)?)?) };
        read()
            .about(format!("failed to read the request `{}`", path.display()))
            .or_usage()
            .or_hint("this program is started as a test target, such as `bazel test //:image_test`")
    }
}

impl RequestedImage {
    fn read(&self, runfiles: &Runfiles) -> Result<Image, Failure> {
        let config = find(runfiles, &self.config)?;
        let listing = self.listing.as_ref().map(|listing| find(runfiles, listing)).transpose()?;
        read_image(self.platform.clone(), &config, listing.as_deref(), self.complete)
    }
}

fn read_image(
    platform: String,
    config: &Path,
    listing: Option<&Path>,
    complete: bool,
) -> Result<Image, Failure> {
    let parsed = serde_json::from_slice(&fs_err::read(config)?)
        .about(format!("`{}` is not an image configuration", config.display()))?;
    let files = listing.map(read_listing).transpose()?.unwrap_or_default();
    Ok(Image { platform, config: parsed, files, complete })
}

/// A listing of stored entries becomes one of the files that a container sees.
fn read_listing(path: &Path) -> Result<Vec<Line>, Failure> {
    let name = path.display().to_string();
    let lines = listing::parse(&name, &fs_err::read_to_string(path)?)?;
    Ok(listing::parse(&name, &listing::merge(&[lines], listing::Arrangement::Files))?)
}
