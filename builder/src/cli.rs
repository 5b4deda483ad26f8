//! The command line as it is typed by our rules; docs/design/architecture.md is its specification.

mod forms;
mod plans;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use layer::{Format, Keywords, ListingLayout, ListingStyle};

pub(crate) use plans::{PlanCommand, PlanLoadArgs, PlanMergeArgs, PlanPushArgs};

pub(crate) use forms::{
    ConvertArgs, ExtractArgs, ImageListingArgs, LayoutArgs, LayoutFormat, OptimizeCommand, OptimizeIndexArgs,
    OptimizeManifestArgs,
};

/// Turns files into layers, manifests and indexes.
#[derive(Debug, Parser)]
#[command(name = "builder", disable_version_flag = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a layer from files, folders and symlinks.
    Layer(LayerArgs),
    /// Write the listing of a layer.
    LayerListing(LayerListingArgs),
    /// Check a tar and make a layer of it, as it is or rewritten.
    Import(ImportArgs),
    /// Describe a file that is a layer as it is.
    Blob(BlobArgs),
    /// Copy a layer and its metadata.
    Copy(CopyArgs),
    /// Write manifest and configuration of an image.
    Manifest(ManifestArgs),
    /// Write an index over images.
    Index(IndexArgs),
    /// Write an image as a folder or an archive.
    Layout(LayoutArgs),
    /// Write the listing of an image from those of its layers.
    Listing(ImageListingArgs),
    /// Take images out of an OCI layout.
    Convert(ConvertArgs),
    /// Write configurations and listings of all images in an OCI layout.
    Extract(ExtractArgs),
    /// Write the documents of an image whose layers were compressed anew.
    #[command(subcommand)]
    Optimize(OptimizeCommand),
    /// Write what a deploy target will do.
    #[command(subcommand)]
    Plan(PlanCommand),
}

/// How many threads compress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AskedJobs {
    /// As many as the input is worth, at most one for each processor.
    Processors,
    /// So many.
    Number(NonZeroUsize),
}

impl std::str::FromStr for AskedJobs {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "nproc" { Ok(Self::Processors) } else { text.parse().map(Self::Number) }
    }
}

/// How a blob is compressed.
#[derive(Debug, Args)]
pub(crate) struct Compression {
    /// Compression of the blob: `gzip`, `zstd` or `none`.
    #[arg(long)]
    pub(crate) format: Option<Format>,
    /// Compression level; default: 6 for gzip, 3 for zstd.
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) level: Option<i32>,
    /// Compressing threads: a number; or `nproc`, one for every 8 MiB of input, at most one for each processor. Default:
    /// as `nproc`, but at most two. Changes speed, never bytes.
    #[arg(long, value_name = "N|nproc")]
    pub(crate) jobs: Option<AskedJobs>,
    /// Make single files of the layer fetchable: eStargz with gzip, zstd:chunked with zstd.
    #[arg(long)]
    pub(crate) estargz: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LayerListingArgs {
    /// The layer blob.
    #[arg(long)]
    pub(crate) input: PathBuf,
    /// Its compression: `gzip`, `zstd` or `none`.
    #[arg(long)]
    pub(crate) source_format: Format,
    /// mtree listing of the layer.
    #[arg(long)]
    pub(crate) output: PathBuf,
    /// What its paths begin with: `./` or nothing.
    #[arg(long, default_value = "./", value_parser = ["./", ""])]
    mtree_path_prefix: String,
    /// What it says about an entry: names of keywords, separated by commas.
    #[arg(long, value_name = "KEYWORDS")]
    mtree_options: Option<Keywords>,
    /// What it shows: `tar` or `oci_layer_filesystem_applied_changeset`.
    #[arg(long, default_value = "tar")]
    mtree_layout: ListingLayout,
}

impl LayerListingArgs {
    /// How the listing looks.
    pub(crate) fn style(&self) -> ListingStyle {
        ListingStyle {
            prefix: self.mtree_path_prefix.clone(),
            keywords: self.mtree_options.clone().unwrap_or_default(),
            layout: self.mtree_layout,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct LayerArgs {
    /// The layer blob.
    #[arg(long)]
    pub(crate) output: PathBuf,
    /// What the layer says about itself.
    #[arg(long)]
    pub(crate) metadata: PathBuf,
    /// One entry a line: destination, kind and source, separated by NUL.
    #[arg(long)]
    pub(crate) entries: PathBuf,
    #[command(flatten)]
    pub(crate) compression: Compression,
    /// Add entries for folders that were not named.
    #[arg(long)]
    pub(crate) create_parent_directories: bool,
    /// What to do with copies of a folder: `full` or `deduplicate_symlink`.
    #[arg(long, default_value = "full", value_parser = ["full", "deduplicate_symlink"])]
    pub(crate) tree_artifacts: String,
    /// `KEY=VALUE` file with annotations.
    #[arg(long)]
    pub(crate) annotations_file: Option<PathBuf>,
    /// Everything that a user typed, as JSON.
    #[arg(long, value_name = "JSON")]
    pub(crate) values: String,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// The archive.
    #[arg(long)]
    pub(crate) input: PathBuf,
    /// Its compression: `gzip`, `zstd` or `none`.
    #[arg(long)]
    pub(crate) source_format: Format,
    /// The layer blob; without it the archive itself is the blob.
    #[arg(long, requires = "format")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) compression: Compression,
    /// Take also what becomes more than 1 GiB and more than 1,000 times as large when it is decompressed.
    #[arg(long)]
    pub(crate) allow_any_ratio: bool,
    /// Store equal files once.
    #[arg(long, requires = "output")]
    pub(crate) optimize: bool,
    /// What the layer says about itself.
    #[arg(long)]
    pub(crate) metadata: PathBuf,
    /// Everything that a user typed, as JSON.
    #[arg(long, value_name = "JSON")]
    pub(crate) values: String,
}

#[derive(Debug, Args)]
pub(crate) struct BlobArgs {
    /// The file.
    #[arg(long)]
    pub(crate) input: PathBuf,
    /// What the layer says about itself.
    #[arg(long)]
    pub(crate) metadata: PathBuf,
    /// The file is a tar, and its diff id is wanted.
    #[arg(long)]
    pub(crate) diff_id: bool,
    /// Take also what becomes more than 1 GiB and more than 1,000 times as large when it is decompressed.
    #[arg(long)]
    pub(crate) allow_any_ratio: bool,
    /// Everything that a user typed, as JSON.
    #[arg(long, value_name = "JSON")]
    pub(crate) values: String,
}

#[derive(Debug, Args)]
pub(crate) struct CopyArgs {
    /// The layer blob.
    #[arg(long)]
    pub(crate) input: PathBuf,
    /// What it says about itself.
    #[arg(long)]
    pub(crate) metadata: PathBuf,
    /// The same blob.
    #[arg(long)]
    pub(crate) output: PathBuf,
    /// The same metadata.
    #[arg(long)]
    pub(crate) output_metadata: PathBuf,
}

/// Where templates get their variables from, beside `build_settings` in `--values`.
#[derive(Debug, Args)]
pub(crate) struct TemplateArgs {
    /// Workspace status file; later ones win.
    #[arg(long)]
    pub(crate) stamp: Vec<PathBuf>,
    /// Manifest of the base image.
    #[arg(long, requires = "base_config")]
    pub(crate) base_manifest: Option<PathBuf>,
    /// Configuration of the base image.
    #[arg(long, requires = "base_manifest")]
    pub(crate) base_config: Option<PathBuf>,
}

/// What is written about an image for one platform.
#[derive(Debug, Args)]
pub(crate) struct ManifestOutputs {
    /// The manifest.
    #[arg(long)]
    pub(crate) manifest: PathBuf,
    /// The configuration.
    #[arg(long)]
    pub(crate) config: PathBuf,
    /// The manifest's descriptor.
    #[arg(long)]
    pub(crate) descriptor: PathBuf,
    /// The manifest's digest.
    #[arg(long)]
    pub(crate) digest: PathBuf,
}

/// What is written about an image for several platforms.
#[derive(Debug, Args)]
pub(crate) struct IndexOutputs {
    /// The index.
    #[arg(long)]
    pub(crate) index: PathBuf,
    /// The index's descriptor.
    #[arg(long)]
    pub(crate) descriptor: PathBuf,
    /// The index's digest.
    #[arg(long)]
    pub(crate) digest: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ManifestArgs {
    #[command(flatten)]
    pub(crate) outputs: ManifestOutputs,
    #[command(flatten)]
    pub(crate) templates: TemplateArgs,
    /// Partial configuration to lay over the base's.
    #[arg(long)]
    pub(crate) config_fragment: Option<PathBuf>,
    /// Metadata of a layer, lowest first; those of the base come from its manifest.
    #[arg(long)]
    pub(crate) layer: Vec<PathBuf>,
    /// `KEY=VALUE` file with variables.
    #[arg(long)]
    pub(crate) env_file: Option<PathBuf>,
    /// `KEY=VALUE` file with labels; later ones win.
    #[arg(long)]
    pub(crate) label_file: Vec<PathBuf>,
    /// `KEY=VALUE` file with labels that lose to all others and are no templates.
    #[arg(long)]
    pub(crate) additional_labels_file: Option<PathBuf>,
    /// `KEY=VALUE` file with annotations.
    #[arg(long)]
    pub(crate) annotations_file: Option<PathBuf>,
    /// File with the time at which the image was made.
    #[arg(long)]
    pub(crate) created_file: Option<PathBuf>,
    /// Descriptor of the image that this one is about.
    #[arg(long)]
    pub(crate) subject_descriptor: Option<PathBuf>,
    /// Everything that a user typed, as JSON.
    #[arg(long, value_name = "JSON")]
    pub(crate) values: String,
}

#[derive(Debug, Args)]
pub(crate) struct IndexArgs {
    #[command(flatten)]
    pub(crate) outputs: IndexOutputs,
    /// Descriptor of an image, in the order of preference.
    #[arg(long)]
    pub(crate) manifest: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) templates: TemplateArgs,
    /// Descriptor of the image that this one is about.
    #[arg(long)]
    pub(crate) subject_descriptor: Option<PathBuf>,
    /// `KEY=VALUE` file with annotations.
    #[arg(long)]
    pub(crate) annotations_file: Option<PathBuf>,
    /// Everything that a user typed, as JSON.
    #[arg(long, value_name = "JSON")]
    pub(crate) values: String,
}
