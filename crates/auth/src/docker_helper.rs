//! Docker's credential helpers: programs that are given a server's name and answer with a user and a secret.

use std::time::Duration;

use serde::Deserialize;

use crate::process::{DEFAULT_TIMEOUT, run};
use crate::{Credential, Error, Secret};

/// What all of docker's helpers say, by contract, when they have nothing.
const NOT_FOUND: &str = "credentials not found";

/// A helper `docker-credential-<name>`, looked up on `PATH`.
#[derive(Clone, Debug)]
pub struct DockerHelper {
    program: String,
    timeout: Duration,
}

#[derive(Deserialize)]
struct HelperAnswer {
    #[serde(rename = "Username", default)]
    username: String,
    #[serde(rename = "Secret", default)]
    secret: String,
}

impl DockerHelper {
    /// The helper of that name, as written in `credHelpers` and `credsStore`.
    pub fn new(name: &str) -> Result<Self, Error> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        if name.is_empty() || !name.bytes().all(plain) {
            return Err(Error::HelperName { name: name.chars().take(100).collect() });
        }
        Ok(Self::program(format!("docker-credential-{name}")))
    }

    /// A helper by its full name or path.
    pub fn program(program: impl Into<String>) -> Self {
        Self { program: program.into(), timeout: DEFAULT_TIMEOUT }
    }

    /// The same helper with another time limit.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Asks for the credentials of a server; `None` when the helper has none.
    pub fn get(&self, server: &str) -> Result<Option<Credential>, Error> {
        let output = run(&self.program, server.as_bytes(), self.timeout)?;
        if !output.status.success() {
            let nothing = output.stdout.to_ascii_lowercase().contains(NOT_FOUND);
            return if nothing { Ok(None) } else { Err(output.failure(&self.program)) };
        }
        let answer: HelperAnswer = serde_json::from_str(&output.stdout).map_err(|_| Error::HelperAnswer {
            program: self.program.clone(),
            problem: "not a JSON object with the strings `Username` and `Secret`",
        })?;
        let secret = Secret::new(answer.secret);
        Ok(match answer.username.as_str() {
            _ if secret.is_empty() => None,
            "<token>" => Some(Credential::IdentityToken(secret)),
            _ => Some(Credential::Basic { username: answer.username, password: secret }),
        })
    }
}
