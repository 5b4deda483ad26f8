//! The command line, and what follows from it.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tool::{Failure, FailureContext as _};

use crate::journal::Journal;
use crate::log::Log;
use crate::pushes::Setup;

/// Push the images of the builds that Bazel reports with its `--bes_backend`.
///
/// Prints `listening on grpc://ADDRESS:PORT` when it is ready (with --tls-cert `grpcs`), and on standard error what was
/// pushed or could not be. Ends on SIGTERM and SIGINT, after the pushes that run. There is no authentication.
#[derive(clap::Parser, Debug)]
#[command(name = "bes", after_help = AFTER_HELP)]
pub(crate) struct Cli {
    #[command(flatten)]
    listen: serving::Listen,

    /// Port to listen on; 0 takes one that is free
    #[arg(long, default_value_t = 9090)]
    port: u16,

    /// Bazel's remote cache, written as Bazel's own option has it
    #[arg(long, visible_alias = "cas-endpoint", value_name = "ADDRESS")]
    remote_cache: String,

    /// Instance of the remote cache, as in Bazel's `--remote_instance_name`
    #[arg(long, value_name = "NAME")]
    instance_name: Option<String>,

    /// Bazel credential helper for the remote cache and for registries
    #[arg(long, value_name = "PROGRAM")]
    credential_helper: Option<PathBuf>,

    /// When a build counts as reported
    #[arg(long, value_enum, value_name = "MODE", default_value_t)]
    commit_mode: CommitMode,

    /// With --commit-mode=background: where to keep what is still to be pushed, for the next start
    #[arg(long, value_name = "DIR")]
    journal: Option<PathBuf>,

    /// How long to wait for blobs that Bazel may still be uploading
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    patience: u64,

    /// How long pushes may go on after the signal to end
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    grace: u64,

    /// Transfers that run at the same time
    #[arg(short, long, value_name = "N", default_value = "16")]
    jobs: NonZeroUsize,

    /// Use plain HTTP for registries, and do not check TLS certificates
    #[arg(long)]
    insecure: bool,

    /// Write a line of JSON for each plan that was pushed, and for each build
    #[arg(long, value_enum, value_name = "WHAT")]
    log: Option<What>,

    /// Where to write these lines; appended to [default: standard output]
    #[arg(long, value_name = "FILE", requires = "log")]
    log_file: Option<PathBuf>,
}

const AFTER_HELP: &str = "\
Example:
  bes --remote-cache grpc://cache.example.com:9092
  bazel build //:push --remote_cache=grpc://cache.example.com:9092 --bes_backend=grpc://localhost:9090

Credentials for registries come from docker's config.json or REGISTRY_AUTH_FILE. Exit status: 0 ended as asked, 1 failed, 2 wrong usage.";

/// When a build counts as reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum CommitMode {
    /// When its pushes are done: Bazel waits for them, and fails if one did
    #[default]
    PerStream,
    /// At once: pushes go on by themselves, and Bazel does not learn of failures
    Background,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum What {
    /// References, blobs and bytes of every push, and failures
    Pushes,
}

/// What the server is started with.
pub(crate) struct Options {
    /// Where to listen.
    pub(crate) address: SocketAddr,
    /// With what connections are encrypted, if they are.
    pub(crate) tls: Option<serving::Tls>,
    /// When a build counts as reported.
    pub(crate) mode: CommitMode,
    /// How long pushes may go on after the signal to end.
    pub(crate) grace: Duration,
    /// What pushes need.
    pub(crate) setup: Setup,
}

impl TryFrom<Cli> for Options {
    type Error = Failure;

    fn try_from(cli: Cli) -> Result<Self, Failure> {
        let address =
            cli.listen.socket(cli.port, "push to every registry that this server has credentials for")?;
        let tls = cli.listen.tls.read()?;
        let journal = match (cli.journal, cli.commit_mode) {
            (None, _) => None,
            (Some(folder), CommitMode::Background) => Some(Journal::open(&folder)?),
            (Some(_), CommitMode::PerStream) => {
                return Err(Failure::usage(anyhow::anyhow!(
                    "--journal has no effect with --commit-mode=per-stream"
                ))
                .hint("leave it out: there, Bazel keeps what was not pushed, and sends it again"));
            }
        };
        let options = connect_cache::Options {
            endpoint: Some(cli.remote_cache),
            instance: cli.instance_name,
            credential_helper: cli.credential_helper.clone(),
        };
        let cache = connect_cache::client(&options)?
            .ok_or_else(|| Failure::usage(anyhow::anyhow!("--remote-cache is empty")))?;
        let output: Option<Box<dyn Write + Send>> = match (cli.log, cli.log_file) {
            (None, _) => None,
            (Some(What::Pushes), None) => Some(Box::new(io::stdout())),
            (Some(What::Pushes), Some(path)) => {
                let file = fs_err::OpenOptions::new().create(true).append(true).open(path);
                Some(Box::new(file.about("failed to open the log")?))
            }
        };
        let setup = Setup {
            registries: connect::client(&connect::Options {
                insecure: cli.insecure,
                credential_helper: cli.credential_helper,
            })?,
            cache,
            transfers: Arc::new(tokio::sync::Semaphore::new(cli.jobs.get())),
            patience: Duration::from_secs(cli.patience),
            journal,
            log: Log::new(output),
        };
        Ok(Self { address, tls, mode: cli.commit_mode, grace: Duration::from_secs(cli.grace), setup })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }
}
