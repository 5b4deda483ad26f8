//! What docker says of itself.

use std::sync::Once;

use oci::Digest;
use plan::Daemon;
use serde::Deserialize;
use tool::{Failure, FailureContext as _};

use crate::program::{Program, last_words, other_daemon};

/// The driver of a docker that keeps its images in containerd.
const CONTAINERD: &str = "io.containerd.snapshotter.v1";

/// Where docker keeps images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    /// In containerd.
    Containerd,
    /// In folders of its own.
    Own,
}

/// A docker daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Docker {
    pub(crate) store: Store,
    /// Its containerd, as it says itself since version 27.
    pub(crate) containerd: Option<Containerd>,
}

/// The containerd that a docker daemon uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Containerd {
    /// Its socket, on the machine of the daemon.
    pub(crate) address: String,
    /// Where images and containers are.
    pub(crate) namespace: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Info {
    #[serde(default)]
    driver_status: Option<Vec<Vec<String>>>,
    #[serde(default)]
    server_errors: Option<Vec<String>>,
    #[serde(default)]
    containerd: Option<ContainerdInfo>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ContainerdInfo {
    #[serde(default)]
    address: String,
    #[serde(default)]
    namespaces: Namespaces,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Namespaces {
    #[serde(default)]
    containers: String,
}

/// Asks docker where it keeps images. Fails where there is no docker, or where its daemon does not answer.
pub(crate) async fn ask(program: &Program) -> Result<Docker, Failure> {
    let answer = program.ask(&["info", "--format", "{{json .}}"]).await?;
    let info: Option<Info> = serde_json::from_str(&answer.out).ok();
    let errors = info.as_ref().and_then(|info| info.server_errors.clone()).unwrap_or_default();
    if !answer.status.success() || !errors.is_empty() {
        let said = if errors.is_empty() { last_words(&answer) } else { errors.join("; ") };
        return Err(Failure::new(anyhow::anyhow!("the docker daemon does not answer: {said}"))
            .hint("start docker; DOCKER_HOST and `docker context use` say which one is asked")
            .hint(other_daemon(Daemon::Docker)));
    }
    let info = info.ok_or_else(|| anyhow::anyhow!("`{}`", answer.out.trim()));
    let info = info.about("`docker info` does not say what it should")?;
    Ok(Docker { store: info.store(), containerd: info.containerd() })
}

/// Whether docker has an image of this name, with this digest: that of its index or manifest, which is its id where images are in
/// containerd.
pub(crate) async fn has(program: &Program, name: Option<&str>, digest: Digest) -> Result<bool, Failure> {
    let id = digest.to_string();
    let answer = program.ask(&["image", "inspect", "--format", "{{.Id}}", name.unwrap_or(&id)]).await?;
    Ok(answer.status.success() && answer.out.trim() == id)
}

impl Info {
    fn store(&self) -> Store {
        let mut status = self.driver_status.iter().flatten();
        let is_containerd =
            status.any(|pair| pair.iter().map(String::as_str).eq(["driver-type", CONTAINERD]));
        if is_containerd { Store::Containerd } else { Store::Own }
    }

    fn containerd(&self) -> Option<Containerd> {
        let info = self.containerd.as_ref().filter(|info| !info.address.is_empty())?;
        let namespace = Some(info.namespaces.containers.clone()).filter(|name| !name.is_empty());
        Some(Containerd { address: info.address.clone(), namespace })
    }
}

/// Says once that the other way would be better.
pub(crate) fn warn_of_archives(store: Store) {
    static WARNED: Once = Once::new();
    WARNED.call_once(|| tracing::warn!("{}", warning(store, cfg!(target_os = "macos"))));
}

fn warning(store: Store, in_virtual_machine: bool) -> String {
    let mut text = match store {
        Store::Own => "docker does not keep its images in containerd: loading is slower, and the digest of the image is another one there\n\
             hint: let it do so: \"features\": {\"containerd-snapshotter\": true} in docker's daemon.json \
             (https://docs.docker.com/engine/storage/containerd/)".to_owned(),
        Store::Containerd => "the containerd in which docker keeps its images cannot be reached: whole images are sent to docker instead\n\
             hint: CONTAINERD_ADDRESS names its socket".to_owned(),
    };
    if in_virtual_machine {
        text.push_str("\nhint: on macOS, docker and its containerd run in a virtual machine, whose sockets are not reachable from here");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_driver_tells_where_images_are() {
        let table = [
            (r#"{"DriverStatus":[["driver-type","io.containerd.snapshotter.v1"]]}"#, Store::Containerd),
            (r#"{"DriverStatus":[["Backing Filesystem","extfs"],["Supports d_type","true"]]}"#, Store::Own),
            (r#"{"DriverStatus":null,"ServerErrors":null}"#, Store::Own),
            // podman that is called docker.
            (r#"{"host":{"arch":"amd64"},"store":{}}"#, Store::Own),
        ];
        for (text, expected) in table {
            assert_eq!(serde_json::from_str::<Info>(text).unwrap().store(), expected, "{text}");
        }
    }

    #[test]
    fn its_containerd_may_be_known() {
        let found = |text: &str| serde_json::from_str::<Info>(text).unwrap().containerd();
        let text = r#"{"Containerd":{"Address":"/run/c.sock","Namespaces":{"Containers":"moby","Plugins":"plugins.moby"}}}"#;
        let expected = Containerd { address: "/run/c.sock".into(), namespace: Some("moby".into()) };
        assert_eq!(found(text), Some(expected));
        assert_eq!(found(r#"{"Containerd":{"Address":""}}"#), None);
        assert_eq!(found("{}"), None);
    }

    #[test]
    fn the_warning_says_what_to_do() {
        assert!(warning(Store::Own, false).contains("containerd-snapshotter"));
        assert!(warning(Store::Containerd, false).contains("CONTAINERD_ADDRESS"));
        assert!(warning(Store::Own, true).contains("virtual machine"));
    }
}
