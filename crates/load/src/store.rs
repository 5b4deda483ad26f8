//! What docker and podman have of an image before it is loaded.
//!
//! Both know images by the digest of their config, and layers by what they are unpacked. A layer counts as there if all below
//! it are there, too, in the same order: in docker, as in an image, a layer is known by all that is below it.

use std::collections::{BTreeMap, BTreeSet};

use deploy::Context;
use deploy::content::{self, Document, Purpose};
use oci::{Digest, ImageName, Platform, Reference};
use plan::Daemon;
use serde::Deserialize;
use tool::Failure;

use crate::program::{Program, last_words};

/// Images that are asked for their layers.
const ASKED: usize = 200;

/// An image as docker and podman know it.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// The digest of its config.
    id: Digest,
    manifest: Digest,
    /// Layers with what they are unpacked, lowest first.
    layers: Vec<(Digest, String)>,
}

/// What is there of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Presence {
    /// The very image, and which of its names it lacks.
    pub(crate) image: Option<Vec<ImageName>>,
    /// Layers that need not be sent.
    pub(crate) layers: BTreeSet<Digest>,
}

/// What `image inspect` says.
#[derive(Debug, Deserialize)]
struct Inspected {
    id: String,
    /// Of the manifest, in podman.
    #[serde(default)]
    digest: Option<String>,
    layers: Option<Vec<String>>,
    tags: Option<Vec<String>>,
}

impl Known {
    /// Reads the config of an image. None for what is no image with as many layers as its manifest says.
    pub(crate) fn of(
        context: &Context,
        purpose: Purpose<'_>,
        manifest: &Document,
    ) -> Result<Option<Self>, Failure> {
        let Some(config) = manifest.config() else { return Ok(None) };
        let parsed = content::read_config(context, purpose, config)?;
        let Some(layers) = manifest.layers_with_diff_ids(parsed) else { return Ok(None) };
        let layers = layers.into_iter().map(|(layer, unpacked)| (layer, unpacked.to_string())).collect();
        Ok(Some(Self { id: config.digest, manifest: manifest.digest, layers }))
    }
}

/// Asks a program that knows images by their configs what it has of one. Where it does not say, nothing is there: that costs
/// bytes, and nothing else.
pub(crate) async fn ask(
    program: &Program,
    daemon: Daemon,
    image: &Known,
    names: &[ImageName],
) -> Result<Presence, Failure> {
    let candidates = candidates(&list(program).await?, daemon, image, names);
    if candidates.is_empty() {
        return Ok(Presence::default());
    }
    let format = match daemon {
        Daemon::Podman => {
            r#"{"id":{{json .ID}},"digest":{{json .Digest}},"layers":{{json .RootFS.Layers}},"tags":{{json .RepoTags}}}"#
        }
        _ => r#"{"id":{{json .ID}},"layers":{{json .RootFS.Layers}},"tags":{{json .RepoTags}}}"#,
    };
    let mut words = vec!["image", "inspect", "--format", format];
    words.extend(candidates.iter().map(String::as_str));
    // One that was removed meanwhile makes it fail; what it says of the others is true.
    let answer = program.ask(&words).await?;
    let found = answer.out.lines().filter_map(|line| serde_json::from_str(line).ok());
    Ok(compare(&found.collect::<Vec<_>>(), daemon, image, names))
}

/// Asks docker with a containerd, where images are known by their manifest or index, for one that has these platforms; says
/// which names it lacks. Which layers other images have, it does not tell.
pub(crate) async fn ask_whole(
    program: &Program,
    root: Digest,
    platforms: &[&Platform],
    names: &[ImageName],
) -> Result<Option<Vec<ImageName>>, Failure> {
    let (id, listed) = (root.to_string(), list(program).await?);
    let tags: Vec<&str> = listed
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter(|(other, _)| *other == id)
        .map(|(_, tag)| tag)
        .collect();
    if tags.is_empty() {
        return Ok(None);
    }
    for platform in platforms {
        // An index may be there without the image for a platform. Before docker 28.1 nobody can ask for that.
        let platform = platform.to_string();
        if !program
            .ask(&["image", "inspect", "--platform", &platform, "--format", "{{.ID}}", &id])
            .await?
            .status
            .success()
        {
            return Ok(None);
        }
    }
    Ok(Some(lacking(&tags, Daemon::Docker, names)))
}

/// `ID NAME` of all images, the youngest first; nothing where the program does not say.
async fn list(program: &Program) -> Result<String, Failure> {
    let answer = program.ask(&["image", "ls", "--no-trunc", "--format", "{{.ID}} {{.Repository}}:{{.Tag}}"]);
    let answer = answer.await?;
    if answer.status.success() {
        return Ok(answer.out);
    }
    tracing::info!("`{}` does not say which images it has: {}", program.name(), last_words(&answer));
    Ok(String::new())
}

/// The images to ask about: the very image, those with one of its names, those of the same repositories, then others, the
/// youngest first.
fn candidates(listed: &str, daemon: Daemon, image: &Known, names: &[ImageName]) -> Vec<String> {
    let mut ranked = BTreeMap::new();
    for (position, line) in listed.lines().enumerate() {
        let Some((id, name)) = line.split_once(' ') else { continue };
        let rank = if hex(id) == image.id.hex() {
            0
        } else if names.iter().any(|wanted| is_same(name, wanted, daemon)) {
            1
        } else if names.iter().any(|wanted| is_same_repository(name, wanted, daemon)) {
            2
        } else {
            3
        };
        let known: &mut (usize, usize) = ranked.entry(id).or_insert((rank, position));
        *known = (rank, position).min(*known);
    }
    let mut ranked: Vec<_> = ranked.into_iter().map(|(id, rank)| (rank, id.to_owned())).collect();
    ranked.sort();
    ranked.into_iter().map(|(_, id)| id).take(ASKED).collect()
}

fn compare(found: &[Inspected], daemon: Daemon, image: &Known, names: &[ImageName]) -> Presence {
    let very = found.iter().find(|other| {
        let manifest = other.digest.as_ref().filter(|_| daemon == Daemon::Podman);
        hex(&other.id) == image.id.hex()
            && manifest.is_none_or(|digest| *digest == image.manifest.to_string())
    });
    let lacks = |other: &Inspected| {
        let tags: Vec<&str> = other.tags.iter().flatten().map(String::as_str).collect();
        lacking(&tags, daemon, names)
    };
    let common = |other: &Inspected| {
        let layers = other.layers.as_deref().unwrap_or_default();
        image.layers.iter().zip(layers).take_while(|((_, wanted), found)| wanted == *found).count()
    };
    let there = found.iter().map(common).max().unwrap_or(0);
    let (below, above) = image.layers.split_at(there);
    let mut layers: BTreeSet<Digest> = below.iter().map(|(digest, _)| *digest).collect();
    // The same layer once more, upon others, is not the same to docker.
    for (digest, _) in above {
        layers.remove(digest);
    }
    Presence { image: very.map(lacks), layers }
}

/// The names that are not among these.
fn lacking(tags: &[&str], daemon: Daemon, names: &[ImageName]) -> Vec<ImageName> {
    names.iter().filter(|name| !tags.iter().any(|tag| is_same(tag, name, daemon))).cloned().collect()
}

fn hex(id: &str) -> &str {
    id.strip_prefix("sha256:").unwrap_or(id)
}

/// Whether a daemon would call an image so. podman puts what has no registry below `localhost`.
fn is_same(found: &str, wanted: &ImageName, daemon: Daemon) -> bool {
    let Ok(found) = Reference::parse(found) else { return false };
    possible(wanted, daemon).contains(&found)
}

fn is_same_repository(found: &str, wanted: &ImageName, daemon: Daemon) -> bool {
    let Ok(found) = Reference::parse(found) else { return false };
    let same = |name: &Reference| (&name.registry, &name.repository) == (&found.registry, &found.repository);
    possible(wanted, daemon).iter().any(same)
}

fn possible(wanted: &ImageName, daemon: Daemon) -> Vec<Reference> {
    let local = format!("localhost/{wanted}");
    let names = match daemon {
        Daemon::Podman => vec![wanted.as_str(), &local],
        _ => vec![wanted.as_str()],
    };
    names.into_iter().filter_map(|name| Reference::parse(name).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(number: u8) -> Digest {
        Digest::from_bytes([number; 32])
    }

    fn image(layers: &[u8]) -> Known {
        let layers = layers.iter().map(|number| (digest(*number), format!("sha256:{number}"))).collect();
        Known { id: digest(100), manifest: digest(101), layers }
    }

    fn other(id: Digest, layers: &[&str], tags: &[&str]) -> Inspected {
        let own = |texts: &[&str]| Some(texts.iter().map(ToString::to_string).collect());
        Inspected { id: id.to_string(), digest: None, layers: own(layers), tags: own(tags) }
    }

    fn names(texts: &[&str]) -> Vec<ImageName> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn the_longest_common_part_counts() {
        let found = [
            other(digest(1), &["sha256:1", "sha256:2", "sha256:9"], &[]),
            other(digest(2), &["sha256:2", "sha256:3"], &[]),
            other(digest(3), &["sha256:1"], &[]),
        ];
        let presence = compare(&found, Daemon::Docker, &image(&[1, 2, 3, 4]), &[]);
        assert_eq!(presence, Presence { image: None, layers: [digest(1), digest(2)].into() });
        let twice = compare(&found, Daemon::Docker, &image(&[1, 2, 3, 2]), &[]);
        assert_eq!(twice.layers, [digest(1)].into());
        assert_eq!(compare(&[], Daemon::Docker, &image(&[1]), &[]), Presence::default());
    }

    #[test]
    fn the_very_image_may_lack_names() {
        let found = [other(digest(100), &["sha256:1"], &["app:1", "ghcr.io/me/app:2"])];
        let wanted = names(&["docker.io/library/app:1", "ghcr.io/me/app:2", "ghcr.io/me/app:3"]);
        let presence = compare(&found, Daemon::Docker, &image(&[1]), &wanted);
        assert_eq!(presence.image, Some(names(&["ghcr.io/me/app:3"])));
    }

    #[test]
    fn podman_keeps_manifests_and_calls_short_names_local() {
        let mut found = other(digest(100), &["sha256:1"], &["localhost/app:1"]);
        found.id = digest(100).hex();
        found.digest = Some(digest(101).to_string());
        let wanted = names(&["app:1"]);
        let presence = compare(std::slice::from_ref(&found), Daemon::Podman, &image(&[1]), &wanted);
        assert_eq!(presence.image, Some(Vec::new()));
        found.digest = Some(digest(102).to_string());
        let presence = compare(&[found], Daemon::Podman, &image(&[1]), &wanted);
        assert_eq!(presence, Presence { image: None, layers: [digest(1)].into() });
    }

    #[test]
    fn the_nearest_images_are_asked_first() {
        let very = digest(100);
        let listed = format!(
            "sha256:a other:1\nsha256:b app:2\nsha256:c <none>:<none>\nsha256:d app:1\n{very} x:1\nsha256:a app:3\nbroken\n"
        );
        let asked = candidates(&listed, Daemon::Docker, &image(&[]), &names(&["app:1"]));
        assert_eq!(asked, [very.to_string().as_str(), "sha256:d", "sha256:b", "sha256:a", "sha256:c"]);
        let many: Vec<String> = (0..500).map(|number| format!("sha256:{number} app:{number}")).collect();
        let many = many.join("\n");
        let asked = candidates(&many, Daemon::Docker, &image(&[]), &names(&["app:499"]));
        assert_eq!((asked.len(), asked[0].as_str()), (ASKED, "sha256:499"));
    }
}
