//! Where a push goes: the plan's words, the command line's, parsed once.

use std::collections::{BTreeMap, BTreeSet};

use oci::{Digest, RegistryHost, Repository, Tag};
use plan::CrossMount;
use registry::Remote;
use tool::{Failure, FailureContext as _};

use crate::push::overrides::DeduplicateOverrides;

/// What the command line says instead of the plan, or on top of it.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Another registry.
    pub registry: Option<String>,
    /// Another repository.
    pub repository: Option<String>,
    /// More tags.
    pub tags: Vec<String>,
    /// Something else about deduplicated pushes.
    pub deduplicate: DeduplicateOverrides,
}

/// A repository and the tags to set in it.
#[derive(Clone, Debug)]
pub(crate) struct Destination {
    pub(crate) remote: Remote,
    pub(crate) tags: BTreeSet<Tag>,
    /// Tags of manifests below an index.
    pub(crate) child_tags: BTreeMap<Tag, Digest>,
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
        let child_tags = child_tags(operation).or_usage()?;
        Ok(Self { remote: Remote::new(registry, repository), tags, child_tags })
    }

    /// Everything that is to be set, and to what.
    pub(crate) fn all_tags(&self, root: Digest) -> impl Iterator<Item = (&Tag, Digest)> {
        let tags = self.tags.iter().map(move |tag| (tag, root));
        tags.chain(self.child_tags.iter().map(|(tag, digest)| (tag, *digest)))
    }

    /// The names under which the image can be pulled afterwards: by digest, by each tag, then what lies below it.
    pub(crate) fn references(&self, digest: Digest) -> Vec<String> {
        let tags = self.tags.iter().chain(self.child_tags.keys());
        let by_tag = tags.map(|tag| format!("{}:{tag}", self.remote));
        std::iter::once(format!("{}@{digest}", self.remote)).chain(by_tag).collect()
    }

    /// Repositories of the same registry that should have a layer: the base's, and those of `cross_mount_from`, as far
    /// as the setting `cross_mount` allows it.
    pub(crate) fn mount_sources(
        &self,
        operation: &plan::Push,
        layer: Option<&plan::Blob>,
    ) -> Vec<Repository> {
        let anywhere = match operation.cross_mount {
            CrossMount::Disabled => return Vec::new(),
            CrossMount::SameRegistry => false,
            // Docker Hub refuses whatever is not its own, and not kindly.
            CrossMount::CrossRegistry => !self.remote.registry.is_docker_hub(),
        };
        let here = |source: &&plan::Source| {
            source.registry.parse::<RegistryHost>().is_ok_and(|registry| registry == self.remote.registry)
        };
        let pick = |sources: &[plan::Source]| -> Option<Repository> {
            let source = sources.iter().find(here).or_else(|| sources.first().filter(|_| anywhere))?;
            source.repository.parse().ok().filter(|repository| *repository != self.remote.repository)
        };
        let base = layer.and_then(|layer| pick(&layer.sources));
        let named = pick(&operation.mount_from).filter(|named| Some(named) != base.as_ref());
        base.into_iter().chain(named).collect()
    }
}

fn child_tags(operation: &plan::Push) -> Result<BTreeMap<Tag, Digest>, Failure> {
    let mut tags = BTreeMap::new();
    for (digest, names) in &operation.manifest_tags {
        for name in names.iter().filter(|name| !name.is_empty()) {
            let tag: Tag = name.parse().about("tag of a manifest")?;
            if let Some(other) = tags.insert(tag, *digest).filter(|other| other != digest) {
                let error = anyhow::anyhow!("the tag `{name}` is given to both `{other}` and `{digest}`");
                return Err(
                    Failure::new(error).hint("make manifest_tags out of what tells the manifests apart")
                );
            }
        }
    }
    Ok(tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(cross_mount: CrossMount) -> plan::Push {
        let root = plan::Root { media_type: String::new(), digest: Digest::from_bytes([0; 32]), size: 0 };
        plan::Push {
            tags: vec!["b".into(), "a".into(), String::new()],
            cross_mount,
            ..plan::Push::new("//:push", "docker.io", "me/app", root)
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
            (CrossMount::CrossRegistry, "ghcr.io", "library/ubuntu", false),
            (CrossMount::Disabled, "docker.io", "library/ubuntu", false),
        ];
        for (setting, registry, repository, expected) in table {
            let operation = operation(setting);
            let to = Destination::new(&operation, &Overrides::default()).unwrap();
            let found = to.mount_sources(&operation, Some(&blob(registry, repository)));
            assert_eq!(found.len(), usize::from(expected), "{setting:?} {registry}/{repository}");
            let source = plan::Source { registry: registry.into(), repository: repository.into() };
            let operation = plan::Push { mount_from: vec![source], ..operation };
            let named = to.mount_sources(&operation, None);
            assert_eq!(named, found, "{setting:?} {registry}/{repository}");
            assert_eq!(to.mount_sources(&operation, Some(&blob(registry, repository))), found, "each once");
        }
    }

    #[test]
    fn what_lies_elsewhere_counts_where_that_is_wanted() {
        let mut operation = operation(CrossMount::CrossRegistry);
        operation.registry = "cache.example.com".into();
        let to = Destination::new(&operation, &Overrides::default()).unwrap();
        assert_eq!(to.mount_sources(&operation, Some(&blob("ghcr.io", "library/ubuntu"))).len(), 1);
        operation.cross_mount = CrossMount::SameRegistry;
        assert_eq!(to.mount_sources(&operation, Some(&blob("ghcr.io", "library/ubuntu"))), []);
    }

    #[test]
    fn a_tag_of_two_manifests_is_refused() {
        let digests = [1, 2].map(|byte| Digest::from_bytes([byte; 32]));
        let mut operation = operation(CrossMount::Disabled);
        operation.manifest_tags = digests.iter().map(|digest| (*digest, vec!["x".into()])).collect();
        let failure = Destination::new(&operation, &Overrides::default()).unwrap_err();
        let expected = format!("error: the tag `x` is given to both `{}` and `{}`\n", digests[0], digests[1]);
        assert!(failure.message().starts_with(&expected), "{}", failure.message());
        operation.manifest_tags = BTreeMap::from([(digests[0], vec!["x".into(), "w".into()])]);
        let to = Destination::new(&operation, &Overrides::default()).unwrap();
        let references = to.references(digests[1]);
        assert_eq!(references[3..], ["w", "x"].map(|tag| format!("index.docker.io/me/app:{tag}")));
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
