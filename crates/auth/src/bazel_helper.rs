//! Bazel's credential helpers: programs that are given a URI and answer with HTTP headers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::process::{DEFAULT_TIMEOUT, run};
use crate::{Credential, Error, Found, Query, Secret, Source};

type Answers = BTreeMap<String, Arc<OnceLock<Result<Option<Credential>, Arc<Error>>>>>;

/// A Bazel credential helper as a source. It is asked once for each registry, with the registry's bare host as `uri`.
pub struct BazelHelper {
    program: PathBuf,
    timeout: Duration,
    answers: Mutex<Answers>,
}

#[derive(Default, Deserialize)]
struct HelperAnswer {
    #[serde(default)]
    headers: BTreeMap<String, Vec<String>>,
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

    /// Asks for the headers of requests to a URI, such as `https://host/service`; none where the helper has nothing to
    /// say. Every call asks anew.
    pub fn headers(&self, uri: &str) -> Result<Vec<(String, Secret)>, Error> {
        let answer = self.ask(uri)?;
        let pairs = answer.headers.into_iter().flat_map(|(name, values)| {
            values.into_iter().map(move |value| (name.clone(), Secret::new(value)))
        });
        Ok(pairs.collect())
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

    fn get(&self, host: &str) -> Result<Option<Credential>, Error> {
        let answer = self.ask(host)?;
        let mut values = answer.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        let Some(value) = values.find_map(|(_, values)| values.first()) else { return Ok(None) };
        let unusable = Error::HelperAnswer {
            program: self.program.to_string_lossy().into_owned(),
            problem: "`Authorization` is neither `Basic` nor `Bearer`",
        };
        parse_authorization(value).map(Some).ok_or(unusable)
    }
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
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = Arc::clone(answers.entry(query.host.to_owned()).or_default());
        drop(answers);
        let answer = slot.get_or_init(|| self.get(query.host).map_err(Arc::new)).clone()?;
        Ok(answer.map(|credential| Found { credential, source: self.name() }))
    }
}
