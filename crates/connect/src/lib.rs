//! A registry client as the environment asks for it: where credentials lie, how patient it is, how secure.
//!
//! The libraries `auth` and `registry` take values and never look at the environment; `fetcher` and `pusher` both want
//! the same values from it. This is the one place where they meet.
//!
//! ```no_run
//! let client = connect::client(&connect::Options::default())?;
//! # Ok::<(), tool::Failure>(())
//! ```

mod limits;

use std::path::PathBuf;

use tool::{Failure, FailureContext as _, env};

/// What a command line adds to the environment.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Plain HTTP and unchecked certificates, also when the environment does not ask for it.
    pub insecure: bool,
    /// A Bazel credential helper, instead of the one that the environment names.
    pub credential_helper: Option<PathBuf>,
}

/// A client with the credentials, limits and gateways that the environment names. The address of a gateway that cannot be
/// used is wrong usage: to go on without it would be to go around it.
pub fn client(options: &Options) -> Result<registry::Client, Failure> {
    let helper = credential_helper(options).map(|program| Box::new(program) as Box<dyn auth::Source>);
    let sources = helper.into_iter().chain(locations().sources()).collect();
    let mut keychain =
        auth::Keychain::new(sources).on_failure(|error| tracing::warn!("{}", tool::chain(error)));
    if env::IMG_AUTH_DEBUG.is_on() {
        keychain = keychain.on_answer(|query, answer| tracing::warn!("{}", explain(query, answer)));
    }
    let insecure = options.insecure || env::IMG_INSECURE.is_on();
    let retry = limits::retry_policy(registry::RetryPolicy::default());
    let default = limits::in_flight(registry::Config::default());
    let idle_timeout = env::IMG_REGISTRY_IDLE_TIMEOUT.duration().unwrap_or(default.idle_timeout);
    let gateways = registry::Gateways {
        push: gateway(&env::IMG_REGISTRY_PUSH_GATEWAY)?,
        pull: gateway(&env::IMG_REGISTRY_PULL_GATEWAY)?,
    };
    let config = registry::Config { insecure, retry, idle_timeout, gateways, ..default };
    Ok(registry::Client::new(config, keychain))
}

/// The gateway of one kind of requests, else the one for all.
fn gateway(variable: &env::Variable) -> Result<Option<registry::Gateway>, Failure> {
    let named = [variable, &env::IMG_REGISTRY_GATEWAY];
    let Some((variable, text)) = named.iter().find_map(|variable| Some((variable, variable.text()?))) else {
        return Ok(None);
    };
    text.parse().map(Some).about(variable.name).or_usage()
}

/// The helper for registries: from the command line, for registries only, or for everything.
fn credential_helper(options: &Options) -> Option<auth::BazelHelper> {
    let named = || env::IMG_CREDENTIAL_HELPER_OCI_REGISTRY.get().or_else(|| env::IMG_CREDENTIAL_HELPER.get());
    let program = options.credential_helper.clone().or_else(|| named().map(PathBuf::from))?;
    Some(auth::BazelHelper::new(env::program(program)))
}

fn locations() -> auth::Locations {
    let path = |variable: &env::Variable| variable.get().map(PathBuf::from);
    auth::Locations {
        registry_auth_file: path(&env::REGISTRY_AUTH_FILE),
        docker_config: path(&env::DOCKER_CONFIG),
        home: path(&env::HOME).or_else(|| path(&env::USERPROFILE)),
        xdg_runtime_dir: path(&env::XDG_RUNTIME_DIR),
        xdg_config_home: path(&env::XDG_CONFIG_HOME),
    }
}

/// Which source had credentials and which had none; never the credentials.
fn explain(query: auth::Query<'_>, answer: &auth::Answer) -> String {
    let found = answer
        .found
        .as_ref()
        .map_or("no credentials".to_owned(), |found| format!("credentials from {}", found.source));
    let asked = if answer.asked.is_empty() { "nothing else".to_owned() } else { answer.asked.join(", ") };
    format!("{found} for `{}/{}`; nothing in: {asked}", query.host, query.repository)
}
