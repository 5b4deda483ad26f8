//! Bazel's caches, where lazy pushes find layers: as the command line names them, else as the environment does.

use std::path::PathBuf;
use std::sync::Arc;

use connect::limits;
use oci::Digest;
use tool::env;
use tool::{Failure, FailureContext as _};

/// The caches that are known.
#[derive(Debug, Default)]
pub struct Caches {
    /// Folder of the disk cache.
    pub disk: Option<PathBuf>,
    /// Client of the remote cache.
    pub remote: Option<cas::Client>,
}

/// What a command line says about caches; the environment says the rest.
#[derive(Clone, Debug, Default)]
pub struct CacheNames {
    /// Address of the remote cache, in Bazel's syntax.
    pub remote: Option<String>,
    /// Folder of the disk cache.
    pub disk: Option<PathBuf>,
    /// Instance of the remote cache.
    pub instance: Option<String>,
    /// A Bazel credential helper for the remote cache.
    pub credential_helper: Option<PathBuf>,
}

impl Caches {
    /// The caches by their names; nothing is asked yet.
    pub fn find(names: CacheNames) -> Result<Self, Failure> {
        let address = |name: &str, text: &str| {
            text.parse().about(format!("{name} is not the address of a remote cache")).or_usage()
        };
        let endpoint = match (&names.remote, env::IMG_REAPI_ENDPOINT.text()) {
            (Some(text), _) => Some(address("--remote-cache", text)?),
            (None, Some(text)) => Some(address(env::IMG_REAPI_ENDPOINT.name, &text)?),
            (None, None) => None,
        };
        let disk = names.disk.or_else(|| env::IMG_DISK_CACHE.get().map(PathBuf::from));
        let workspace = env::BUILD_WORKSPACE_DIRECTORY.get().map(PathBuf::from).unwrap_or_default();
        Ok(Self {
            // As Bazel reads its own option; an absolute path stays as it is.
            disk: disk.map(|folder| workspace.join(folder)),
            remote: endpoint
                .map(|endpoint| cas::Client::new(config(endpoint, names.instance, names.credential_helper))),
        })
    }

    /// Where the disk cache has a blob, or would have it.
    pub fn on_disk(&self, digest: Digest) -> Option<PathBuf> {
        let hex = digest.hex();
        self.disk.as_ref().map(|folder| folder.join("cas").join(&hex[..2]).join(hex))
    }

    /// What they are called in messages, in the order in which they are asked.
    pub fn names(&self) -> Vec<String> {
        let disk = self.disk.iter().map(|folder| format!("the disk cache `{}`", folder.display()));
        let remote =
            self.remote.iter().map(|client| format!("the remote cache `{}`", client.config().endpoint));
        disk.chain(remote).collect()
    }
}

fn config(endpoint: cas::Endpoint, instance: Option<String>, helper: Option<PathBuf>) -> cas::Config {
    let default = cas::Config::new(endpoint);
    let number = |variable: &env::Variable| {
        limits::read(variable, "a number above 0", |text| {
            text.parse::<u32>().ok().filter(|number| *number > 0)
        })
    };
    let named = || env::IMG_CREDENTIAL_HELPER_REMOTE_CACHE.get().or_else(|| env::IMG_CREDENTIAL_HELPER.get());
    let helper = helper.or_else(|| named().map(PathBuf::from));
    let retry = cas::RetryPolicy {
        max_attempts: number(&env::IMG_REAPI_RETRY_MAX_ATTEMPTS).unwrap_or(default.retry.max_attempts),
        base_delay: limits::duration(&env::IMG_REAPI_RETRY_BASE_DELAY).unwrap_or(default.retry.base_delay),
        max_delay: limits::duration(&env::IMG_REAPI_RETRY_MAX_DELAY).unwrap_or(default.retry.max_delay),
    };
    cas::Config {
        instance: instance.or_else(|| env::IMG_REAPI_INSTANCE_NAME.text()).unwrap_or_default(),
        credential_helper: helper.map(|program| Arc::new(connect::helper(program))),
        retry,
        idle_timeout: limits::duration(&env::IMG_REAPI_IDLE_TIMEOUT).unwrap_or(default.idle_timeout),
        connections: number(&env::IMG_REAPI_MAX_CONNECTIONS)
            .and_then(|number| usize::try_from(number).ok())
            .unwrap_or(default.connections),
        ..default
    }
}
