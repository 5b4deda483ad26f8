//! Clients, clocks and errors for the tests.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use auth::{Credential, Found, Keychain, Query, Secret, Source};
use futures_util::future::BoxFuture;
use registry::{Clock, Config, Remote};
use testkit::FakeRegistry;

pub(crate) const USER: &str = "me";
pub(crate) const PASSWORD: &str = "hunter2";

/// A clock that never waits and remembers what it was asked to wait for.
#[derive(Default)]
pub(crate) struct FakeClock {
    slept: Mutex<Vec<Duration>>,
}

impl FakeClock {
    pub(crate) fn slept(&self) -> Vec<Duration> {
        self.slept.lock().unwrap().clone()
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Instant {
        Instant::now() + self.slept().iter().sum::<Duration>()
    }

    fn time_of_day(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.slept.lock().unwrap().push(duration);
        Box::pin(std::future::ready(()))
    }

    fn chance(&self) -> f64 {
        0.5
    }
}

/// A client with its clock.
pub(crate) struct Setup {
    pub(crate) registry: FakeRegistry,
    pub(crate) client: registry::Client,
    pub(crate) clock: Arc<FakeClock>,
}

impl Setup {
    /// A registry and a client without credentials.
    pub(crate) fn anonymous() -> Self {
        Self::with(Keychain::anonymous(), |config| config)
    }

    /// A registry and a client with a user and a password for everything.
    pub(crate) fn with_password() -> Self {
        let credential = Credential::Basic { username: USER.to_owned(), password: Secret::new(PASSWORD) };
        Self::with_credential(credential)
    }

    pub(crate) fn with_credential(credential: Credential) -> Self {
        Self::with(Keychain::new(vec![Box::new(Always(credential))]), |config| config)
    }

    pub(crate) fn with(keychain: Keychain, change: impl FnOnce(Config) -> Config) -> Self {
        let clock = Arc::new(FakeClock::default());
        let config = change(Config { clock: Arc::<FakeClock>::clone(&clock), ..Config::default() });
        let client = registry::Client::new(config, keychain);
        Self { registry: FakeRegistry::start(), client, clock }
    }

    pub(crate) fn remote(&self, repository: &str) -> Remote {
        remote(&self.registry.host(), repository)
    }

    /// Statuses that the registry answered to a verb, in order.
    pub(crate) fn statuses(&self, method: &str) -> Vec<u16> {
        let requests = self.registry.requests();
        requests.iter().filter(|record| record.method == method).map(|record| record.status).collect()
    }
}

pub(crate) fn remote(host: &str, repository: &str) -> Remote {
    Remote::new(host.parse().unwrap(), repository.parse().unwrap())
}

pub(crate) fn tag(text: &str) -> oci::Tag {
    text.parse().unwrap()
}

/// The whole message as a program prints it, hints included.
pub(crate) fn message(error: &registry::Error) -> String {
    let mut text = String::new();
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    for cause in causes {
        text.push_str(if text.is_empty() { "error: " } else { ": " });
        text.push_str(&cause.to_string());
    }
    for hint in error.hints() {
        text.push_str("\nhint: ");
        text.push_str(&hint);
    }
    text
}

pub(crate) struct Always(pub(crate) Credential);

impl Source for Always {
    fn name(&self) -> String {
        "the test".to_owned()
    }

    fn find(&self, _: Query<'_>) -> Result<Option<Found>, Arc<auth::Error>> {
        Ok(Some(Found { credential: self.0.clone(), source: self.name(), expires: None }))
    }
}
