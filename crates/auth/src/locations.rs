//! Where credential files lie.

use std::path::PathBuf;

use crate::{DockerConfigFile, Source};

/// The environment variables that say where credential files lie, as values. Unset and empty ones are `None`.
#[derive(Clone, Debug, Default)]
pub struct Locations {
    /// `REGISTRY_AUTH_FILE`: a file that wins over everything found in the home folder.
    pub registry_auth_file: Option<PathBuf>,
    /// `DOCKER_CONFIG`: the folder that holds docker's `config.json`.
    pub docker_config: Option<PathBuf>,
    /// `HOME`, or `USERPROFILE` on Windows.
    pub home: Option<PathBuf>,
    /// `XDG_RUNTIME_DIR`: where podman keeps `containers/auth.json`.
    pub xdg_runtime_dir: Option<PathBuf>,
    /// `XDG_CONFIG_HOME`: where podman looks next.
    pub xdg_config_home: Option<PathBuf>,
}

impl Locations {
    /// The files as sources, in order: the named file, docker's config, podman's two places. A named file that is
    /// missing is a failure; any other is simply not there.
    pub fn sources(&self) -> Vec<Box<dyn Source>> {
        let named = self.registry_auth_file.clone().map(DockerConfigFile::required);
        let docker = self
            .docker_config
            .clone()
            .or_else(|| Some(self.home.as_ref()?.join(".docker")))
            .map(|folder| folder.join("config.json"));
        let runtime = self.xdg_runtime_dir.as_ref().map(|folder| folder.join("containers/auth.json"));
        let config = self
            .xdg_config_home
            .clone()
            .or_else(|| Some(self.home.as_ref()?.join(".config")))
            .map(|folder| folder.join("containers/auth.json"));
        let found = [docker, runtime, config].into_iter().flatten().map(DockerConfigFile::optional);
        named.into_iter().chain(found).map(|file| Box::new(file) as Box<dyn Source>).collect()
    }
}
