//! Docker's `config.json` and podman's `auth.json`, which is the same format with keys for single repositories.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, general_purpose};
use serde::Deserialize;

use crate::{Credential, DockerHelper, Error, Found, Query, Secret, Source};

/// The key under which docker keeps what belongs to Docker Hub, and what it calls Docker Hub before helpers.
const DOCKER_HUB_KEY: &str = "https://index.docker.io/v1/";
const DOCKER_HUB: &str = "index.docker.io";

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Config {
    auths: Option<BTreeMap<String, Entry>>,
    cred_helpers: Option<BTreeMap<String, String>>,
    creds_store: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
    registrytoken: Option<String>,
}

type Shared<T> = Result<T, Arc<Error>>;
type HelperAnswers = BTreeMap<(String, String), Arc<OnceLock<Shared<Option<Credential>>>>>;

/// A docker config file as a source. It is read once, when first needed; each helper is asked once for each server.
///
/// Order within a file, as docker does it: the helper of `credHelpers` for the host, then `credsStore`, then `auths`,
/// whose entries for a repository win over those for its host. Hosts and ports must match exactly.
pub struct DockerConfigFile {
    path: PathBuf,
    required: bool,
    config: OnceLock<Shared<Config>>,
    helpers: Mutex<HelperAnswers>,
}

impl DockerConfigFile {
    /// A file that somebody named, so that its absence is a failure.
    pub fn required(path: PathBuf) -> Self {
        Self { path, required: true, config: OnceLock::new(), helpers: Mutex::default() }
    }

    /// A file that may be absent.
    pub fn optional(path: PathBuf) -> Self {
        Self { required: false, ..Self::required(path) }
    }

    fn config(&self) -> Shared<&Config> {
        self.config
            .get_or_init(|| read(&self.path, self.required).map_err(Arc::new))
            .as_ref()
            .map_err(Arc::clone)
    }

    fn ask_helper(&self, name: &str, server: &str) -> Shared<Option<Credential>> {
        let key = (name.to_owned(), server.to_owned());
        let cell =
            Arc::clone(self.helpers.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default());
        cell.get_or_init(|| DockerHelper::new(name).and_then(|helper| helper.get(server)).map_err(Arc::new))
            .clone()
    }

    fn find_in_auths(&self, config: &Config, query: Query<'_>) -> Result<Option<Found>, Error> {
        let Some(auths) = &config.auths else { return Ok(None) };
        let best = auths
            .iter()
            .filter_map(|(key, entry)| Some((match_length(key, query)?, key, entry)))
            .filter(|(_, _, entry)| !entry.is_empty())
            .max_by_key(|(length, _, _)| *length);
        let Some((_, key, entry)) = best else { return Ok(None) };
        let problem = |problem| Error::BadEntry { path: self.path.clone(), key: key.clone(), problem };
        let credential = entry.credential().map_err(problem)?;
        Ok(Some(Found { credential, source: format!("entry `{key}` of {}", self.name()), expires: None }))
    }
}

impl Source for DockerConfigFile {
    fn name(&self) -> String {
        format!("docker config `{}`", self.path.display())
    }

    fn find(&self, query: Query<'_>) -> Shared<Option<Found>> {
        let config = self.config()?;
        let server = if query.host == DOCKER_HUB { DOCKER_HUB_KEY } else { query.host };
        let by_host = config.cred_helpers.iter().flatten();
        let helper = by_host.filter(|(key, _)| is_host(key, query.host)).map(|(_, helper)| helper);
        let mut failure = None;
        for name in helper.chain(&config.creds_store).filter(|name| !name.is_empty()) {
            match self.ask_helper(name, server) {
                Ok(Some(credential)) => {
                    let source = format!("helper `docker-credential-{name}` of {}", self.name());
                    return Ok(Some(Found { credential, source, expires: None }));
                }
                Ok(None) => {}
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        match (self.find_in_auths(config, query)?, failure) {
            (None, Some(failure)) => Err(failure),
            (found, _) => Ok(found),
        }
    }
}

impl Entry {
    /// Docker leaves empty entries behind when a helper keeps the secret.
    fn is_empty(&self) -> bool {
        [&self.auth, &self.password, &self.identitytoken, &self.registrytoken]
            .iter()
            .all(|field| field.as_deref().unwrap_or_default().is_empty())
    }

    fn credential(&self) -> Result<Credential, &'static str> {
        let filled = |field: &Option<String>| field.clone().filter(|text| !text.is_empty());
        if let Some(token) = filled(&self.registrytoken) {
            return Ok(Credential::Bearer(Secret::new(token)));
        }
        if let Some(token) = filled(&self.identitytoken) {
            return Ok(Credential::IdentityToken(Secret::new(token)));
        }
        let (username, password) = match filled(&self.auth) {
            Some(auth) => decode(&auth)?,
            None => (filled(&self.username).unwrap_or_default(), filled(&self.password).unwrap_or_default()),
        };
        Ok(if username == "<token>" {
            Credential::IdentityToken(Secret::new(password))
        } else {
            Credential::Basic { username, password: Secret::new(password) }
        })
    }
}

fn read(path: &Path, required: bool) -> Result<Config, Error> {
    let bytes = match fs_err::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !required => {
            return Ok(Config::default());
        }
        Err(error) => return Err(Error::ReadConfig(error)),
    };
    serde_json::from_slice(&bytes).map_err(|error| Error::parse(path.to_owned(), &error))
}

fn decode(auth: &str) -> Result<(String, String), &'static str> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let engine = GeneralPurpose::new(&base64::alphabet::STANDARD, config);
    let bytes = engine
        .decode(auth.trim())
        .or_else(|_| general_purpose::URL_SAFE.decode(auth.trim()))
        .map_err(|_| "is not base64")?;
    let text = String::from_utf8(bytes).map_err(|_| "is not the base64 of UTF-8 text")?;
    // Old docker versions pad the password with NUL.
    let (username, password) = text.split_once(':').ok_or("is not the base64 of `user:password`")?;
    Ok((username.to_owned(), password.trim_end_matches('\0').to_owned()))
}

/// Takes a key apart into host and repository path: `ghcr.io`, `ghcr.io/me/app`, `https://index.docker.io/v1/`.
fn split_key(key: &str) -> (&str, &str) {
    let bare = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://"));
    let (host, path) = bare.unwrap_or(key).split_once('/').unwrap_or((bare.unwrap_or(key), ""));
    let path = match path.trim_end_matches('/') {
        "v1" | "v2" => "",
        path => path,
    };
    let host = if matches!(host, "docker.io" | "registry-1.docker.io") { DOCKER_HUB } else { host };
    (host, path)
}

fn is_host(key: &str, host: &str) -> bool {
    let (key_host, path) = split_key(key);
    path.is_empty() && key_host.eq_ignore_ascii_case(host)
}

/// How well a key matches: `None` not at all, otherwise the length of the repository path it names.
fn match_length(key: &str, query: Query<'_>) -> Option<usize> {
    let (host, path) = split_key(key);
    let below = |rest: &str| rest.is_empty() || rest.starts_with('/');
    let fits = path.is_empty() || query.repository.strip_prefix(path).is_some_and(below);
    (host.eq_ignore_ascii_case(query.host) && fits).then_some(path.len())
}

#[cfg(test)]
mod tests;
