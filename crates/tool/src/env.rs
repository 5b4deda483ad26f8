//! Every environment variable that a program of ours reads, and the only place that reads them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// An environment variable with its documentation; docs/reference lists them from [`ALL`].
#[derive(Debug)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub doc: &'static str,
}

macro_rules! variables {
    ($($(#[doc = $doc:literal])+ $name:ident;)*) => {
        $($(#[doc = $doc])+ pub const $name: Variable = Variable { name: stringify!($name), doc: concat!($($doc),+) };)*
        /// All variables, in alphabetical order.
        pub const ALL: &[&Variable] = &[$(&$name),*];
    };
}

variables! {
    /// The workspace that `bazel run` was called in (set by Bazel).
    BUILD_WORKSPACE_DIRECTORY;
    /// Socket of the containerd that images are loaded into, instead of those that are looked for.
    CONTAINERD_ADDRESS;
    /// Folder that holds docker's `config.json`; default `~/.docker`.
    DOCKER_CONFIG;
    /// The platform of an index that is loaded where `--platform` names none, such as `linux/arm64`; default: Linux on this
    /// machine's processor.
    DOCKER_DEFAULT_PLATFORM;
    /// The user's home folder.
    HOME;
    /// Set to anything but `0` and `false`: say which source had credentials for a registry, and which had none.
    IMG_AUTH_DEBUG;
    /// Address of the gRPC port of a registry that reads the remote cache itself, for pushes with the strategy `cas_registry`.
    IMG_BLOB_CACHE_ENDPOINT;
    /// Bazel credential helper for registries and remote caches.
    IMG_CREDENTIAL_HELPER;
    /// Bazel credential helper for registries; wins over `IMG_CREDENTIAL_HELPER`.
    IMG_CREDENTIAL_HELPER_OCI_REGISTRY;
    /// Bazel credential helper for remote caches; wins over `IMG_CREDENTIAL_HELPER`.
    IMG_CREDENTIAL_HELPER_REMOTE_CACHE;
    /// Bazel's disk cache, for pushes that read layers there; a relative path is one below the workspace.
    IMG_DISK_CACHE;
    /// Anything but empty, `0` and `false`: plain HTTP, and TLS certificates are not checked.
    IMG_INSECURE;
    /// What to log on standard error: `error`, `warn` (default), `info`, `debug` or `trace`.
    IMG_LOG;
    /// How to show progress: `bar`, `log`, `none` or `auto` (bars on a terminal, else lines).
    IMG_PROGRESS;
    /// Address of Bazel's remote cache, in the syntax of `--remote_cache`, for pushes that read layers there, and for
    /// `services/registry`.
    IMG_REAPI_ENDPOINT;
    /// Headers of all calls to the remote cache, as Bazel's `--remote_header`: one `NAME=VALUE` a line.
    IMG_REAPI_HEADERS;
    /// How long nothing may come from the remote cache, such as `60s`.
    IMG_REAPI_IDLE_TIMEOUT;
    /// Instance of the remote cache, as in Bazel's `--remote_instance_name`.
    IMG_REAPI_INSTANCE_NAME;
    /// Connections to the remote cache.
    IMG_REAPI_MAX_CONNECTIONS;
    /// First delay before a call to the remote cache is tried again, such as `250ms`.
    IMG_REAPI_RETRY_BASE_DELAY;
    /// How often a call to the remote cache is tried, the first time included.
    IMG_REAPI_RETRY_MAX_ATTEMPTS;
    /// Longest delay before a call to the remote cache is tried again, such as `5s`.
    IMG_REAPI_RETRY_MAX_DELAY;
    /// How long a call to the remote cache may take that is not a stream, such as `60s`.
    IMG_REAPI_RPC_TIMEOUT;
    /// File with the certificate authorities of the remote cache in PEM form, instead of the system's, as Bazel's
    /// `--tls_certificate`.
    IMG_REAPI_TLS_CERTIFICATE;
    /// File with a certificate in PEM form that is shown to the remote cache, as Bazel's `--tls_client_certificate`.
    IMG_REAPI_TLS_CLIENT_CERTIFICATE;
    /// File with the private key of that certificate, as Bazel's `--tls_client_key`.
    IMG_REAPI_TLS_CLIENT_KEY;
    /// A gateway that requests to registries go to instead: `http://HOST[:PORT]`, `https://HOST[:PORT]` or `unix:/PATH`. It gets no
    /// credentials and has its own.
    IMG_REGISTRY_GATEWAY;
    /// How long nothing may move on a connection to a registry, such as `60s`.
    IMG_REGISTRY_IDLE_TIMEOUT;
    /// Most requests in flight to one registry.
    IMG_REGISTRY_MAX_CONCURRENT_REQUESTS;
    /// The gateway for requests that read; wins over `IMG_REGISTRY_GATEWAY`.
    IMG_REGISTRY_PULL_GATEWAY;
    /// The gateway for requests about repositories that are pushed to; wins over `IMG_REGISTRY_GATEWAY`.
    IMG_REGISTRY_PUSH_GATEWAY;
    /// First delay before a request is tried again, such as `1s`.
    IMG_REGISTRY_RETRY_BASE_DELAY;
    /// How often a request is tried, the first time included.
    IMG_REGISTRY_RETRY_MAX_ATTEMPTS;
    /// Longest delay before a request is tried again, such as `60s`.
    IMG_REGISTRY_RETRY_MAX_DELAY;
    /// The program that takes images as archives (`PROGRAM image load`), instead of that of the daemon.
    LOADER_BINARY;
    /// Folders in which `docker-credential-*` helpers, and the programs of container runtimes, are looked up.
    PATH;
    /// A docker or podman credential file; wins over the one in the home folder.
    REGISTRY_AUTH_FILE;
    /// Root of the runfiles of a deploy target (set by Bazel's launchers).
    RUNFILES_DIR;
    /// List of the runfiles of a deploy target where there is no tree of links (set by Bazel's launchers).
    RUNFILES_MANIFEST_FILE;
    /// File with root certificates in PEM form, instead of the system's (read by the TLS library).
    SSL_CERT_FILE;
    /// Windows' name of the home folder.
    USERPROFILE;
    /// Podman's `containers/auth.json` is looked up below it; default `~/.config`.
    XDG_CONFIG_HOME;
    /// Podman's `containers/auth.json` is looked up below it first, and so are the sockets of rootless container runtimes.
    XDG_RUNTIME_DIR;
}

impl Variable {
    /// The value; an empty one counts as not set.
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub fn get(&self) -> Option<OsString> {
        std::env::var_os(self.name).filter(|value| !value.is_empty())
    }

    /// The value as text; one that is not UTF-8 counts as not set.
    pub fn text(&self) -> Option<String> {
        self.get().and_then(|value| value.into_string().ok())
    }

    /// A value that `parse` understands; `expected` says what it would understand. One that it does not is reported and
    /// counts as not set: a typing error in a variable must not break every build.
    pub fn parse<T>(&self, expected: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = self.text()?;
        let value = parse(text.trim());
        if value.is_none() {
            tracing::warn!("`{text}` is ignored as {}: expected {expected}", self.name);
        }
        value
    }

    /// A duration such as `500ms`, `1s` or `2m`.
    pub fn duration(&self) -> Option<Duration> {
        self.parse("a duration such as `500ms`, `1s` or `2m`", crate::duration::parse)
    }

    /// Whether it is set to anything but empty, `0` and `false`.
    pub fn is_on(&self) -> bool {
        self.text().is_some_and(|value| value != "0" && value != "false")
    }
}

/// A path as Bazel reads those in its own options: a relative one is one below the workspace, if there is one.
pub fn in_workspace(path: &Path) -> PathBuf {
    BUILD_WORKSPACE_DIRECTORY.get().map(PathBuf::from).unwrap_or_default().join(path)
}

/// A program as Bazel reads those in its own options: `%workspace%` in front is the workspace, if there is one.
pub fn program(path: PathBuf) -> PathBuf {
    match (path.strip_prefix("%workspace%"), BUILD_WORKSPACE_DIRECTORY.get()) {
        (Ok(rest), Some(workspace)) => PathBuf::from(workspace).join(rest),
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_documented() {
        assert!(ALL.is_sorted_by_key(|variable| variable.name));
        assert!(ALL.iter().all(|variable| variable.doc.trim_end().ends_with(['.', ')'])));
    }
}
