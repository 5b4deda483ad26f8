//! What every program needs around its work: arguments in parameter files, the environment, one way to report an
//! error, exit codes, and log lines.
//!
//! A program's `main` is one line, `tool::main(run)`, where `run` takes the parsed command line and returns
//! an [`Outcome`]. Nothing else in the workspace prints an error, reads the environment or ends the process.
//!
//! ```no_run
//! #[derive(clap::Parser)]
//! struct Cli {
//!     name: String,
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     tool::main(|cli: Cli| {
//!         if cli.name.is_empty() {
//!             return Err(tool::Failure::usage(anyhow::anyhow!("the name is empty")).hint("give a name"));
//!         }
//!         Ok(())
//!     })
//! }
//! ```

pub mod args;
pub mod duration;
pub mod env;
mod logging;
mod report;
pub mod runfiles;

use std::process::ExitCode;

pub use report::{Exit, Failure, FailureContext, Outcome, SharedFailure, chain};

/// Expands parameter files, parses the command line, runs, reports.
///
/// Exit status: 0 when `run` succeeded or help was asked for, 1 when it failed, 2 for wrong usage.
pub fn main<C: clap::Parser>(run: impl FnOnce(C) -> Outcome) -> ExitCode {
    logging::init();
    let outcome = args::expand(std::env::args_os())
        .map_err(|error| Failure::usage(anyhow::Error::new(error)))
        .map(|arguments| C::try_parse_from(arguments));
    match outcome {
        Ok(Ok(cli)) => report::finish(run(cli)),
        Ok(Err(error)) => {
            // Help and version are "errors" to clap, with exit code 0 and standard output as their place.
            let status = if error.use_stderr() { Exit::Usage } else { Exit::Done };
            match error.print() {
                Ok(()) => status.into(),
                Err(_) => Exit::Failed.into(),
            }
        }
        Err(failure) => report::finish(Err(failure)),
    }
}
