//! The servers and generators of `testkit` for demonstrations and end-to-end tests.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use testkit::{Fault, base_image, proxy};
use tool::{FailureContext as _, Outcome};

/// Misbehaving servers and large images, for tests and demonstrations.
#[derive(Parser)]
#[command(name = "testkit", version)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Proxy(Proxy),
    Counts(Counts),
    BaseImage(BaseImage),
}

/// Put latency, counters and faults before a registry. Prints its address when it is ready.
#[derive(Args)]
struct Proxy {
    /// Where to listen; port 0 for a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The registry, such as `http://127.0.0.1:5000`.
    #[arg(long)]
    upstream: url::Url,
    /// How long to hold back each request.
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// File for one JSON document a request.
    #[arg(long)]
    counts: Option<PathBuf>,
    /// `VERB PATH ACTION [TIMES]`, such as `GET manifests 503 2`. Actions: a status, with `Retry-After` as `429+1`;
    /// `html`, `wrong`, `truncate`, `drop`, `drop-answer`, `hang`, `redirect+URL`.
    #[arg(long = "fault", value_parser = Fault::parse)]
    faults: Vec<Fault>,
}

/// Sum up the file that a proxy wrote: requests of each kind, and bytes each way.
#[derive(Args)]
struct Counts {
    /// The file.
    file: PathBuf,
}

/// Push a large multi-platform image that is made on the way. Prints the digest of its index.
#[derive(Args)]
struct BaseImage {
    /// The registry, such as `http://127.0.0.1:5000`.
    #[arg(long)]
    registry: url::Url,
    /// The repository.
    #[arg(long)]
    repository: String,
    /// The tag.
    #[arg(long)]
    tag: String,
    /// Bytes of layers that each image has, about.
    #[arg(long)]
    size: u64,
    /// The platforms.
    #[arg(long, value_delimiter = ',', value_parser = str::parse::<oci::Platform>)]
    platforms: Vec<oci::Platform>,
    /// A small tar, plain or gzip, for the lowest layer of each image.
    #[arg(long)]
    rootfs: Option<PathBuf>,
    /// Print digest, bytes of an image and bytes sent as JSON.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    tool::main(run)
}

fn run(cli: Cli) -> Outcome {
    let runtime = tokio::runtime::Runtime::new()?;
    match cli.verb {
        Verb::Proxy(arguments) => runtime.block_on(run_proxy(arguments)),
        Verb::Counts(arguments) => print_counts(&arguments),
        Verb::BaseImage(arguments) => runtime.block_on(push_base_image(arguments)),
    }
}

async fn run_proxy(arguments: Proxy) -> Outcome {
    let options = proxy::Options {
        listen: arguments.listen,
        upstream: arguments.upstream,
        latency: Duration::from_millis(arguments.latency_ms),
        faults: arguments.faults,
    };
    let ready = |address| print(&format!("listening on http://{address}"));
    Ok(proxy::run(options, arguments.counts.as_deref(), ready).await?)
}

fn print_counts(arguments: &Counts) -> Outcome {
    let text = fs_err::read_to_string(&arguments.file).or_usage()?;
    let records: Result<Vec<testkit::Record>, _> = text.lines().map(serde_json::from_str).collect();
    let summary = testkit::summary(&records.or_usage()?);
    Ok(print(&serde_json::to_string_pretty(&summary)?)?)
}

async fn push_base_image(arguments: BaseImage) -> Outcome {
    let options = base_image::Options {
        registry: arguments.registry,
        repository: arguments.repository,
        tag: arguments.tag,
        size: arguments.size,
        platforms: arguments.platforms,
        rootfs: arguments.rootfs,
    };
    let made = base_image::push(&options).await.about("failed to push the base image")?;
    let text = if arguments.json { serde_json::to_string(&made)? } else { made.digest.to_string() };
    Ok(print(&text)?)
}

/// One line on standard output, at once.
fn print(line: &str) -> Result<(), anyhow::Error> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}
