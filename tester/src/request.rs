//! What the build asks for: images, and files with expectations.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
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
    pub(crate) images: Vec<RequestedImage>,
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
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let read = || -> Result<Self, Failure> { Ok(serde_json::from_slice(&fs_err::read(path)?)?) };
        read()
            .about(format!("failed to read the request `{}`", path.display()))
            .or_usage()
            .or_hint("this program is started as a test target, such as `bazel test //:image_test`")
    }
}

impl RequestedImage {
    pub(crate) fn read(&self, runfiles: &Runfiles) -> Result<Image, Failure> {
        let path = find(runfiles, &self.config)?;
        let config = serde_json::from_slice(&fs_err::read(&path)?)
            .about(format!("`{}` is not an image configuration", path.display()))?;
        let files = match &self.listing {
            Some(listing) => {
                let path = find(runfiles, listing)?;
                let lines = listing::parse(&path.display().to_string(), &fs_err::read_to_string(&path)?)?;
                // A listing of stored entries becomes one of the files that a container sees.
                let merged = listing::merge(&[lines], listing::Arrangement::Files);
                listing::parse(listing, &merged)?
            }
            None => Vec::new(),
        };
        let complete = self.complete;
        Ok(Image { platform: self.platform.clone(), config, files, complete })
    }
}
