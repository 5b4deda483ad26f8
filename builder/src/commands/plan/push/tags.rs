//! Tags of what is pushed: of the image, and of each image in an index.

use std::collections::BTreeMap;

use anyhow::{Context as _, anyhow};
use oci::{Digest, Platform, Tag};
use tool::{Failure, FailureContext as _};

use super::super::content::{Child, Content};
use super::super::templates::Variables;

/// The tags that were typed, each once, in the order in which they were given.
pub(super) fn of_the_root(given: &[(String, String)]) -> Result<Vec<String>, Failure> {
    let mut tags: Vec<String> = Vec::new();
    for (text, from) in given {
        let tag: Tag = text.parse().context(from.clone()).or_usage()?;
        if !tags.iter().any(|known| known == tag.as_str()) {
            tags.push(tag.to_string());
        }
    }
    Ok(tags)
}

/// What is typed as tags of every image in an index.
pub(super) struct OfManifests<'a> {
    pub(super) templates: &'a [String],
    pub(super) variables: &'a Variables<'a>,
}

impl OfManifests<'_> {
    /// The tags of every image in the index, sorted. Attestations are no images.
    pub(super) fn of(
        &self,
        index: Digest,
        content: &Content,
        of_the_root: &[String],
    ) -> Result<BTreeMap<Digest, Vec<String>>, Failure> {
        if self.templates.is_empty() {
            return Ok(BTreeMap::new());
        }
        let Some(children) = content.children(index) else {
            let error =
                anyhow!("`manifest_tags`: the image is for one platform; only an index has manifests to tag");
            return Err(Failure::usage(error).hint("use `tag` or `tag_list`"));
        };
        let mut claimed: BTreeMap<String, Child> = BTreeMap::new();
        for child in children.into_iter().filter(|child| !child.is_attestation) {
            for tag in expanded(self.variables, self.templates, child.platform.as_ref())? {
                if of_the_root.contains(&tag) {
                    let error =
                        anyhow!("`manifest_tags`: the tag `{tag}` of {child} is one of the index itself");
                    return Err(Failure::usage(error).hint("give them different tags"));
                }
                match claimed.get(&tag) {
                    Some(other) if other.digest != child.digest => {
                        return Err(claimed_twice(&tag, other, &child));
                    }
                    Some(_) => {}
                    None => drop(claimed.insert(tag, child.clone())),
                }
            }
        }
        let mut tags: BTreeMap<Digest, Vec<String>> = BTreeMap::new();
        for (tag, child) in claimed {
            tags.entry(child.digest).or_default().push(tag);
        }
        Ok(tags)
    }
}

fn expanded(
    variables: &Variables<'_>,
    templates: &[String],
    platform: Option<&Platform>,
) -> Result<Vec<String>, Failure> {
    let words: Vec<(&str, &str)> = platform.map_or_else(Vec::new, |platform| {
        let architecture = platform.architecture.as_str();
        vec![
            ("os", platform.os.as_str()),
            ("architecture", architecture),
            ("arch", architecture),
            ("cpu", architecture),
            ("variant", platform.variant.as_deref().unwrap_or_default()),
        ]
    });
    let expansion = variables.expansion(&words)?;
    let mut tags = Vec::new();
    for template in templates {
        let text = expansion.text("`manifest_tags`", template)?;
        if !text.is_empty() {
            let tag: Tag = text.parse().context("`manifest_tags`").or_usage()?;
            tags.push(tag.to_string());
        }
    }
    Ok(tags)
}

fn claimed_twice(tag: &str, one: &Child, other: &Child) -> Failure {
    Failure::usage(anyhow!("`manifest_tags`: the tag `{tag}` is claimed by {one} and by {other}"))
        .hint("tell them apart with `{{.os}}`, `{{.architecture}}` or `{{.variant}}`")
}
