//! The command line, and what follows from it.

mod cache;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;

use tool::{Failure, FailureContext as _};

use crate::access_log::AccessLog;
use crate::keepalive::Schedule;
use crate::store::OpenOptions;
use cache::CacheArgs;

/// An OCI distribution server with a store on disk.
///
/// Prints `listening on http://ADDRESS:PORT` when it is ready, with --grpc-port also `blob cache on
/// grpc://ADDRESS:PORT`; with --tls-cert it is `https` and `grpcs`. Ends on SIGTERM and SIGINT, after the requests in
/// flight. There is no authentication.
#[derive(clap::Parser, Debug)]
#[command(name = "registry", after_help = AFTER_HELP)]
pub(crate) struct Cli {
    /// Folder of the store; created if missing
    #[arg(long, value_name = "DIR")]
    root: PathBuf,

    #[command(flatten)]
    listen: serving::Listen,

    /// Port to listen on; 0 takes one that is free
    #[arg(long, default_value_t = 5000)]
    port: u16,

    /// Refuse every change; nothing below the root is written
    #[arg(long)]
    read_only: bool,

    /// Do not wait for the disk: faster, but a power failure may lose or damage what was written last
    #[arg(long)]
    no_sync: bool,

    /// Write a line of JSON for each request
    #[arg(long, value_enum, value_name = "WHAT")]
    log: Option<Log>,

    /// Where to write these lines; appended to [default: standard output]
    #[arg(long, value_name = "FILE", requires = "log")]
    log_file: Option<PathBuf>,

    #[command(flatten)]
    cache: CacheArgs,
}

const AFTER_HELP: &str = "\
The remote cache is spoken to as the environment says, where no option does: IMG_REAPI_HEADERS, IMG_REAPI_TLS_CERTIFICATE,
IMG_REAPI_TLS_CLIENT_CERTIFICATE and IMG_REAPI_TLS_CLIENT_KEY, IMG_REAPI_RPC_TIMEOUT and IMG_REAPI_IDLE_TIMEOUT,
IMG_REAPI_MAX_CONNECTIONS, IMG_REAPI_RETRY_MAX_ATTEMPTS, IMG_REAPI_RETRY_BASE_DELAY and IMG_REAPI_RETRY_MAX_DELAY. They are those of
pushes with the strategy lazy; docs/reference/environment.md describes them.

Exit status: 0 ended as asked, 1 failed, 2 wrong usage.";

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Log {
    /// Method, path, status, bytes received and sent, whether a blob was mounted
    Requests,
}

/// What everybody could do who can connect.
const RISK: &str = "read, replace and delete everything";

/// What the server is started with.
pub(crate) struct Options {
    /// Where to listen.
    pub(crate) address: SocketAddr,
    /// With what connections are encrypted, if they are.
    pub(crate) tls: Option<serving::Tls>,
    /// Where the store is.
    pub(crate) root: PathBuf,
    /// How it is opened.
    pub(crate) open: OpenOptions,
    /// Where requests are written down.
    pub(crate) log: Option<AccessLog>,
    /// Where commits of blobs in the remote cache are taken.
    pub(crate) grpc: Option<SocketAddr>,
    /// When the remote cache is asked to keep things.
    pub(crate) keepalive: Option<Schedule>,
}

impl TryFrom<Cli> for Options {
    type Error = Failure;

    fn try_from(cli: Cli) -> Result<Self, Failure> {
        let address = cli.listen.socket(cli.port, RISK)?;
        let tls = cli.listen.tls.read()?;
        let cache = cli.cache.options(&cli.listen)?;
        let output: Option<Box<dyn Write + Send>> = match (cli.log, cli.log_file) {
            (None, _) => None,
            (Some(Log::Requests), None) => Some(Box::new(io::stdout())),
            (Some(Log::Requests), Some(path)) => {
                let file = fs_err::OpenOptions::new().create(true).append(true).open(path);
                Some(Box::new(file.about("failed to open the access log")?))
            }
        };
        Ok(Self {
            address,
            tls,
            root: cli.root,
            open: OpenOptions { read_only: cli.read_only, sync: !cli.no_sync, remote_cache: cache.client },
            log: output.map(AccessLog::new),
            grpc: cache.grpc,
            keepalive: cache.keepalive,
        })
    }
}
