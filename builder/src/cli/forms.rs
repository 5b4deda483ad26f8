//! Arguments of the verbs that bring an image into another form, or read it from one.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use layout::listing::Arrangement;

use super::{IndexOutputs, ManifestOutputs};

#[derive(Debug, Subcommand)]
pub(crate) enum OptimizeCommand {
    /// Write manifest and configuration.
    Manifest(OptimizeManifestArgs),
    /// Write an index.
    Index(OptimizeIndexArgs),
}

#[derive(Debug, Args)]
pub(crate) struct OptimizeManifestArgs {
    #[command(flatten)]
    pub(crate) outputs: ManifestOutputs,
    /// Manifest of the image as it was.
    #[arg(long)]
    pub(crate) source_manifest: PathBuf,
    /// Its configuration.
    #[arg(long)]
    pub(crate) source_config: PathBuf,
    /// Its descriptor.
    #[arg(long)]
    pub(crate) source_descriptor: PathBuf,
    /// Metadata of each layer as it is now, the lowest first.
    #[arg(long)]
    pub(crate) layer: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct OptimizeIndexArgs {
    #[command(flatten)]
    pub(crate) outputs: IndexOutputs,
    /// The index as it was.
    #[arg(long)]
    pub(crate) source_index: PathBuf,
    /// Its descriptor.
    #[arg(long)]
    pub(crate) source_descriptor: PathBuf,
    /// Descriptor of an image as it was.
    #[arg(long)]
    pub(crate) source_manifest: Vec<PathBuf>,
    /// Descriptor of that image as it is now.
    #[arg(long)]
    pub(crate) manifest: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ExtractArgs {
    /// The layout, a folder.
    #[arg(long)]
    pub(crate) layout: PathBuf,
    /// The folder to write.
    #[arg(long)]
    pub(crate) output: PathBuf,
    /// Take also layers that become more than 1 GiB and more than 1,000 times as large when they are decompressed.
    #[arg(long)]
    pub(crate) allow_any_ratio: bool,
    /// Everything that a user typed, as JSON.
    #[arg(long, value_name = "JSON")]
    pub(crate) values: String,
}

#[derive(Debug, Args)]
pub(crate) struct ConvertArgs {
    /// The layout, a folder.
    #[arg(long)]
    pub(crate) layout: PathBuf,
    /// One image or layer a line, fields separated by NUL.
    #[arg(long)]
    pub(crate) entries: PathBuf,
    /// An index over the images.
    #[arg(long, requires = "index_descriptor")]
    pub(crate) index: Option<PathBuf>,
    /// The index's descriptor.
    #[arg(long, requires = "index")]
    pub(crate) index_descriptor: Option<PathBuf>,
    /// Digest of the index, or else of the image.
    #[arg(long)]
    pub(crate) digest: PathBuf,
    /// Take also layers that become more than 1 GiB and more than 1,000 times as large when they are decompressed.
    #[arg(long)]
    pub(crate) allow_any_ratio: bool,
    /// Everything that a user typed, as JSON.
    #[arg(long, value_name = "JSON")]
    pub(crate) values: String,
}

/// In which form an image is written.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LayoutFormat {
    /// OCI layout, a folder.
    Directory,
    /// OCI layout, a tar archive.
    Archive,
    /// OCI layout that `docker load` reads, too, a tar archive.
    Docker,
    /// Documents alone, a folder.
    Sparse,
}

#[derive(Debug, Args)]
pub(crate) struct LayoutArgs {
    /// The folder or archive.
    #[arg(long)]
    pub(crate) output: PathBuf,
    /// In which form.
    #[arg(long)]
    pub(crate) format: LayoutFormat,
    /// Descriptor of the image.
    #[arg(long)]
    pub(crate) descriptor: PathBuf,
    /// One document or layer a line, fields separated by NUL.
    #[arg(long)]
    pub(crate) entries: PathBuf,
    /// Leave out layers that are not part of the build.
    #[arg(long)]
    pub(crate) allow_missing_blobs: bool,
    /// File with names of the image, one a line, beside those that were typed.
    #[arg(long)]
    pub(crate) names: Option<PathBuf>,
    /// Everything that a user typed, as JSON.
    #[arg(long, value_name = "JSON")]
    pub(crate) values: String,
}

#[derive(Debug, Args)]
pub(crate) struct ImageListingArgs {
    /// The listing of the image.
    #[arg(long)]
    pub(crate) output: PathBuf,
    /// `tar` or `oci_layer_filesystem_applied_changeset`.
    #[arg(long)]
    pub(crate) arrangement: Arrangement,
    /// Listing of a layer, the lowest first.
    #[arg(long)]
    pub(crate) listing: Vec<PathBuf>,
}
