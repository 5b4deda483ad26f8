//! What a load is to do.

use serde::{Deserialize, Serialize};

use crate::{Original, Root, Strategy};

/// Bring an image into a container runtime.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// The target that asked for it, for messages.
    pub label: String,
    /// Where layers are: eager or lazy.
    pub strategy: Strategy,
    /// Which runtime.
    pub daemon: Daemon,
    /// What the image is called there.
    pub name: Name,
    /// The manifest or index.
    pub root: Root,
    /// Where the base image was pulled from, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<Original>,
}

/// What an image is called in a runtime. Names are taken as they are: no registry or folder is put before them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Name {
    /// `registry/repository:tag` for each tag.
    Parts {
        /// `host[:port]`.
        registry: String,
        /// Repository.
        repository: String,
        /// Its tags; none: `latest`.
        tags: Vec<String>,
    },
    /// Whole references. One without a tag gets `latest`; without any, the image has no name.
    Whole(Vec<String>),
}

/// A container runtime, or what takes its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Daemon {
    /// Docker: by its containerd where that keeps its images and can be reached, else by `docker image load`.
    Docker,
    /// containerd, by its socket.
    Containerd,
    /// `podman image load`.
    Podman,
    /// Apple's `container image load`.
    Containerization,
    /// An archive on the standard output.
    Tar,
    /// `$LOADER_BINARY image load`.
    Generic,
}

impl Daemon {
    /// As BUILD files have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Containerd => "containerd",
            Self::Podman => "podman",
            Self::Containerization => "containerization",
            Self::Tar => "tar",
            Self::Generic => "generic",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_survives_a_round_trip() {
        for name in [
            r#"{"whole":["my/app:latest"]}"#,
            r#"{"parts":{"registry":"ghcr.io","repository":"app","tags":["a","b"]}}"#,
        ] {
            let text = format!(
                r#"{{"label":"//:load","strategy":"lazy","daemon":"containerization","name":{name},"root":{{"mediaType":"m","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2}}}}"#
            );
            let load: Load = serde_json::from_str(&text).unwrap();
            assert_eq!(serde_json::to_string(&load).unwrap(), text);
        }
    }

    #[test]
    fn a_daemon_is_called_as_in_build_files() {
        for daemon in [
            Daemon::Docker,
            Daemon::Containerd,
            Daemon::Podman,
            Daemon::Containerization,
            Daemon::Tar,
            Daemon::Generic,
        ] {
            assert_eq!(serde_json::to_string(&daemon).unwrap(), format!("{:?}", daemon.as_str()));
        }
    }
}
