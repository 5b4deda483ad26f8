//! How the environment wants the remote cache to be spoken to.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cas::Secret;
use tool::env::{self, Variable};
use tool::{Failure, FailureContext as _};

use crate::Options;

/// Where Bazel users keep a helper, and where one is looked for when none is named.
const DEFAULT_HELPER: &str = "tools/credential-helper";

/// The client's configuration. A file that is named and cannot be read is wrong usage, as is half a client certificate.
/// Instance and helper of the command line win over the environment's.
pub(crate) fn config(endpoint: cas::Endpoint, options: &Options) -> Result<cas::Config, Failure> {
    let default = cas::Config::new(endpoint);
    let instance = options.instance.clone().or_else(|| env::IMG_REAPI_INSTANCE_NAME.text());
    let retry = cas::RetryPolicy {
        max_attempts: number(&env::IMG_REAPI_RETRY_MAX_ATTEMPTS).unwrap_or(default.retry.max_attempts),
        base_delay: env::IMG_REAPI_RETRY_BASE_DELAY.duration().unwrap_or(default.retry.base_delay),
        max_delay: env::IMG_REAPI_RETRY_MAX_DELAY.duration().unwrap_or(default.retry.max_delay),
    };
    Ok(cas::Config {
        instance: instance.unwrap_or_default(),
        headers: headers()?,
        credential_helper: options
            .credential_helper
            .clone()
            .or_else(helper)
            .map(|program| Arc::new(auth::BazelHelper::new(env::program(program)))),
        tls: tls()?,
        retry,
        call_timeout: env::IMG_REAPI_RPC_TIMEOUT.duration().unwrap_or(default.call_timeout),
        idle_timeout: env::IMG_REAPI_IDLE_TIMEOUT.duration().unwrap_or(default.idle_timeout),
        connections: number(&env::IMG_REAPI_MAX_CONNECTIONS)
            .and_then(|number| usize::try_from(number).ok())
            .unwrap_or(default.connections),
        ..default
    })
}

fn number(variable: &Variable) -> Option<u32> {
    variable.parse("a number above 0", |text| text.parse::<u32>().ok().filter(|number| *number > 0))
}

/// The helper that is named, else the one of the workspace if there is one that can be run.
fn helper() -> Option<PathBuf> {
    let named = env::IMG_CREDENTIAL_HELPER_REMOTE_CACHE.get().or_else(|| env::IMG_CREDENTIAL_HELPER.get());
    named.map(PathBuf::from).or_else(|| {
        let helper = env::in_workspace(Path::new(DEFAULT_HELPER));
        (helper.is_absolute() && is_program(&helper)).then_some(helper)
    })
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs_err::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}

/// One header a line. The value is not repeated in messages: it may be a token.
fn headers() -> Result<Vec<(String, Secret)>, Failure> {
    let text = env::IMG_REAPI_HEADERS.text().unwrap_or_default();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let header = |(number, line): (usize, &str)| match line.split_once('=') {
        Some((name, value)) if is_header(name, value) => Ok((name.to_owned(), Secret::new(value))),
        _ => Err(Failure::usage(anyhow::anyhow!(
            "line {} of {} is not a header: expected `NAME=VALUE`",
            number + 1,
            env::IMG_REAPI_HEADERS.name
        ))),
    };
    lines.enumerate().map(header).collect()
}

/// Whether HTTP/2 takes it, and gRPC as text.
fn is_header(name: &str, value: &str) -> bool {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    !name.is_empty()
        && name.chars().all(is_name)
        && !name.to_ascii_lowercase().ends_with("-bin")
        && value.chars().all(|c| matches!(c, ' '..='~'))
}

fn tls() -> Result<cas::Tls, Failure> {
    let (certificate, key) = (&env::IMG_REAPI_TLS_CLIENT_CERTIFICATE, &env::IMG_REAPI_TLS_CLIENT_KEY);
    let identity = match (read(certificate)?, read(key)?) {
        (Some(certificate), Some(key)) => Some((certificate, secret(key)?)),
        (None, None) => None,
        (found, _) => {
            let (given, other) = if found.is_some() { (certificate, key) } else { (key, certificate) };
            let (given, other) = (given.name, other.name);
            return Err(Failure::usage(anyhow::anyhow!(
                "{given} is set and {other} is not: one is of no use without the other"
            )));
        }
    };
    Ok(cas::Tls { authorities: read(&env::IMG_REAPI_TLS_CERTIFICATE)?, identity })
}

/// The file that a variable names.
fn read(variable: &Variable) -> Result<Option<Vec<u8>>, Failure> {
    let Some(path) = variable.get() else { return Ok(None) };
    let content = fs_err::read(env::in_workspace(Path::new(&path)))
        .about(format!("{} names no file that can be read", variable.name));
    content.or_usage().map(Some)
}

fn secret(key: Vec<u8>) -> Result<Secret, Failure> {
    let name = env::IMG_REAPI_TLS_CLIENT_KEY.name;
    let text =
        String::from_utf8(key).map_err(|_| Failure::usage(anyhow::anyhow!("{name} is not in PEM form")));
    text.map(Secret::new)
}
