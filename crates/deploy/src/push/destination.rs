//! Where a push goes: the plan's words, the command line's, parsed once.

use std::collections::BTreeSet;

use oci::{Digest, RegistryHost, Repository, Tag};
use plan::CrossMount;
use registry::Remote;
use tool::{Failure, FailureContext as _};

/// What the command line says instead of the plan, or on top of it.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Another registry.
    pub registry: Option<String>,
    /// Another repository.
    pub repository: Option<String>,
    /// More tags.
    pub tags: Vec<String>,
}

/// A repository and the tags to set in it.
#[derive(Clone, Debug)]
pub(crate) struct Destination {
    pub(crate) remote: Remote,
    pub(crate) tags: BTreeSet<Tag>,
}

impl Destination {
    /// The destination of an operation.
    pub(crate) fn new(operation: &plan::Push, overrides: &Overrides) -> Result<Self, Failure> {
        let registry: RegistryHost = overrides
            .registry
            .as_ref()
            .unwrap_or(&operation.registry)
            .parse()
            .about("registry")
            .or_usage()?;
        let repository: Repository = overrides
            .repository
            .as_ref()
            .unwrap_or(&operation.repository)
            .parse()
            .about("repository")
            .or_usage()?;
        let tags = operation.tags.iter().chain(&overrides.tags).filter(|tag| !tag.is_empty());
        let tags = tags.map(|tag| tag.parse::<Tag>()).collect::<Result<_, _>>().about("tag").or_usage()?;
        Ok(Self { remote: Remote::new(registry, repository), tags })
    }

    /// The names under which the image can be pulled afterwards: by digest, then by each tag.
    pub(crate) fn references(&self, digest: Digest) -> Vec<String> {
        let by_tag = self.tags.iter().map(|tag| format!("{}:{tag}", self.remote));
        std::iter::once(format!("{}@{digest}", self.remote)).chain(by_tag).collect()
    }

    /// A repository of the same registry that a blob can be mounted from, if the setting `cross_mount` allows it.
    pub(crate) fn mount_source(
        &self,
        operation: &plan::Push,
        blob: Option<&plan::Blob>,
    ) -> Option<Repository> {
        let anywhere = match operation.cross_mount {
            CrossMount::Disabled => return None,
            CrossMount::SameRegistry => false,
            CrossMount::CrossRegistry => true,
        };
        let sources = blob?.sources.iter();
        let here = |source: &&plan::Source| {
            source.registry.parse::<RegistryHost>().is_ok_and(|registry| registry == self.remote.registry)
        };
        let source = sources.clone().find(here).or_else(|| sources.clone().next().filter(|_| anywhere))?;
        source.repository.parse().ok().filter(|repository| *repository != self.remote.repository)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(cross_mount: CrossMount) -> plan::Push {
        plan::Push {
            label: "//:push".into(),
            strategy: plan::Strategy::Eager,
            registry: "docker.io".into(),
            repository: "me/app".into(),
            tags: vec!["b".into(), "a".into(), String::new()],
            root: plan::Root { media_type: String::new(), digest: Digest::from_bytes([0; 32]), size: 0 },
            original: None,
            cross_mount,
            manifest_tags: std::collections::BTreeMap::new(),
            referrers: Vec::new(),
            mount_from: Vec::new(),
            staging_repository: None,
            forbid_layer_push: false,
            deduplicate: None,
        }
    }

    fn blob(registry: &str, repository: &str) -> plan::Blob {
        let source = plan::Source { registry: registry.into(), repository: repository.into() };
        plan::Blob {
            media_type: String::new(),
            size: 1,
            kind: plan::Kind::Layer,
            runfile: None,
            label: None,
            sources: vec![source],
        }
    }

    #[test]
    fn tags_are_sorted_and_unique() {
        let overrides = Overrides { tags: vec!["c".into(), "a".into()], ..Overrides::default() };
        let to = Destination::new(&operation(CrossMount::SameRegistry), &overrides).unwrap();
        let references = to.references(Digest::from_bytes([0; 32]));
        assert!(references[0].starts_with("index.docker.io/me/app@sha256:00"));
        assert_eq!(references[1..], ["a", "b", "c"].map(|tag| format!("index.docker.io/me/app:{tag}")));
    }

    #[test]
    fn mounts_follow_the_setting() {
        let table = [
            (CrossMount::SameRegistry, "index.docker.io", "library/ubuntu", true),
            (CrossMount::SameRegistry, "docker.io", "library/ubuntu", true),
            (CrossMount::SameRegistry, "docker.io", "me/app", false),
            (CrossMount::SameRegistry, "ghcr.io", "library/ubuntu", false),
            (CrossMount::CrossRegistry, "ghcr.io", "library/ubuntu", true),
            (CrossMount::Disabled, "docker.io", "library/ubuntu", false),
        ];
        for (setting, registry, repository, expected) in table {
            let operation = operation(setting);
            let to = Destination::new(&operation, &Overrides::default()).unwrap();
            let found = to.mount_source(&operation, Some(&blob(registry, repository)));
            assert_eq!(found.is_some(), expected, "{setting:?} {registry}/{repository}");
        }
    }

    #[test]
    fn bad_names_say_which_part() {
        let overrides = Overrides { registry: Some("https://ghcr.io".into()), ..Overrides::default() };
        let failure = Destination::new(&operation(CrossMount::Disabled), &overrides).unwrap_err();
        assert!(
            failure.message().starts_with("error: registry: `https://ghcr.io` is not a registry"),
            "{}",
            failure.message()
        );
    }
}
