//! What a client knows about one registry, learnt as it goes.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use oci::{Digest, RegistryHost, Repository};
use reqwest::Url;

use crate::Cause;
use crate::challenge::Challenge;
use crate::gateway::Gateway;
use crate::limiter::Limiter;
use crate::redirect::follow;
use crate::scopes::{Expected, Scopes};
use crate::token::Token;

/// First size of the parts of an upload, once a registry said that the whole is too much, and the smallest one.
const FIRST_CHUNK: u64 = 32 << 20;
const MIN_CHUNK: u64 = 1 << 20;

/// Where the token for a set of scopes is kept; locked while it is fetched, so that it is fetched once.
pub(crate) type TokenCell = Arc<tokio::sync::Mutex<Option<Token>>>;

/// Locked while the list of what refers to one manifest is changed.
pub(crate) type ReferrersLock = Arc<tokio::sync::Mutex<()>>;

/// One registry.
pub(crate) struct Host {
    pub(crate) registry: RegistryHost,
    /// Where its requests go instead.
    pub(crate) gateway: Option<Gateway>,
    pub(crate) limiter: Arc<Limiter>,
    /// Whether plain HTTP is spoken.
    plain: AtomicBool,
    challenge: Mutex<Option<Challenge>>,
    tokens: Mutex<BTreeMap<Scopes, TokenCell>>,
    expected: Mutex<Expected>,
    /// Whether it lists referrers itself, once that is known.
    lists_referrers: Mutex<Option<bool>>,
    /// Lists of referrers that are kept by hand; locked while one is changed.
    referrers: Mutex<BTreeMap<(Repository, Digest), ReferrersLock>>,
    first_request: tokio::sync::Mutex<()>,
    asked: AtomicBool,
    answered: AtomicBool,
    /// Largest part of an upload; 0 while whole blobs are welcome.
    chunk: AtomicU64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn root(registry: &RegistryHost, plain: bool) -> Result<Url, Cause> {
    let scheme = if plain { "http" } else { "https" };
    Url::parse(&format!("{scheme}://{registry}/"))
        .map_err(|_| Cause::Protocol("its name is not the host of an address"))
}

impl Host {
    pub(crate) fn new(
        registry: RegistryHost,
        gateway: Option<Gateway>,
        insecure: bool,
        max_in_flight: usize,
    ) -> Result<Self, Cause> {
        let plain = insecure || registry.is_loopback();
        root(&registry, plain)?;
        Ok(Self {
            registry,
            gateway,
            limiter: Limiter::new(max_in_flight),
            plain: AtomicBool::new(plain),
            challenge: Mutex::default(),
            tokens: Mutex::default(),
            expected: Mutex::default(),
            lists_referrers: Mutex::default(),
            referrers: Mutex::default(),
            first_request: tokio::sync::Mutex::default(),
            asked: AtomicBool::default(),
            answered: AtomicBool::default(),
            chunk: AtomicU64::default(),
        })
    }

    /// The address of something below `/v2/<repository>/`.
    pub(crate) fn url(&self, repository: &Repository, rest: &str) -> Result<Url, Cause> {
        let rest = format!("v2/{repository}/{rest}");
        self.root()?.join(&rest).map_err(|_| Cause::Protocol("an address cannot be built"))
    }

    /// Where its requests go: to itself or to a gateway.
    fn root(&self) -> Result<Url, Cause> {
        match &self.gateway {
            Some(gateway) => Ok(gateway.base().clone()),
            None => root(&self.registry, self.is_plain()),
        }
    }

    /// The target of a `Location` header, if it may be followed. What a registry says of itself means its gateway.
    pub(crate) fn follow(&self, from: &Url, location: &str) -> Result<Url, Cause> {
        if let Some(gateway) = &self.gateway
            && let Ok(to) = from.join(location)
        {
            let is_registry = [true, false]
                .iter()
                .any(|plain| root(&self.registry, *plain).is_ok_and(|root| root.origin() == to.origin()));
            if is_registry || to.origin() == gateway.base().origin() {
                let mut there = gateway.base().clone();
                there.set_path(to.path());
                there.set_query(to.query());
                return Ok(there);
            }
        }
        follow(&self.registry, from, location)
    }

    /// Whether an address is the registry's own, and not one that it only points to.
    pub(crate) fn is_own(&self, url: &Url) -> bool {
        self.root().is_ok_and(|root| root.origin() == url.origin())
    }

    pub(crate) fn is_plain(&self) -> bool {
        self.plain.load(Ordering::Relaxed)
    }

    /// It turned out to speak TLS, although plain HTTP would have done.
    pub(crate) fn note_tls(&self) {
        self.plain.store(false, Ordering::Relaxed);
    }

    /// Lets one request go first: from its answer the others learn how to authenticate, which saves each of them a
    /// round trip. Returns a guard to be dropped at the first answer, or nothing once the way is known.
    pub(crate) async fn first_request(&self) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        if self.asked.load(Ordering::Acquire) {
            return None;
        }
        let guard = self.first_request.lock().await;
        if self.asked.load(Ordering::Acquire) { None } else { Some(guard) }
    }

    pub(crate) fn note_asked(&self) {
        self.asked.store(true, Ordering::Release);
    }

    pub(crate) fn note_answer(&self) {
        self.answered.store(true, Ordering::Relaxed);
    }

    pub(crate) fn has_answered(&self) -> bool {
        self.answered.load(Ordering::Relaxed)
    }

    pub(crate) fn challenge(&self) -> Option<Challenge> {
        lock(&self.challenge).clone()
    }

    pub(crate) fn learn(&self, challenge: Challenge) {
        *lock(&self.challenge) = Some(challenge);
    }

    pub(crate) fn token_cell(&self, scopes: &Scopes) -> TokenCell {
        Arc::clone(lock(&self.tokens).entry(scopes.clone()).or_default())
    }

    /// From now on everything in this repository is asked for with the right to push and to read the sources, so that
    /// one token serves all.
    pub(crate) fn expect_push(&self, repository: &Repository, sources: &[Repository]) {
        lock(&self.expected).push(repository, sources);
    }

    pub(crate) fn is_destination(&self, repository: &Repository) -> bool {
        lock(&self.expected).is_destination(repository)
    }

    /// The rights that a token is asked for instead of those of one operation alone.
    pub(crate) fn together(
        &self,
        repository: &Repository,
        alone: &Scopes,
        mount_from: Option<&Repository>,
    ) -> Option<Scopes> {
        lock(&self.expected).together(repository, alone, mount_from)
    }

    /// A token for this repository and its neighbours did not open it.
    pub(crate) fn deny_together(&self, repository: &Repository) {
        lock(&self.expected).deny(repository);
    }

    /// A server did not grant the rights of this repository and its neighbours together.
    pub(crate) fn refuse_together(&self, repository: &Repository) {
        lock(&self.expected).refuse(repository);
    }

    /// Whether it lists referrers itself, if that is known.
    pub(crate) fn lists_referrers(&self) -> Option<bool> {
        *lock(&self.lists_referrers)
    }

    pub(crate) fn note_lists_referrers(&self, lists: bool) {
        *lock(&self.lists_referrers) = Some(lists);
    }

    /// To be locked while a list of referrers is changed.
    pub(crate) fn referrers_of(&self, repository: &Repository, subject: Digest) -> ReferrersLock {
        Arc::clone(lock(&self.referrers).entry((repository.clone(), subject)).or_default())
    }

    /// Largest part of an upload, if whole blobs are refused.
    pub(crate) fn chunk_size(&self) -> Option<u64> {
        Some(self.chunk.load(Ordering::Relaxed)).filter(|size| *size > 0)
    }

    /// After "too large": uploads in parts, then in smaller ones. False when there is nothing left to try.
    pub(crate) fn shrink_chunks(&self, used: Option<u64>) -> bool {
        let next = used.map_or(FIRST_CHUNK, |size| size / 2);
        if next < MIN_CHUNK {
            return false;
        }
        let current = self.chunk_size().unwrap_or(u64::MAX);
        self.chunk.store(next.min(current), Ordering::Relaxed);
        true
    }
}
