//! The options about the remote cache.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::anyhow;
use tool::Failure;

use super::RISK;
use crate::keepalive::Schedule;

#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Remote cache")]
pub(super) struct CacheArgs {
    /// Read blobs that are not below the root from this cache, written as Bazel's own option has it; empty: from none
    /// [env: `IMG_REAPI_ENDPOINT`]
    #[arg(long, value_name = "ADDRESS")]
    remote_cache: Option<String>,

    /// Instance of the remote cache [env: `IMG_REAPI_INSTANCE_NAME`]
    #[arg(long, value_name = "NAME")]
    remote_instance_name: Option<String>,

    /// Bazel credential helper that is asked for what the remote cache wants to see [env:
    /// `IMG_CREDENTIAL_HELPER_REMOTE_CACHE`, `IMG_CREDENTIAL_HELPER`]
    #[arg(long, value_name = "PROGRAM")]
    credential_helper: Option<PathBuf>,

    /// Let clients commit blobs of the remote cache through gRPC on this port; 0 takes one that is free
    #[arg(long, value_name = "PORT")]
    grpc_port: Option<u16>,

    /// Address of that port [default: that of --address]
    #[arg(long, value_name = "IP", requires = "grpc_port", value_parser = serving::parse_address)]
    grpc_address: Option<IpAddr>,

    /// Ask the remote cache from time to time for what manifests need, so that it keeps it
    #[arg(long)]
    cas_keepalive: bool,

    /// How long the remote cache keeps what nobody asks for
    #[arg(long, value_name = "TIME", requires = "cas_keepalive", default_value = "24h", value_parser = parse_time)]
    cas_remote_cache_ttl: Duration,

    /// Time between two looks at what is due
    #[arg(long, value_name = "TIME", requires = "cas_keepalive", default_value = "1h", value_parser = parse_time)]
    cas_keepalive_scan_interval: Duration,
}

fn parse_time(text: &str) -> Result<Duration, &'static str> {
    let time = tool::duration::parse(text).filter(|time| !time.is_zero());
    time.ok_or("expected a time such as `90s`, `10m` or `24h`")
}

/// What is done with a remote cache.
pub(super) struct CacheOptions {
    /// The client of it.
    pub(super) client: Option<cas::Client>,
    /// Where commits are taken.
    pub(super) grpc: Option<SocketAddr>,
    /// When it is asked to keep things.
    pub(super) keepalive: Option<Schedule>,
}

impl CacheArgs {
    pub(super) fn options(self, http: &serving::Listen) -> Result<CacheOptions, Failure> {
        let address = self.grpc_address.unwrap_or(http.address);
        let listen = serving::Listen { address, ..http.clone() };
        let grpc = self.grpc_port.map(|port| listen.socket(port, RISK)).transpose()?;
        let (retention, interval) = (self.cas_remote_cache_ttl, self.cas_keepalive_scan_interval);
        if self.cas_keepalive && interval >= retention {
            let error = anyhow!(
                "--cas-keepalive-scan-interval is {} s and --cas-remote-cache-ttl is {} s: blobs would be forgotten between two scans",
                interval.as_secs_f64(),
                retention.as_secs_f64()
            );
            return Err(
                Failure::usage(error).hint("scan at least twice in the time that the cache keeps things")
            );
        }
        let keepalive = self.cas_keepalive;
        let client = self.client()?;
        Ok(CacheOptions { client, grpc, keepalive: keepalive.then_some(Schedule { retention, interval }) })
    }

    /// The client of the cache that is named. Options about a cache are wrong usage where none is.
    fn client(self) -> Result<Option<cas::Client>, Failure> {
        let is_given = [
            ("--remote-instance-name", self.remote_instance_name.is_some()),
            ("--credential-helper", self.credential_helper.is_some()),
            ("--grpc-port", self.grpc_port.is_some()),
            ("--cas-keepalive", self.cas_keepalive),
        ];
        let options = connect_cache::Options {
            endpoint: self.remote_cache,
            instance: self.remote_instance_name,
            credential_helper: self.credential_helper,
        };
        let client = connect_cache::client(&options)?;
        match is_given.iter().find(|(_, given)| *given) {
            Some((option, _)) if client.is_none() => {
                let error = anyhow!("{option} is about a remote cache, and none is named");
                Err(Failure::usage(error).hint("name it with --remote-cache or IMG_REAPI_ENDPOINT"))
            }
            _ => Ok(client),
        }
    }
}
