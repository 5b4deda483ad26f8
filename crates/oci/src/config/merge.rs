//! What is laid over an inherited configuration: a fragment, then the values of a rule.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{ConfigError, ImageConfig};
use crate::Platform;
use crate::descriptor::null_is_default;

/// An element of an entrypoint or a command that stands for all elements of the inherited one.
pub const INHERIT: &str = "<inherit from base>";

/// A partial configuration, laid over the base's.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Fragment {
    author: Option<String>,
    architecture: Option<String>,
    os: Option<String>,
    variant: Option<String>,
    #[serde(deserialize_with = "null_is_default")]
    config: RuntimeFragment,
    #[serde(flatten)]
    other: Map<String, Value>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct RuntimeFragment {
    user: Option<String>,
    exposed_ports: Option<BTreeMap<String, Value>>,
    env: Option<Vec<String>>,
    entrypoint: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
    volumes: Option<BTreeMap<String, Value>>,
    working_dir: Option<String>,
    labels: Option<BTreeMap<String, String>>,
    stop_signal: Option<String>,
    #[serde(flatten)]
    other: Map<String, Value>,
}

impl Fragment {
    /// Reads a fragment.
    pub fn parse(bytes: &[u8]) -> Result<Self, ConfigError> {
        let fragment: Self = serde_json::from_slice(bytes)?;
        check_env(fragment.config.env.as_deref().unwrap_or_default())?;
        Ok(fragment)
    }

    /// Refuses a fragment for another platform than the one that is built for.
    pub fn check_platform(&self, platform: &Platform) -> Result<(), ConfigError> {
        let variant = platform.variant.as_deref().unwrap_or_default();
        let fields = [
            ("operating system", &self.os, platform.os.as_str()),
            ("architecture", &self.architecture, platform.architecture.as_str()),
            ("variant", &self.variant, variant),
        ];
        for (field, found, expected) in fields {
            if let Some(found) = found
                && !found.is_empty()
                && !expected.is_empty()
                && found != expected
            {
                let (expected, found) = (expected.to_owned(), found.clone());
                return Err(ConfigError::Platform { field, expected, found });
            }
        }
        Ok(())
    }
}

/// The values of a rule. `None` keeps what was inherited.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuntimeChanges {
    /// Variables from files; lose to all others.
    pub file_env: BTreeMap<String, String>,
    /// Variables of the layers and of the rule.
    pub env: BTreeMap<String, String>,
    /// Start of the command line; empty removes it.
    pub entrypoint: Option<Vec<String>>,
    /// Rest of the command line; empty removes it.
    pub cmd: Option<Vec<String>>,
    /// User; empty removes it.
    pub user: Option<String>,
    /// Folder of the process; empty removes it.
    pub working_dir: Option<String>,
    /// Signal that ends the process; empty removes it.
    pub stop_signal: Option<String>,
    /// Labels to add.
    pub labels: BTreeMap<String, String>,
}

impl ImageConfig {
    /// Lays a fragment over this configuration. Variables and labels are merged, ports and volumes replaced (so that a
    /// fragment can remove some), everything else replaced where the fragment has it. The fragment's layers, history
    /// and time are not taken.
    pub fn apply_fragment(&mut self, fragment: Fragment) {
        let RuntimeFragment { env, labels, .. } = fragment.config;
        set(&mut self.os, fragment.os);
        set(&mut self.architecture, fragment.architecture);
        self.variant = fragment.variant.or(self.variant.take());
        self.author = fragment.author.or(self.author.take());
        let config = &mut self.config;
        set(&mut config.user, fragment.config.user);
        set(&mut config.exposed_ports, fragment.config.exposed_ports);
        set(&mut config.entrypoint, fragment.config.entrypoint);
        set(&mut config.cmd, fragment.config.cmd);
        set(&mut config.volumes, fragment.config.volumes);
        set(&mut config.working_dir, fragment.config.working_dir);
        set(&mut config.stop_signal, fragment.config.stop_signal);
        merge_env(&mut config.env, env.iter().flatten().filter_map(|pair| pair.split_once('=')));
        config.labels.extend(labels.unwrap_or_default());
        config.other.extend(fragment.config.other);
        let made_by_us = ["created", "rootfs", "history"];
        self.other.extend(fragment.other.into_iter().filter(|(key, _)| !made_by_us.contains(&key.as_str())));
    }

    /// Applies the values of a rule.
    pub fn apply(&mut self, changes: &RuntimeChanges) {
        let config = &mut self.config;
        set(&mut config.user, changes.user.clone());
        set(&mut config.working_dir, changes.working_dir.clone());
        set(&mut config.stop_signal, changes.stop_signal.clone());
        let mut env = changes.file_env.clone();
        env.extend(changes.env.clone());
        merge_env(&mut config.env, env.iter().map(|(key, value)| (key.as_str(), value.as_str())));
        config.labels.extend(changes.labels.clone());

        let inherited_cmd = config.cmd.clone();
        if let Some(entrypoint) = keep_or_set(changes.entrypoint.as_deref()) {
            // The arguments belonged to the old entrypoint.
            if !entrypoint.is_empty() {
                config.cmd.clear();
            }
            config.entrypoint = expand(entrypoint, &config.entrypoint);
        }
        if let Some(cmd) = keep_or_set(changes.cmd.as_deref()) {
            config.cmd = expand(cmd, &inherited_cmd);
        }
    }
}

/// A list that only says "inherit" changes nothing.
fn keep_or_set(list: Option<&[String]>) -> Option<&[String]> {
    list.filter(|list| !matches!(list, [only] if only == INHERIT))
}

fn expand(list: &[String], inherited: &[String]) -> Vec<String> {
    list.iter()
        .flat_map(|element| if element == INHERIT { inherited } else { std::slice::from_ref(element) })
        .cloned()
        .collect()
}

fn set<T>(value: &mut T, change: Option<T>) {
    if let Some(change) = change {
        *value = change;
    }
}

/// Changes variables where they are, and appends new ones.
fn merge_env<'a>(env: &mut Vec<String>, changes: impl Iterator<Item = (&'a str, &'a str)>) {
    for (key, value) in changes {
        let pair = format!("{key}={value}");
        match env.iter_mut().find(|old| old.split_once('=').is_some_and(|(old, _)| old == key)) {
            Some(old) => *old = pair,
            None => env.push(pair),
        }
    }
}

pub(super) fn check_env(env: &[String]) -> Result<(), ConfigError> {
    match env.iter().find(|pair| !pair.contains('=')) {
        Some(pair) => Err(ConfigError::Env(pair.clone())),
        None => Ok(()),
    }
}
