//! What a load comes to: its image, its names, and which parts of an index are brought.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use deploy::content::{self, Document, Image, Purpose};
use deploy::{Context, Tally};
use oci::{Descriptor, ImageName, Platform};
use plan::Daemon;
use tool::Failure;

use crate::platforms::{self, Platforms};
use crate::{Options, Report, names};

/// A load that is ready to be done.
pub(crate) struct Prepared<'a> {
    pub(crate) operation: &'a plan::Load,
    pub(crate) image: Image,
    /// Sorted; none: the image gets no name.
    pub(crate) names: Vec<ImageName>,
    /// The images of an index that are brought; of a single image, that one. At least one; the first is for those who know only
    /// one.
    pub(crate) chosen: Vec<Chosen>,
    /// Whether somebody named their platforms, or all.
    pub(crate) asked_for: bool,
}

/// An image that is brought.
#[derive(Clone, Debug)]
pub(crate) struct Chosen {
    pub(crate) manifest: Document,
    /// As the index says; none for a single image.
    pub(crate) platform: Option<Platform>,
}

impl<'a> Prepared<'a> {
    /// Reads an operation, and what the command line says of it.
    pub(crate) async fn new(
        context: &Context,
        operation: &'a plan::Load,
        options: &Options,
    ) -> Result<Self, Failure> {
        let names = names::of(&operation.name, options)?;
        let image = content::load(context, operation.into(), operation.root.digest).await?;
        let asked_for = options.platforms != Platforms::Unsaid;
        let chosen = if image.root.config().is_some() {
            check_platform(context, operation.into(), &image.root, options)?;
            vec![Chosen { manifest: image.root.clone(), platform: None }]
        } else {
            choose(&image, operation.daemon, options)?
        };
        Ok(Self { operation, image, names, chosen, asked_for })
    }

    /// A report that says of this load that nothing was done yet.
    pub(crate) fn report(&self, context: &Context, into: &str, start: Instant) -> Report {
        Report {
            label: self.operation.label.clone(),
            into: into.to_owned(),
            digest: self.image.root.digest,
            names: self.names.iter().map(ToString::to_string).collect(),
            unchanged: false,
            dry_run: context.dry_run,
            present: Tally::default(),
            sent: Tally::default(),
            seconds: deploy::Report::seconds(start.elapsed()),
        }
    }
}

/// The layers and configs of images, in their order, each once.
pub(crate) fn blobs(chosen: &[Chosen]) -> Vec<Descriptor> {
    let mut known = BTreeSet::new();
    let manifests = chosen.iter().map(|chosen| &chosen.manifest);
    let blobs = manifests.flat_map(|manifest| manifest.config().into_iter().chain(manifest.layers()));
    blobs.filter(|blob| known.insert(blob.digest)).cloned().collect()
}

/// The images of an index that are meant.
fn choose(image: &Image, daemon: Daemon, options: &Options) -> Result<Vec<Chosen>, Failure> {
    let offered = offered(image);
    let default = options.default_platform.clone().unwrap_or_else(platforms::of_this_machine);
    let wanted = match &options.platforms {
        Platforms::All => return all(image, offered, &default),
        Platforms::Unsaid if keeps_all(daemon) => return all(image, offered, &default),
        Platforms::Unsaid if offered.len() == 1 => vec![offered[0].0.clone()],
        Platforms::Unsaid => vec![default],
        Platforms::Some(wanted) => wanted.clone(),
    };
    let mut chosen: Vec<Chosen> = Vec::new();
    for wanted in wanted {
        let Some((platform, manifest)) = platforms::nearest(&wanted, &offered) else {
            return Err(not_offered(&wanted, &offered, options));
        };
        if chosen.iter().all(|known| known.manifest.digest != manifest.digest) {
            chosen.push(Chosen { manifest: manifest.clone(), platform: Some(platform.clone()) });
        }
    }
    Ok(chosen)
}

/// Whether an archive for a daemon is for all platforms unless somebody says otherwise: what takes it is not known, or knows
/// what to do with them.
fn keeps_all(daemon: Daemon) -> bool {
    matches!(daemon, Daemon::Containerization | Daemon::Generic | Daemon::Tar)
}

/// All images of an index, that for the default platform first.
fn all(
    image: &Image,
    offered: Vec<(Platform, Document)>,
    default: &Platform,
) -> Result<Vec<Chosen>, Failure> {
    if offered.is_empty() {
        return Err(none_runs(image));
    }
    let first = platforms::nearest(default, &offered).map(|(_, manifest)| manifest.digest);
    let chosen =
        offered.into_iter().map(|(platform, manifest)| Chosen { manifest, platform: Some(platform) });
    let (mut first, others): (Vec<_>, Vec<_>) =
        chosen.partition(|chosen| Some(chosen.manifest.digest) == first);
    first.extend(others);
    Ok(first)
}

/// The images of an index that are for a platform, in their order; what is about them (attestations) is not.
pub(crate) fn offered(image: &Image) -> Vec<(Platform, Document)> {
    let indexes = std::iter::once(&image.root).chain(&image.inner_indexes);
    let mut platforms = BTreeMap::new();
    for child in indexes.flat_map(Document::children).filter(|child| !child.is_attestation()) {
        if let Some(platform) = child.platform.clone().filter(|platform| !platform.is_unknown()) {
            platforms.entry(child.digest).or_insert(platform);
        }
    }
    let of = |manifest: &Document| Some((platforms.get(&manifest.digest)?.clone(), manifest.clone()));
    image.manifests.iter().filter_map(of).collect()
}

fn none_runs(image: &Image) -> Failure {
    let error = anyhow::anyhow!("the index `{}` lists no image for any platform", image.root.digest);
    Failure::new(error)
}

fn not_offered(wanted: &Platform, offered: &[(Platform, Document)], options: &Options) -> Failure {
    let platforms: Vec<String> = offered.iter().map(|(platform, _)| format!("`{platform}`")).collect();
    let platforms = if platforms.is_empty() { "none".to_owned() } else { platforms.join(", ") };
    let error = anyhow::anyhow!("the image is not for `{wanted}`; it is for {platforms}");
    let hint = match options.platforms {
        Platforms::Unsaid => {
            "name one of them: `bazel run TARGET -- --platform OS/ARCHITECTURE`, or `--platform all`"
        }
        _ => "name some of them, or `--platform all`",
    };
    Failure::usage(error).hint(hint)
}

/// A single image is loaded as it is, unless somebody asked for another one.
fn check_platform(
    context: &Context,
    purpose: Purpose<'_>,
    manifest: &Document,
    options: &Options,
) -> Result<(), Failure> {
    let (Platforms::Some(wanted), Some(config)) = (&options.platforms, manifest.config()) else {
        return Ok(());
    };
    let found = content::read_config(context, purpose, config)?.platform();
    if wanted.iter().any(|wanted| platforms::distance(wanted, &found).is_some()) {
        return Ok(());
    }
    let wanted: Vec<String> = wanted.iter().map(|wanted| format!("`{wanted}`")).collect();
    let error = anyhow::anyhow!("the image is for `{found}` and not for {}", wanted.join(" or "));
    Err(Failure::usage(error).hint("leave out --platform, or let the target load an index that has it"))
}
