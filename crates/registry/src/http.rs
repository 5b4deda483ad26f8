//! The HTTP clients underneath: one for this machine, one for everything else, each made when first needed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use reqwest::{Client, ClientBuilder, Url, redirect};

use crate::cause::Source;
use crate::classify::{authority, deepest};
use crate::{Cause, Config};

/// What we call ourselves before registries.
const USER_AGENT: &str = concat!("rules_img/", env!("CARGO_PKG_VERSION"));

#[derive(Default)]
pub(crate) struct HttpClients {
    /// Plain HTTP on this machine: no proxy, no certificates. Reading the system's certificates takes longer than
    /// fetching a manifest from here.
    local: OnceLock<Result<Client, Arc<reqwest::Error>>>,
    remote: OnceLock<Result<Client, Arc<reqwest::Error>>>,
    /// Sockets of this machine, behind which gateways are.
    sockets: Mutex<BTreeMap<PathBuf, Client>>,
}

impl HttpClients {
    pub(crate) fn for_url(&self, url: &Url, config: &Config) -> Result<Client, Cause> {
        let local = url.scheme() == "http" && is_loopback(url);
        let cell = if local { &self.local } else { &self.remote };
        cell.get_or_init(|| build(local, config).map_err(Arc::new)).clone().map_err(|error| Cause::Tls {
            host: authority(url),
            plain: false,
            source: Source::from(deepest(&*error)),
        })
    }

    /// The client of a socket, whatever host an address names.
    pub(crate) fn for_socket(&self, socket: &Path, config: &Config) -> Result<Client, Cause> {
        let mut sockets = self.sockets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = sockets.get(socket) {
            return Ok(client.clone());
        }
        let client = behind(socket, builder(true, config))?;
        sockets.insert(socket.to_owned(), client.clone());
        Ok(client)
    }
}

#[cfg(unix)]
fn behind(socket: &Path, builder: ClientBuilder) -> Result<Client, Cause> {
    let client = builder.unix_socket(socket).build();
    client.map_err(|_| Cause::Protocol("its gateway's socket cannot be used"))
}

#[cfg(not(unix))]
fn behind(_socket: &Path, _builder: ClientBuilder) -> Result<Client, Cause> {
    Err(Cause::Protocol("there are no sockets on this system"))
}

fn build(local: bool, config: &Config) -> Result<Client, reqwest::Error> {
    builder(local, config).build()
}

fn builder(local: bool, config: &Config) -> ClientBuilder {
    // Fails when a provider is installed already, which is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
    let builder = ClientBuilder::new()
        .user_agent(USER_AGENT)
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(config.connect_timeout)
        .pool_max_idle_per_host(config.max_in_flight);
    let builder =
        if local { builder.no_proxy().tls_certs_only([]) } else { builder.http2_adaptive_window(true) };
    builder.tls_danger_accept_invalid_certs(config.insecure && !local)
}

pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
