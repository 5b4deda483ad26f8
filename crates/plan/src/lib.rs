//! The plan of a deploy target: what `builder plan` writes inside a build action and `pusher` does under `bazel run`.
//!
//! It is JSON beside the executable (`<name>.json`). Blobs are keyed by digest, so that merging plans, filtering
//! operations or adding referrers can never make one blob stand for another. What a manifest refers to is not repeated
//! here: it is read from the manifest.
//!
//! ```
//! let plan = plan::Plan::default();
//! let text = plan.to_json();
//! assert_eq!(plan::Plan::from_json(text.as_bytes())?, plan);
//! # Ok::<(), plan::PlanError>(())
//! ```

mod load;
mod push;

use std::collections::BTreeMap;

use oci::Digest;
use serde::{Deserialize, Serialize};

pub use load::{Daemon, Load, Name};
pub use push::{Deduplicate, DeduplicateMode, DeduplicatedContent, Push};

/// A list of operations and the blobs that they need.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// What to do, in the order of declaration.
    pub operations: Vec<Operation>,
    /// Every blob that an operation may need.
    pub blobs: BTreeMap<Digest, Blob>,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Operation {
    /// Put an image into a registry.
    Push(Push),
    /// Bring an image into a container runtime.
    Load(Load),
}

impl Operation {
    /// The push, if it is one.
    pub fn as_push(&self) -> Option<&Push> {
        match self {
            Self::Push(push) => Some(push),
            Self::Load(_) => None,
        }
    }

    /// The push, to be changed, if it is one.
    pub fn as_push_mut(&mut self) -> Option<&mut Push> {
        match self {
            Self::Push(push) => Some(push),
            Self::Load(_) => None,
        }
    }

    /// The load, if it is one.
    pub fn as_load(&self) -> Option<&Load> {
        match self {
            Self::Push(_) => None,
            Self::Load(load) => Some(load),
        }
    }
}

/// What an operation is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Root {
    /// Media type of the manifest or index.
    pub media_type: String,
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}

/// Where the bytes of layers come from, and who moves them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// All layers that the build made are runfiles.
    Eager,
    /// Missing layers are streamed out of the remote cache or the disk cache.
    Lazy,
    /// The registry reads the remote cache itself.
    CasRegistry,
    /// A build event service pushes.
    Bes,
}

/// When a blob may be mounted from the repository of the base image (setting `cross_mount`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CrossMount {
    /// When it lies in the destination's registry.
    #[default]
    SameRegistry,
    /// Also when it is named after another registry.
    CrossRegistry,
    /// Never.
    Disabled,
}

/// Where a base image was pulled from (`PullInfo`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Original {
    /// Registries that serve it, in the order in which they are asked.
    pub registries: Vec<String>,
    /// Repository there.
    pub repository: String,
    /// Tag, or empty.
    #[serde(default)]
    pub tag: String,
    /// Digest, or empty.
    #[serde(default)]
    pub digest: String,
}

/// What is known about one blob.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Blob {
    /// Media type.
    pub media_type: String,
    /// Size in bytes.
    pub size: u64,
    /// What it is.
    pub kind: Kind,
    /// Its path below the runfiles root (`_main/pkg/name.tgz`), if it was shipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runfile: Option<String>,
    /// The target that makes it, for messages; none if the build does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Registries that it can be read from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Source>,
}

/// What a blob is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An image manifest.
    Manifest,
    /// An image index.
    Index,
    /// An image configuration.
    Config,
    /// A layer.
    Layer,
}

/// A repository that holds a blob.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// `host[:port]`.
    pub registry: String,
    /// Repository.
    pub repository: String,
}

/// A text is not a plan.
#[derive(Debug, thiserror::Error)]
#[error("not a plan of a deploy target")]
pub struct PlanError(#[from] serde_json::Error);

impl Plan {
    /// The plan as indented JSON with a trailing newline.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self)
            .expect("strings, numbers and maps with string keys always serialize");
        text.push('\n');
        text
    }

    /// Reads a plan; unknown fields are refused, as they mean that builder and pusher disagree.
    pub fn from_json(text: &[u8]) -> Result<Self, PlanError> {
        Ok(serde_json::from_slice(text)?)
    }

    /// Adds the operations and blobs of another plan behind those that are there.
    pub fn append(&mut self, other: Self) {
        self.operations.extend(other.operations);
        for (digest, blob) in other.blobs {
            self.add_blob(digest, blob);
        }
    }

    /// Adds what is known about a blob. A second entry for a digest completes the first: a runfile is kept, sources
    /// are united.
    pub fn add_blob(&mut self, digest: Digest, blob: Blob) {
        match self.blobs.entry(digest) {
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(blob);
            }
            std::collections::btree_map::Entry::Occupied(mut entry) => {
                let known = entry.get_mut();
                known.runfile = known.runfile.take().or(blob.runfile);
                known.label = known.label.take().or(blob.label);
                for source in blob.sources {
                    if !known.sources.contains(&source) {
                        known.sources.push(source);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_a_round_trip() {
        let text = r#"{"operations":[{"command":"push","label":"//:push","strategy":"cas_registry","registry":"localhost:5000",
            "repository":"app","tags":["a"],"root":{"mediaType":"m","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2}}],
            "blobs":{"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a":{"mediaType":"m","size":2,"kind":"config",
            "sources":[{"registry":"r","repository":"x"}]}}}"#;
        let plan = Plan::from_json(text.as_bytes()).unwrap();
        assert_eq!(Plan::from_json(plan.to_json().as_bytes()).unwrap(), plan);
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for text in [
            "",
            "[]",
            r#"{"operations":[],"blobs":{},"more":1}"#,
            r#"{"operations":[{"command":"x"}],"blobs":{}}"#,
        ] {
            assert!(Plan::from_json(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_plan_behind_a_plan() {
        let digest = Digest::from_bytes([1; 32]);
        let blob = Blob {
            media_type: "m".into(),
            size: 1,
            kind: Kind::Layer,
            label: None,
            runfile: None,
            sources: Vec::new(),
        };
        let plan = |tag: &str, runfile: Option<&str>| Plan {
            operations: vec![Operation::Push(Push {
                tags: vec![tag.into()],
                ..Push::new("//:app", "r", "x", Root { media_type: "m".into(), digest, size: 1 })
            })],
            blobs: BTreeMap::from([(digest, Blob { runfile: runfile.map(Into::into), ..blob.clone() })]),
        };
        let mut merged = Plan::default();
        merged.append(plan("a", None));
        merged.append(plan("b", Some("runfile")));
        let tags: Vec<_> = merged
            .operations
            .iter()
            .filter_map(Operation::as_push)
            .map(|push| push.tags[0].as_str())
            .collect();
        assert_eq!(tags, ["a", "b"]);
        assert_eq!(merged.blobs, plan("b", Some("runfile")).blobs);
    }

    #[test]
    fn a_second_entry_completes_the_first() {
        let digest = Digest::from_bytes([1; 32]);
        let source = Source { registry: "r".into(), repository: "x".into() };
        let blob = Blob {
            media_type: "m".into(),
            size: 1,
            kind: Kind::Layer,
            runfile: None,
            label: None,
            sources: vec![source.clone()],
        };
        let mut plan = Plan::default();
        plan.add_blob(digest, blob.clone());
        plan.add_blob(digest, Blob { runfile: Some("a".into()), ..blob });
        assert_eq!(plan.blobs[&digest].runfile.as_deref(), Some("a"));
        assert_eq!(plan.blobs[&digest].sources, [source]);
    }
}
