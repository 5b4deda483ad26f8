//! Sources of credentials, asked in order, each once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use crate::{Credential, Error};

/// For what credentials are looked up.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// `host` or `host:port`; Docker Hub is `index.docker.io`.
    pub host: &'a str,
    /// The repository; some configs have entries for single repositories.
    pub repository: &'a str,
}

/// Credentials and where they came from.
#[derive(Clone, Debug)]
pub struct Found {
    /// The credentials.
    pub credential: Credential,
    /// The source in words that fit a message, such as ``docker config `/home/me/.docker/config.json` ``.
    pub source: String,
    /// Until when they may be used, where that is known.
    pub expires: Option<SystemTime>,
}

impl Found {
    /// Whether they may no longer be used.
    #[expect(clippy::disallowed_methods, reason = "only decides when a source is asked again")]
    pub(crate) fn has_expired(&self) -> bool {
        self.expires.is_some_and(|end| end <= SystemTime::now())
    }
}

/// Somewhere credentials may be found. Blocking: it may read files and run programs.
pub trait Source: Send + Sync {
    /// The source in words that fit a message.
    fn name(&self) -> String;

    /// Looks for credentials; `None` when the source works and has none.
    fn find(&self, query: Query<'_>) -> Result<Option<Found>, Arc<Error>>;
}

/// What a keychain found.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The first credentials found.
    pub found: Option<Found>,
    /// The names of the sources that were asked and had none, failing ones included.
    pub asked: Vec<String>,
}

type Answers = BTreeMap<(String, String), Arc<OnceLock<Answer>>>;
type Warn = Box<dyn Fn(&Error) + Send + Sync>;
type Tell = Box<dyn Fn(Query<'_>, &Answer) + Send + Sync>;

/// Sources in order. Answers are kept: a host's credentials are looked up once in a run, however many tasks ask, and again
/// when they have expired.
#[derive(Default)]
pub struct Keychain {
    sources: Vec<Box<dyn Source>>,
    warn: Option<Warn>,
    tell: Option<Tell>,
    warned: Mutex<BTreeSet<String>>,
    answers: Mutex<Answers>,
}

impl Keychain {
    /// A keychain over sources, the first one first.
    pub fn new(sources: Vec<Box<dyn Source>>) -> Self {
        Self { sources, ..Self::default() }
    }

    /// A keychain without sources.
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// Calls `warn` for a failing source, once for each different failure.
    #[must_use]
    pub fn on_failure(mut self, warn: impl Fn(&Error) + Send + Sync + 'static) -> Self {
        self.warn = Some(Box::new(warn));
        self
    }

    /// Calls `tell` with each answer, once for each host and repository.
    #[must_use]
    pub fn on_answer(mut self, tell: impl Fn(Query<'_>, &Answer) + Send + Sync + 'static) -> Self {
        self.tell = Some(Box::new(tell));
        self
    }

    /// Credentials for a repository of a host. Blocks while files are read and helpers run.
    pub fn look_up(&self, host: &str, repository: &str) -> Answer {
        let key = (host.to_owned(), repository.to_owned());
        let ask = || self.ask(Query { host, repository });
        let known = self.cell(&key, None);
        let answer = known.get_or_init(ask);
        if !answer.found.as_ref().is_some_and(Found::has_expired) {
            return answer.clone();
        }
        self.cell(&key, Some(&known)).get_or_init(ask).clone()
    }

    /// Where an answer is kept; another place than the one that is of no use any more.
    fn cell(&self, key: &(String, String), stale: Option<&Arc<OnceLock<Answer>>>) -> Arc<OnceLock<Answer>> {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let known = answers.entry(key.clone()).or_default();
        if stale.is_some_and(|stale| Arc::ptr_eq(stale, known)) {
            *known = Arc::default();
        }
        Arc::clone(known)
    }

    fn ask(&self, query: Query<'_>) -> Answer {
        let mut answer = Answer::default();
        for source in &self.sources {
            match source.find(query) {
                Ok(Some(found)) => {
                    answer.found = Some(found);
                    break;
                }
                Ok(None) => {}
                Err(error) => self.report(&error),
            }
            answer.asked.push(source.name());
        }
        if let Some(tell) = &self.tell {
            tell(query, &answer);
        }
        answer
    }

    fn report(&self, error: &Error) {
        let new = self.warned.lock().unwrap_or_else(PoisonError::into_inner).insert(chain(error));
        if let Some(warn) = self.warn.as_ref().filter(|_| new) {
            warn(error);
        }
    }
}

/// An error with its causes: what makes two failures different may be in the cause.
fn chain(error: &Error) -> String {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

impl fmt::Debug for Keychain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.sources.iter().map(|source| source.name())).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::Secret;

    struct Scripted(&'static str, Option<bool>, Arc<AtomicUsize>, Option<SystemTime>);

    impl Source for Scripted {
        fn name(&self) -> String {
            self.0.to_owned()
        }

        fn find(&self, _: Query<'_>) -> Result<Option<Found>, Arc<Error>> {
            self.2.fetch_add(1, Ordering::Relaxed);
            match self.1 {
                None => Err(Arc::new(Error::HelperName { name: self.0.to_owned() })),
                Some(false) => Ok(None),
                Some(true) => {
                    let credential = Credential::Bearer(Secret::new("t"));
                    Ok(Some(Found { credential, source: self.0.to_owned(), expires: self.3 }))
                }
            }
        }
    }

    #[test]
    fn a_failing_source_is_reported_once_and_passed_over() {
        let calls = Arc::new(AtomicUsize::new(0));
        let warnings = Arc::new(AtomicUsize::new(0));
        let source =
            |name, result| Box::new(Scripted(name, result, Arc::clone(&calls), None)) as Box<dyn Source>;
        let counter = Arc::clone(&warnings);
        let keychain = Keychain::new(vec![
            source("broken", None),
            source("empty", Some(false)),
            source("good", Some(true)),
        ])
        .on_failure(move |_| {
            counter.fetch_add(1, Ordering::Relaxed);
        });
        for repository in ["a", "b", "a"] {
            let answer = keychain.look_up("ghcr.io", repository);
            assert_eq!(answer.found.unwrap().source, "good");
            assert_eq!(answer.asked, ["broken", "empty"]);
        }
        assert_eq!(calls.load(Ordering::Relaxed), 6, "the third look-up was kept");
        assert_eq!(warnings.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn what_has_expired_is_looked_up_again() {
        for (end, expected) in [(None, 1), (Some(SystemTime::UNIX_EPOCH), 3)] {
            let calls = Arc::new(AtomicUsize::new(0));
            let source = Scripted("helper", Some(true), Arc::clone(&calls), end);
            let keychain = Keychain::new(vec![Box::new(source)]);
            for _ in 0..2 {
                assert!(keychain.look_up("ghcr.io", "a").found.is_some());
            }
            assert_eq!(calls.load(Ordering::Relaxed), expected, "{end:?}");
        }
    }
}
