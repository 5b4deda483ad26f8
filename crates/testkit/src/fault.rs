//! Ways to fail, and when.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, bail};

/// What a server does instead of answering properly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Answers with a status and a registry's error document; the number is a `Retry-After`.
    Status(u16, Option<u64>),
    /// Answers 200 with a page for people.
    Html,
    /// Answers with another byte in the middle.
    Wrong,
    /// Promises the whole and cuts the connection after half.
    Truncate,
    /// Cuts the connection without an answer, after reading that many bytes of the request.
    Drop(u64),
    /// Does what was asked and cuts the connection instead of saying so.
    DropAnswer,
    /// Never answers.
    Hang,
    /// Sends the client elsewhere.
    Redirect(String),
    /// Forgets all uploads before it answers.
    LoseUploads,
}

/// An action for some requests, a number of times.
#[derive(Clone, Debug)]
pub struct Fault {
    method: String,
    path: String,
    action: Action,
    times: usize,
}

impl Fault {
    /// An action for requests of a verb (`*` for any) whose path and query contain a text.
    pub fn new(method: &str, path: &str, action: Action) -> Self {
        Self { method: method.to_owned(), path: path.to_owned(), action, times: usize::MAX }
    }

    /// Only for the first so many.
    #[must_use]
    pub fn times(self, times: usize) -> Self {
        Self { times, ..self }
    }

    /// `VERB PATH ACTION [TIMES]`. Actions: a status such as `503`, with `Retry-After` as `429+1`; `html`, `wrong`,
    /// `truncate`, `drop`, `drop+BYTES`, `drop-answer`, `hang`, `redirect+URL`, `lose-uploads`.
    pub fn parse(text: &str) -> Result<Self, anyhow::Error> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let (method, path, action, times) = match words.as_slice() {
            [method, path, action] => (*method, *path, *action, usize::MAX),
            [method, path, action, times] => (*method, *path, *action, times.parse()?),
            _ => bail!("`{text}` is not a fault; expected `VERB PATH ACTION [TIMES]`"),
        };
        let (word, argument) = action.split_once('+').map_or((action, None), |(a, b)| (a, Some(b)));
        let action = match word {
            "html" => Action::Html,
            "wrong" => Action::Wrong,
            "truncate" => Action::Truncate,
            "hang" => Action::Hang,
            "drop-answer" => Action::DropAnswer,
            "lose-uploads" => Action::LoseUploads,
            "drop" => Action::Drop(argument.map_or(Ok(0), str::parse)?),
            "redirect" => Action::Redirect(argument.context("`redirect+URL` needs an address")?.to_owned()),
            status => {
                let code = status.parse().with_context(|| format!("`{status}` is no action"))?;
                Action::Status(code, argument.map(str::parse).transpose()?)
            }
        };
        Ok(Self::new(method, path, action).times(times))
    }
}

/// The faults of a server.
#[derive(Clone, Default)]
pub(crate) struct Faults(Arc<Mutex<Vec<Fault>>>, Arc<Mutex<Option<Chance>>>);

/// Failures by chance, the same ones for the same seed, in whatever order requests arrive: what becomes of a request
/// depends on what it asks and on how often that was asked before.
struct Chance {
    seed: u64,
    per_mille: u64,
    asked: BTreeMap<String, u64>,
}

impl Chance {
    fn take(&mut self, method: &str, path: &str) -> Option<Action> {
        // Ports differ from run to run, and so do the names of uploads; neither is a reason to fail elsewhere.
        let place = path.split(['?', '#']).next().unwrap_or_default();
        let place = place.rsplit_once("/uploads/").map_or(place, |(before, _)| before);
        let times = self.asked.entry(format!("{method} {place}")).or_default();
        *times += 1;
        let mut hash = 0xcbf2_9ce4_8422_2325 ^ self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for byte in method.bytes().chain(place.bytes()).chain(times.to_le_bytes()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        hash ^= hash >> 29;
        if hash % 1000 >= self.per_mille {
            return None;
        }
        let actions = [
            Action::Status(503, None),
            Action::Status(500, None),
            Action::Status(429, None),
            Action::Status(408, None),
            Action::Drop(0),
            Action::DropAnswer,
        ];
        let choice = usize::try_from(hash / 1000 % actions.len() as u64).unwrap_or_default();
        actions.get(choice).cloned()
    }
}

impl Faults {
    pub(crate) fn add(&self, fault: Fault) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(fault);
    }

    pub(crate) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
        *self.1.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Fails so many of a thousand requests.
    pub(crate) fn by_chance(&self, seed: u64, per_mille: u64) {
        let chance = Chance { seed, per_mille, asked: BTreeMap::new() };
        *self.1.lock().unwrap_or_else(PoisonError::into_inner) = Some(chance);
    }

    /// What to do with this request, if anything special.
    pub(crate) fn take(&self, method: &str, path: &str) -> Option<Action> {
        self.planned(method, path).or_else(|| {
            let mut chance = self.1.lock().unwrap_or_else(PoisonError::into_inner);
            chance.as_mut()?.take(method, path)
        })
    }

    fn planned(&self, method: &str, path: &str) -> Option<Action> {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fault = faults.iter_mut().find(|fault| {
            fault.times > 0 && (fault.method == "*" || fault.method == method) && path.contains(&fault.path)
        })?;
        fault.times = fault.times.saturating_sub(1);
        Some(fault.action.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_ends_after_its_times() {
        let faults = Faults::default();
        faults.add(Fault::parse("GET manifests 429+1 1").unwrap());
        faults.add(Fault::parse("* /blobs/ drop+10").unwrap());
        assert_eq!(faults.take("PUT", "/v2/a/manifests/1"), None);
        assert_eq!(faults.take("GET", "/v2/a/manifests/1"), Some(Action::Status(429, Some(1))));
        assert_eq!(faults.take("GET", "/v2/a/manifests/1"), None);
        for _ in 0..3 {
            assert_eq!(faults.take("HEAD", "/v2/a/blobs/x"), Some(Action::Drop(10)));
        }
        let failing = |seed| -> Vec<usize> {
            faults.by_chance(seed, 10);
            (0..10_000).filter(|n| faults.take("PUT", &format!("/v2/a{n}/manifests/1")).is_some()).collect()
        };
        let first = failing(1);
        assert!((50..200).contains(&first.len()), "{}", first.len());
        assert_eq!(first, failing(1));
        assert_ne!(first, failing(2));
        for text in ["", "GET x", "GET x nonsense", "GET x 503 many", "GET x redirect"] {
            assert!(Fault::parse(text).is_err(), "{text}");
        }
    }
}
