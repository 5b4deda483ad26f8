//! What to read: the image, its manifests, their configs.

use std::collections::BTreeSet;

use bytes::Bytes;
use futures_util::future::{try_join, try_join_all};
use oci::media_type::{is_image_config, is_index, is_manifest};
use oci::{Descriptor, Digest, Index, MAX_CONFIG_SIZE, Manifest, Platform};
use registry::ManifestName;
use serde::de::DeserializeOwned;

use crate::pull::{PullError, Report, Sources, Store};

/// Indexes within indexes within the image's index. One level is seen in the wild.
const MAX_INNER_LEVELS: usize = 4;

/// Pulls the documents of an image into a store.
pub(crate) async fn pull(sources: &Sources, store: &Store, name: &ManifestName) -> Result<Report, PullError> {
    let root = root(sources, store, name).await?;
    let entries = if is_index(&root.media_type) {
        entries_of_index(sources, store, &root).await?
    } else {
        vec![Entry { descriptor: root.descriptor(), manifest: root.manifest()? }]
    };
    let configs =
        distinct(entries.iter().filter(|entry| entry.is_image()).map(|entry| &entry.manifest.config));
    try_join_all(configs.into_iter().map(|descriptor| config(sources, store, descriptor))).await?;
    store.write_descriptor(&root.descriptor())?;
    for entry in entries {
        store.write_descriptor(&entry.with_platform(store))?;
    }

    let stats = sources.client().stats();
    Ok(Report {
        digest: root.digest,
        media_type: root.media_type,
        registry: root.registry,
        requests: stats.requests,
        bytes: stats.received,
    })
}

/// What a tag or digest stands for.
struct Root {
    bytes: Bytes,
    media_type: String,
    digest: Digest,
    registry: String,
}

impl Root {
    fn descriptor(&self) -> Descriptor {
        Descriptor::new(self.media_type.clone(), self.digest, self.bytes.len() as u64)
    }

    /// The image, if it is one.
    fn manifest(&self) -> Result<Manifest, PullError> {
        let digest = self.digest;
        if !is_manifest(&self.media_type) {
            return Err(PullError::MediaType { digest, media_type: self.media_type.clone() });
        }
        let manifest: Manifest = parse(digest, &self.bytes, "image manifest")?;
        if !is_image_config(&manifest.config.media_type) {
            let kind = manifest.artifact_type.unwrap_or(manifest.config.media_type);
            return Err(PullError::Artifact { digest, kind });
        }
        Ok(manifest)
    }
}

/// First wave. Everything but a tag may be there from an earlier pull.
async fn root(sources: &Sources, store: &Store, name: &ManifestName) -> Result<Root, PullError> {
    if let ManifestName::Digest(digest) = name
        && let Some(bytes) = store.read(*digest)
        && let Some(media_type) = registry::media_type_of(&bytes)
    {
        return Ok(Root {
            bytes,
            media_type,
            digest: *digest,
            registry: sources.first().registry.to_string(),
        });
    }
    let (document, remote) =
        sources.ask(async |client, remote| client.get_manifest(remote, name.clone()).await).await?;
    store.write(document.digest, &document.bytes)?;
    Ok(Root {
        bytes: document.bytes,
        media_type: document.media_type,
        digest: document.digest,
        registry: remote.registry.to_string(),
    })
}

/// A manifest, and what is said of it.
struct Entry {
    descriptor: Descriptor,
    manifest: Manifest,
}

impl Entry {
    /// Attestations and other artifacts are no images, so nobody will read their configs.
    fn is_image(&self) -> bool {
        !self.descriptor.is_attestation() && is_image_config(&self.manifest.config.media_type)
    }

    /// The descriptor with the platform that the index or else the config names.
    fn with_platform(self, store: &Store) -> Descriptor {
        if !self.is_image() {
            return self.descriptor;
        }
        let in_config = || serde_json::from_slice(&store.read(self.manifest.config.digest)?).ok();
        let platform: Option<Platform> = self.descriptor.platform.or_else(in_config);
        let platform =
            platform.filter(|platform| !platform.os.is_empty() && !platform.architecture.is_empty());
        let platform = platform.map(|platform| {
            let variant = platform.variant.as_deref().unwrap_or_default();
            let variant =
                Platform::new(platform.os.as_str(), platform.architecture.as_str(), variant).variant;
            Platform { variant, ..platform }
        });
        Descriptor { platform, ..self.descriptor }
    }
}

/// Second wave: all manifests of an index, attestations and other artifacts included, so that the index stays whole.
/// Indexes within it are fetched in the same wave, and what they hold takes another one.
async fn entries_of_index(sources: &Sources, store: &Store, root: &Root) -> Result<Vec<Entry>, PullError> {
    let index: Index = parse(root.digest, &root.bytes, "image index")?;
    let mut wave = index.manifests;
    let mut entries: Vec<Entry> = Vec::new();
    let mut seen = BTreeSet::from([root.digest]);
    let mut count = 0;
    for _ in 0..=MAX_INNER_LEVELS {
        count += wave.len();
        wave.retain(|entry| seen.insert(entry.digest));
        let (indexes, manifests): (Vec<_>, Vec<_>) = wave
            .into_iter()
            .filter(|entry| is_index(&entry.media_type) || is_manifest(&entry.media_type))
            .partition(|entry| is_index(&entry.media_type));
        let (inner, found) = try_join(
            try_join_all(indexes.iter().map(|entry| document::<Index>(sources, store, entry, "image index"))),
            try_join_all(manifests.iter().map(|entry| document(sources, store, entry, "image manifest"))),
        )
        .await?;
        let found = manifests.into_iter().zip(found);
        entries.extend(found.map(|(descriptor, manifest)| Entry { descriptor, manifest }));
        wave = inner.into_iter().flat_map(|index| index.manifests).collect();
        if wave.is_empty() {
            break;
        }
    }
    if !wave.is_empty() {
        return Err(PullError::TooDeep { digest: root.digest, levels: MAX_INNER_LEVELS });
    }
    if !entries.iter().any(Entry::is_image) {
        return Err(PullError::NoImage { digest: root.digest, entries: count });
    }
    Ok(entries)
}

/// One descriptor for each digest: several platforms may share a document.
fn distinct<'a>(descriptors: impl Iterator<Item = &'a Descriptor>) -> Vec<&'a Descriptor> {
    let mut seen = BTreeSet::new();
    descriptors.filter(|descriptor| seen.insert(descriptor.digest)).collect()
}

async fn document<T: DeserializeOwned>(
    sources: &Sources,
    store: &Store,
    entry: &Descriptor,
    expected: &'static str,
) -> Result<T, PullError> {
    let digest = entry.digest;
    if let Some(bytes) = store.read(digest) {
        return parse(digest, &bytes, expected);
    }
    let (document, _) = sources.ask(async |client, remote| client.get_manifest(remote, digest).await).await?;
    let found = document.bytes.len() as u64;
    if found != entry.size {
        return Err(PullError::Size { digest, expected: entry.size, found });
    }
    if document.media_type != entry.media_type {
        let (expected, found) = (entry.media_type.clone(), document.media_type);
        return Err(PullError::Contradiction { digest, expected, found });
    }
    let parsed = parse(digest, &document.bytes, expected)?;
    store.write(digest, &document.bytes)?;
    Ok(parsed)
}

/// Third wave.
async fn config(sources: &Sources, store: &Store, descriptor: &Descriptor) -> Result<(), PullError> {
    let (digest, size) = (descriptor.digest, descriptor.size);
    if store.read(digest).is_some() {
        return Ok(());
    }
    let (bytes, _) = sources
        .ask(async |client, remote| client.get_blob(remote, digest, Some(size), MAX_CONFIG_SIZE).await)
        .await?;
    parse::<oci::config::ImageConfig>(digest, &bytes, "image configuration")?;
    store.write(digest, &bytes)?;
    Ok(())
}

fn parse<T: DeserializeOwned>(digest: Digest, bytes: &[u8], expected: &'static str) -> Result<T, PullError> {
    serde_json::from_slice(bytes).map_err(|source| PullError::Document { digest, expected, source })
}
