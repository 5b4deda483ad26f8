//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// Checks images by what their documents and listings say.
#[derive(Debug, Parser)]
#[command(name = "tester", disable_version_flag = true)]
pub(crate) struct Cli {
    /// The request; default: `<program>.json`.
    #[arg(long)]
    pub(crate) request: Option<PathBuf>,
}
