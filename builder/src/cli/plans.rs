//! The verbs that write what deploy targets will do.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum PlanCommand {
    /// Write the plan of a push.
    Push(PlanPushArgs),
    /// Write the plan of a load.
    Load(PlanLoadArgs),
    /// Write one plan of several.
    Merge(PlanMergeArgs),
}

#[derive(Debug, Args)]
pub(crate) struct PlanPushArgs {
    /// The plan.
    #[arg(long)]
    pub(crate) output: PathBuf,
    /// Descriptor of the manifest or index to push.
    #[arg(long)]
    pub(crate) root_descriptor: PathBuf,
    /// File with one tag a line.
    #[arg(long)]
    pub(crate) tag_file: Vec<PathBuf>,
    /// File with `registry/repository`.
    #[arg(long)]
    pub(crate) destination_file: Option<PathBuf>,
    /// Plan of another push, from whose destination layers may be mounted.
    #[arg(long)]
    pub(crate) cross_mount_from: Vec<PathBuf>,
    /// JSON file that says where the build puts blobs.
    #[arg(long)]
    pub(crate) destination: Option<PathBuf>,
    /// Workspace status file for templates; later ones win.
    #[arg(long)]
    pub(crate) stamp: Vec<PathBuf>,
    /// One document or layer a line, fields separated by NUL.
    #[arg(long)]
    pub(crate) entries: PathBuf,
    /// Everything that a user typed, as JSON.
    #[arg(long, value_name = "JSON")]
    pub(crate) values: String,
}

#[derive(Debug, Args)]
pub(crate) struct PlanLoadArgs {
    /// The plan.
    #[arg(long)]
    pub(crate) output: PathBuf,
    /// Descriptor of the manifest or index to load.
    #[arg(long)]
    pub(crate) root_descriptor: PathBuf,
    /// File with one name or tag a line.
    #[arg(long)]
    pub(crate) tag_file: Vec<PathBuf>,
    /// A second file to write: the names of the image, one a line.
    #[arg(long)]
    pub(crate) names: Option<PathBuf>,
    /// Workspace status file for templates; later ones win.
    #[arg(long)]
    pub(crate) stamp: Vec<PathBuf>,
    /// One document or layer a line, fields separated by NUL.
    #[arg(long)]
    pub(crate) entries: PathBuf,
    /// Everything that a user typed, as JSON.
    #[arg(long, value_name = "JSON")]
    pub(crate) values: String,
}

#[derive(Debug, Args)]
pub(crate) struct PlanMergeArgs {
    /// The plan.
    #[arg(long)]
    pub(crate) output: PathBuf,
    /// A plan whose operations it gets, in the order of the plans.
    #[arg(long)]
    pub(crate) plan: Vec<PathBuf>,
    /// Of which kinds operations are taken: `push` or `load`; none: of all.
    #[arg(long, value_parser = ["push", "load"])]
    pub(crate) operation: Vec<String>,
    /// Strategy of all pushes, whatever their plans say.
    #[arg(long, value_parser = parse_strategy)]
    pub(crate) push_strategy: Option<plan::Strategy>,
    /// Strategy of all loads, whatever their plans say.
    #[arg(long, value_parser = parse_strategy)]
    pub(crate) load_strategy: Option<plan::Strategy>,
    /// Layers and where they lie below the runfiles, instead of what the plans say: one a line, fields separated by NUL.
    #[arg(long)]
    pub(crate) entries: Option<PathBuf>,
    /// The target, for messages.
    #[arg(long, default_value = "")]
    pub(crate) label: String,
}

/// A strategy as the command line has it.
fn parse_strategy(text: &str) -> Result<plan::Strategy, serde_json::Error> {
    serde_json::from_value(text.into())
}
