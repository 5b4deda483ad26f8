//! A client of Bazel's remote cache as a command line asks for it, else the environment: where it is, who asks, how it is
//! encrypted, how patient the client is.
//!
//! The library `cas` takes values and never looks at the environment; everybody who reads a remote cache wants the same
//! values from it. This is the one place where they meet, as `connect` is for registries.
//!
//! ```no_run
//! let options = connect_cache::Options { endpoint: Some("grpc://cache:9092".to_owned()), ..Default::default() };
//! let client = connect_cache::client(&options)?;
//! # Ok::<(), tool::Failure>(())
//! ```

mod config;

use std::path::PathBuf;

use tool::env::{self, Variable};
use tool::{Failure, FailureContext as _};

/// What a command line says about the remote cache; the environment says the rest.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Address in Bazel's syntax, instead of `IMG_REAPI_ENDPOINT`; an empty one is no cache.
    pub endpoint: Option<String>,
    /// Instance, instead of `IMG_REAPI_INSTANCE_NAME`.
    pub instance: Option<String>,
    /// A Bazel credential helper, instead of those that the environment names.
    pub credential_helper: Option<PathBuf>,
}

/// The client of the remote cache, or none if no cache is named; nothing is asked yet. An address, a header or a file that
/// cannot be used is wrong usage.
pub fn client(options: &Options) -> Result<Option<cas::Client>, Failure> {
    let endpoint =
        named(options.endpoint.as_deref(), "--remote-cache", &env::IMG_REAPI_ENDPOINT, "remote cache")?;
    let client = |endpoint| Ok(cas::Client::new(config::config(endpoint, options)?));
    endpoint.map(client).transpose()
}

/// The client of a registry's blob cache, or none if none is named. Its address is that of the command line, else of
/// `IMG_BLOB_CACHE_ENDPOINT`; all else is as for the remote cache.
pub fn blob_cache_client(endpoint: Option<&str>) -> Result<Option<cas::Client>, Failure> {
    let endpoint = named(endpoint, "--blob-cache", &env::IMG_BLOB_CACHE_ENDPOINT, "blob cache")?;
    let client = |endpoint| Ok(cas::Client::new(config::config(endpoint, &Options::default())?));
    endpoint.map(client).transpose()
}

/// The address that an option names, else a variable.
fn named(
    typed: Option<&str>,
    option: &str,
    variable: &Variable,
    what: &str,
) -> Result<Option<cas::Endpoint>, Failure> {
    let (text, name) = match (typed, variable.text()) {
        (Some(""), _) | (None, None) => return Ok(None),
        (Some(text), _) => (text.to_owned(), option),
        (None, Some(text)) => (text, variable.name),
    };
    let endpoint = text.parse().about(format!("{name} is not the address of a {what}")).or_usage()?;
    Ok(Some(endpoint))
}
