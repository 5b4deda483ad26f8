//! The JSON argument `--values`: what a user typed in a BUILD file, in an encoding without newlines.

use anyhow::Context as _;
use serde::de::DeserializeOwned;
use tool::{Failure, FailureContext as _};

/// Reads the argument.
pub(crate) fn parse<T: DeserializeOwned>(json: &str) -> Result<T, Failure> {
    serde_json::from_str(json).context("the value of `--values` is not what this command takes").or_usage()
}

/// Text in front of every message about a target.
pub(crate) fn named(label: &str, failure: Failure) -> Failure {
    if label.is_empty() { failure } else { failure.context(label.to_owned()) }
}

/// What a failure is to name where a target took what it does from another one: both.
pub(crate) fn with_spec(label: &str, spec: &str) -> String {
    if spec.is_empty() { label.to_owned() } else { format!("{label}: {spec}") }
}
