//! Bazel's credential helpers: programs that are given a URI and answer with HTTP headers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::process::{DEFAULT_TIMEOUT, run};
use crate::{Credential, Error, Found, Query, Secret, Source};

type Answer = Arc<OnceLock<Result<Option<Found>, Arc<Error>>>>;

/// A Bazel credential helper as a source. It is asked once for each registry, with the registry's bare host as `uri`, and
/// again when its answer has expired.
pub struct BazelHelper {
    program: PathBuf,
    timeout: Duration,
    answers: Mutex<BTreeMap<String, Answer>>,
}

/// What a helper says about one URI.
#[derive(Clone, Debug, Default)]
pub struct HelperHeaders {
    /// Names and values, in the order of the names; none where the helper has nothing to say.
    pub headers: Vec<(String, Secret)>,
    /// Until when they may be used, where the helper says so.
    pub expires: Option<SystemTime>,
}

#[derive(Default, Deserialize)]
struct HelperAnswer {
    #[serde(default)]
    headers: BTreeMap<String, Vec<String>>,
    expires: Option<String>,
}

impl BazelHelper {
    /// A helper by its path, or by its name on `PATH`.
    pub fn new(program: PathBuf) -> Self {
        Self { program, timeout: DEFAULT_TIMEOUT, answers: Mutex::default() }
    }

    /// The same helper with another time limit.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// The program.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Asks for the headers of requests to a URI, such as `https://host/service`. Every call asks anew. An `expires` that
    /// is no time counts as none, as a helper from another tool may have its own idea of it.
    pub fn headers(&self, uri: &str) -> Result<HelperHeaders, Error> {
        let answer = self.ask(uri)?;
        let pairs = answer.headers.into_iter().flat_map(|(name, values)| {
            values.into_iter().map(move |value| (name.clone(), Secret::new(value)))
        });
        let expires = answer.expires.as_deref().and_then(parse_time);
        Ok(HelperHeaders { headers: pairs.collect(), expires })
    }

    fn ask(&self, uri: &str) -> Result<HelperAnswer, Error> {
        let program = self.program.to_string_lossy().into_owned();
        let question = serde_json::json!({ "uri": uri }).to_string();
        let output = run(&program, question.as_bytes(), self.timeout)?;
        if !output.status.success() {
            return Err(output.failure(&program));
        }
        match serde_json::from_str(&output.stdout) {
            Ok(answer) => Ok(answer),
            Err(_) if output.stdout.trim().is_empty() => Ok(HelperAnswer::default()),
            Err(_) => Err(Error::HelperAnswer { program, problem: "not a JSON object with `headers`" }),
        }
    }

    fn get(&self, host: &str) -> Result<Option<Found>, Error> {
        let answer = self.ask(host)?;
        let mut values = answer.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        let Some(value) = values.find_map(|(_, values)| values.first()) else { return Ok(None) };
        let unusable = Error::HelperAnswer {
            program: self.program.to_string_lossy().into_owned(),
            problem: "`Authorization` is neither `Basic` nor `Bearer`",
        };
        let credential = parse_authorization(value).ok_or(unusable)?;
        let expires = answer.expires.as_deref().and_then(parse_time);
        Ok(Some(Found { credential, source: self.name(), expires }))
    }
}

/// A time as RFC 3339 has it.
fn parse_time(text: &str) -> Option<SystemTime> {
    OffsetDateTime::parse(text.trim(), &Rfc3339).ok().map(SystemTime::from)
}

fn parse_authorization(value: &str) -> Option<Credential> {
    let (scheme, rest) = value.trim().split_once(' ')?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(Credential::Bearer(Secret::new(rest)));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
    let (username, password) = pair.split_once(':')?;
    Some(Credential::Basic { username: username.to_owned(), password: Secret::new(password) })
}

impl Source for BazelHelper {
    fn name(&self) -> String {
        format!("credential helper `{}`", self.program.display())
    }

    fn find(&self, query: Query<'_>) -> Result<Option<Found>, Arc<Error>> {
        let slot = {
            let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            let slot = answers.entry(query.host.to_owned()).or_default();
            let expired =
                |answer: &Result<Option<Found>, _>| matches!(answer, Ok(Some(found)) if found.has_expired());
            if slot.get().is_some_and(expired) {
                *slot = Answer::default();
            }
            Arc::clone(slot)
        };
        slot.get_or_init(|| self.get(query.host).map_err(Arc::new)).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_rfc_3339() {
        let table = [
            ("1970-01-01T00:00:10Z", Some(10)),
            ("1970-01-01t01:00:10.5+01:00", Some(10)),
            ("2026-01-01T00:00:00Z", Some(1_767_225_600)),
            ("1970-01-01", None),
            ("tomorrow", None),
            ("", None),
        ];
        for (text, expected) in table {
            let seconds = parse_time(text)
                .map(|time| time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs());
            assert_eq!(seconds, expected, "{text}");
        }
    }
}
