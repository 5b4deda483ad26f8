//! Image configurations (image specification, "OCI Image Configuration"): what an image inherits from its base, and
//! what a rule changes.
//!
//! Fields that this crate does not know survive, in the base's order, behind those that it knows: `Healthcheck`,
//! `os.version`, `Shell` and whatever else a base says about itself stays true for what is built on it.

mod merge;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::descriptor::null_is_default;
use crate::{DiffId, Platform};

pub use merge::{Fragment, INHERIT, RuntimeChanges};

/// How an image is run, and what it was made of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ImageConfig {
    /// When the image was made (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// Go's `GOARCH`.
    #[serde(default, skip_serializing_if = "String::is_empty", deserialize_with = "null_is_default")]
    pub architecture: String,
    /// Go's `GOOS`.
    #[serde(default, skip_serializing_if = "String::is_empty", deserialize_with = "null_is_default")]
    pub os: String,
    /// Variant of the architecture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// How a container of it is run.
    #[serde(default, skip_serializing_if = "RuntimeConfig::is_empty", deserialize_with = "null_is_default")]
    pub config: RuntimeConfig,
    /// The layers.
    #[serde(default, deserialize_with = "null_is_default")]
    pub rootfs: RootFs,
    /// How the layers were made, kept as they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_is_default")]
    pub history: Vec<Value>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// How a container of an image is run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RuntimeConfig {
    /// User and group of the process.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "null_is_default")]
    pub user: String,
    /// Ports that it listens on.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "null_is_default")]
    pub exposed_ports: BTreeMap<String, Value>,
    /// Environment, `KEY=VALUE`.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_is_default")]
    pub env: Vec<String>,
    /// Start of the command line.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_is_default")]
    pub entrypoint: Vec<String>,
    /// Rest of the command line, or all of it without entrypoint.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_is_default")]
    pub cmd: Vec<String>,
    /// Folders that are volumes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "null_is_default")]
    pub volumes: BTreeMap<String, Value>,
    /// Folder of the process.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "null_is_default")]
    pub working_dir: String,
    /// Labels.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "null_is_default")]
    pub labels: BTreeMap<String, String>,
    /// Signal that ends the process.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "null_is_default")]
    pub stop_signal: String,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl RuntimeConfig {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The layers of an image, uncompressed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootFs {
    /// Always `layers`.
    #[serde(rename = "type", default = "layers")]
    pub kind: String,
    /// Their diff ids, lowest first.
    #[serde(default, deserialize_with = "null_is_default")]
    pub diff_ids: Vec<DiffId>,
}

impl Default for RootFs {
    fn default() -> Self {
        Self { kind: layers(), diff_ids: Vec::new() }
    }
}

fn layers() -> String {
    "layers".to_owned()
}

/// How a layer was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct History {
    /// When (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// By what command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// By whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// Anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Whether no layer belongs to this entry.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub empty_layer: bool,
}

impl History {
    /// An entry that names a command.
    pub fn created_by(command: impl Into<String>) -> Self {
        Self { created_by: Some(command.into()), ..Self::default() }
    }
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Not the JSON that it should be.
    #[error("not an image configuration")]
    Json(#[from] serde_json::Error),
    /// A variable without a value.
    #[error("`{0}` is not an environment variable; expected `KEY=VALUE`")]
    Env(String),
    /// Two answers to what an image is for.
    #[error("the {field} is `{found}`, but the image is built for `{expected}`")]
    Platform {
        /// `operating system`, `architecture` or `variant`.
        field: &'static str,
        /// Of the target platform.
        expected: String,
        /// Of the base or the fragment.
        found: String,
    },
    /// Nobody said what the image is for.
    #[error("the image has no {0}")]
    NoPlatform(&'static str),
}

impl ImageConfig {
    /// Reads the configuration of a base image. Time and author are those of the base alone and are dropped.
    pub fn from_base(bytes: &[u8]) -> Result<Self, ConfigError> {
        let mut config: Self = serde_json::from_slice(bytes)?;
        config.created = None;
        config.author = None;
        merge::check_env(&config.config.env)?;
        Ok(config)
    }

    /// Fills in the platform that the image is built for; a base for another one is refused.
    pub fn set_platform(&mut self, platform: &Platform) -> Result<(), ConfigError> {
        fill("operating system", &mut self.os, &platform.os)?;
        fill("architecture", &mut self.architecture, &platform.architecture)?;
        if platform.variant.is_some() {
            // A base may be for an older variant than the image that is built on it.
            self.variant.clone_from(&platform.variant);
        }
        Ok(())
    }

    /// What the image is for, as an index says it.
    pub fn platform(&self) -> Platform {
        let variant = self.variant.as_deref().unwrap_or_default();
        let mut platform = Platform::new(self.os.as_str(), self.architecture.as_str(), variant);
        platform.os_version = self.other.get("os.version").and_then(Value::as_str).map(str::to_owned);
        let features = self.other.get("os.features").cloned();
        platform.os_features = features.and_then(|features| serde_json::from_value(features).ok());
        platform
    }

    /// Adds layers on top of those of the base.
    pub fn add_layer(&mut self, diff_id: Option<DiffId>, history: &[History]) {
        self.rootfs.diff_ids.extend(diff_id);
        self.history.extend(
            history
                .iter()
                .map(|entry| serde_json::to_value(entry).expect("strings and a boolean always serialize")),
        );
    }

    /// Compact JSON.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("strings, lists and maps with string keys always serialize")
    }
}

fn fill(field: &'static str, value: &mut String, wanted: &str) -> Result<(), ConfigError> {
    if value.is_empty() {
        wanted.clone_into(value);
    }
    if value.is_empty() {
        return Err(ConfigError::NoPlatform(field));
    }
    if !wanted.is_empty() && value != wanted {
        return Err(ConfigError::Platform { field, expected: wanted.to_owned(), found: value.clone() });
    }
    Ok(())
}
