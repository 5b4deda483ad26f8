//! The client: shared by all tasks of a program, cheap to clone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use auth::Keychain;
use oci::{RegistryHost, Repository};

use crate::budget::Budget;
use crate::call::Call;
use crate::gateway::Gateway;
use crate::host::Host;
use crate::http::HttpClients;
use crate::response::Counters;
use crate::{Cause, Config, Error, Operation, Remote, RetryPolicy};

/// A client of any number of registries. Clones share connections, tokens, limits and counters.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    retry: RetryPolicy,
}

/// A registry, and the gateway that leads there.
type Way = (RegistryHost, Option<Gateway>);

struct Shared {
    config: Config,
    keychain: Arc<Keychain>,
    http: HttpClients,
    /// One for each way to a registry: without gateways for reading and writing, that is one for each registry.
    hosts: Mutex<BTreeMap<Way, Arc<Host>>>,
    warned: Mutex<BTreeSet<String>>,
    counters: Arc<Counters>,
}

/// What a client did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Requests sent, those to token servers included.
    pub requests: u64,
    /// Operations that were tried again.
    pub retries: u64,
    /// Bytes of bodies received.
    pub received: u64,
    /// Bytes of blobs sent.
    pub sent: u64,
}

impl Client {
    /// A client with credentials from a keychain.
    pub fn new(config: Config, keychain: Keychain) -> Self {
        let retry = config.retry;
        let shared = Shared {
            config,
            keychain: Arc::new(keychain),
            http: HttpClients::default(),
            hosts: Mutex::default(),
            warned: Mutex::default(),
            counters: Arc::default(),
        };
        Self { shared: Arc::new(shared), retry }
    }

    /// How patient this clone is.
    pub fn retry_policy(&self) -> RetryPolicy {
        self.retry
    }

    /// A clone that is more or less patient, for instance with a mirror that can be passed over.
    #[must_use]
    pub fn with_retry_policy(&self, retry: RetryPolicy) -> Self {
        Self { shared: Arc::clone(&self.shared), retry }
    }

    /// What was done so far.
    pub fn stats(&self) -> Stats {
        let counters = self.counters();
        Stats {
            requests: counters.requests.load(Ordering::Relaxed),
            retries: counters.retries.load(Ordering::Relaxed),
            received: counters.received.load(Ordering::Relaxed),
            sent: counters.sent.load(Ordering::Relaxed),
        }
    }

    /// Says that something will be pushed to this repository, and perhaps mounted from these others, so that all
    /// requests about it share one token. What is said before the first request also shares it with other repositories.
    pub fn expect_push(&self, remote: &Remote, sources: &[Repository]) {
        if let Ok(host) = self.host(&remote.registry, true) {
            host.expect_push(&remote.repository, sources);
        }
    }

    pub(crate) fn config(&self) -> &Config {
        &self.shared.config
    }

    pub(crate) fn keychain(&self) -> &Arc<Keychain> {
        &self.shared.keychain
    }

    pub(crate) fn http(&self) -> &HttpClients {
        &self.shared.http
    }

    pub(crate) fn counters(&self) -> &Arc<Counters> {
        &self.shared.counters
    }

    pub(crate) fn warn_once(&self, text: String) {
        let mut warned = self.shared.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if !warned.contains(&text) {
            tracing::warn!("{text}");
            warned.insert(text);
        }
    }

    fn host(&self, registry: &RegistryHost, push: bool) -> Result<Arc<Host>, Cause> {
        let config = self.config();
        let gateway = if push { &config.gateways.push } else { &config.gateways.pull };
        let key = (registry.clone(), gateway.clone());
        let mut hosts = self.shared.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(host) = hosts.get(&key) {
            return Ok(Arc::clone(host));
        }
        let host =
            Arc::new(Host::new(registry.clone(), gateway.clone(), config.insecure, config.max_in_flight)?);
        hosts.insert(key, Arc::clone(&host));
        Ok(host)
    }

    /// The way to a repository, and whether it is one for pushes.
    fn way(&self, remote: &Remote, push: bool) -> Result<(Arc<Host>, bool), Cause> {
        let host = self.host(&remote.registry, true)?;
        if push || host.is_destination(&remote.repository) {
            return Ok((host, true));
        }
        Ok((self.host(&remote.registry, false)?, false))
    }

    /// Begins an operation that reads, or, in a repository that is pushed to, anything.
    pub(crate) fn reading(&self, operation: Operation, remote: &Remote) -> Result<(Call, Budget), Error> {
        self.begin(operation, remote, false, None)
    }

    /// Begins an operation that writes.
    pub(crate) fn writing(
        &self,
        operation: Operation,
        remote: &Remote,
        mount_from: Option<&Repository>,
    ) -> Result<(Call, Budget), Error> {
        self.begin(operation, remote, true, mount_from)
    }

    fn begin(
        &self,
        operation: Operation,
        remote: &Remote,
        push: bool,
        mount_from: Option<&Repository>,
    ) -> Result<(Call, Budget), Error> {
        let (host, push) = self
            .way(remote, push)
            .map_err(|cause| Error::outside_a_call(operation.clone(), remote.clone(), cause))?;
        Ok((Call::new(operation, remote.clone(), push, mount_from.cloned(), host), Budget::new(self)))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("stats", &self.stats()).finish_non_exhaustive()
    }
}
