//! The HTTP clients underneath: one for this machine, one for everything else, each made when first needed.

use std::sync::{Arc, OnceLock};

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
}

fn build(local: bool, config: &Config) -> Result<Client, reqwest::Error> {
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
    builder.tls_danger_accept_invalid_certs(config.insecure && !local).build()
}

pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
