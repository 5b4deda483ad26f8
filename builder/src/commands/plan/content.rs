//! What a push consists of: documents and layers, as the list of entries has them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use anyhow::{Context as _, anyhow};
use oci::{Digest, Index, Manifest, Platform, media_type};
use plan::{Blob, Kind, Plan, Root, Source};
use tool::{Failure, FailureContext as _, Outcome};

use crate::{documents, entries};

/// All that was read.
#[derive(Default)]
pub(super) struct Content {
    /// A plan with blobs and without operations.
    pub(super) plan: Plan,
    /// What each manifest or index is about, if it is about another one.
    pub(super) subjects: BTreeMap<Digest, Option<Digest>>,
    /// Images about the image, in the order of the list.
    pub(super) referrers: Vec<Referrer>,
    indexes: BTreeMap<Digest, Index>,
}

/// An image about another one.
pub(super) struct Referrer {
    pub(super) root: Root,
    /// The target that makes it.
    pub(super) label: String,
}

/// An image in an index.
#[derive(Clone)]
pub(super) struct Child {
    pub(super) digest: Digest,
    pub(super) platform: Option<Platform>,
    pub(super) is_attestation: bool,
}

impl fmt::Display for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.platform {
            Some(platform) => write!(f, "`{}` ({platform})", self.digest),
            None => write!(f, "`{}`", self.digest),
        }
    }
}

impl Content {
    /// The image manifests below an index, those of inner indexes in their place; none if it is no index.
    pub(super) fn children(&self, digest: Digest) -> Option<Vec<Child>> {
        let index = self.indexes.get(&digest)?;
        let below = index.manifests.iter().flat_map(|entry| {
            self.children(entry.digest).unwrap_or_else(|| {
                let is_attestation = entry.is_attestation();
                vec![Child { digest: entry.digest, platform: entry.platform.clone(), is_attestation }]
            })
        });
        Some(below.collect())
    }

    /// Reads a list of entries; the document that the operation is about has to be among them.
    pub(super) fn read(list: &Path, root: Digest) -> Result<Self, Failure> {
        let content = Self::read_all(list)?;
        if !content.plan.blobs.contains_key(&root) {
            return Err(anyhow!(
                "`{}` lacks the document `{root}`, which the operation is about",
                list.display()
            )
            .into());
        }
        Ok(content)
    }

    fn read_all(list: &Path) -> Result<Self, Failure> {
        // Only a manifest knows what its configuration is.
        let mut config_types: BTreeMap<Digest, String> = BTreeMap::new();
        let mut configs = Vec::new();
        let mut content = Self::default();
        for fields in entries::read_fields(list)? {
            let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
            match fields.as_slice() {
                ["manifest", file, runfile] => {
                    let config = content.add_manifest(Path::new(file), runfile)?;
                    config_types.insert(config.digest, config.media_type);
                }
                ["index", file, runfile] => content.add_index(Path::new(file), runfile)?,
                ["config", file, runfile] => {
                    let bytes = documents::read(Path::new(file), oci::MAX_CONFIG_SIZE)?;
                    configs.push((bytes, (*runfile).to_owned()));
                }
                ["layer", file, runfile, label] => {
                    add_layer(&mut content.plan, Path::new(file), runfile, label)?;
                }
                ["base-layers", file, sources] => {
                    add_base_layers(&mut content.plan, Path::new(file), sources)?;
                }
                ["referrer", file, label] => content.add_referrer(Path::new(file), label)?,
                _ => {
                    let error =
                        anyhow!("`{}` in `{}` is not an entry of a plan", fields.join(" "), list.display());
                    return Err(Failure::usage(error));
                }
            }
        }
        for (bytes, runfile) in configs {
            let known = config_types.get(&blob::digest_of(&bytes)).map(String::as_str);
            let media_type = known.unwrap_or(media_type::OCI_CONFIG);
            add_document(&mut content.plan, Kind::Config, media_type, &bytes, &runfile);
        }
        Ok(content)
    }

    fn add_manifest(&mut self, file: &Path, runfile: &str) -> Result<oci::Descriptor, Failure> {
        let (manifest, bytes) = documents::read_manifest(file)?;
        let media_type = manifest.media_type.as_deref().unwrap_or(media_type::OCI_MANIFEST);
        let digest = add_document(&mut self.plan, Kind::Manifest, media_type, &bytes, runfile);
        self.subjects.insert(digest, manifest.subject.map(|subject| subject.digest));
        Ok(manifest.config)
    }

    fn add_index(&mut self, file: &Path, runfile: &str) -> Outcome {
        let bytes = documents::read(file, oci::MAX_MANIFEST_SIZE)?;
        let index: Index =
            serde_json::from_slice(&bytes).about(format!("`{}` is not an image index", file.display()))?;
        let media_type = index.media_type.as_deref().unwrap_or(media_type::OCI_INDEX);
        let digest = add_document(&mut self.plan, Kind::Index, media_type, &bytes, runfile);
        self.subjects.insert(digest, index.subject.as_ref().map(|subject| subject.digest));
        self.indexes.insert(digest, index);
        Ok(())
    }

    fn add_referrer(&mut self, descriptor: &Path, label: &str) -> Outcome {
        let found = documents::read_descriptor(descriptor)?;
        let root = Root { media_type: found.media_type, digest: found.digest, size: found.size };
        self.referrers.push(Referrer { root, label: label.to_owned() });
        Ok(())
    }
}

fn given(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

fn add_document(plan: &mut Plan, kind: Kind, media_type: &str, bytes: &[u8], path: &str) -> Digest {
    let descriptor = documents::describe(media_type, bytes);
    let blob = Blob {
        media_type: descriptor.media_type,
        size: descriptor.size,
        kind,
        runfile: given(path),
        label: None,
        sources: Vec::new(),
    };
    plan.add_blob(descriptor.digest, blob);
    descriptor.digest
}

/// Adds a layer that the build makes.
pub(crate) fn add_layer(plan: &mut Plan, metadata: &Path, path: &str, label: &str) -> Outcome {
    let layer = documents::read_layer(metadata)?.descriptor();
    let blob = Blob {
        media_type: layer.media_type,
        size: layer.size,
        kind: Kind::Layer,
        runfile: given(path),
        label: given(label),
        sources: Vec::new(),
    };
    plan.add_blob(layer.digest, blob);
    Ok(())
}

fn add_base_layers(plan: &mut Plan, manifest: &Path, sources: &str) -> Outcome {
    let sources: Vec<Source> =
        serde_json::from_str(sources).context(format!("`{sources}` is not a list of sources")).or_usage()?;
    let (manifest, _): (Manifest, _) = documents::read_manifest(manifest)?;
    // Nobody reads the config of an attestation before it is pushed on, so it may not be part of the build.
    let config = std::iter::once((Kind::Config, manifest.config));
    for (kind, descriptor) in config.chain(manifest.layers.into_iter().map(|layer| (Kind::Layer, layer))) {
        let blob = Blob {
            media_type: media_type::oci_layer(&descriptor.media_type).to_owned(),
            size: descriptor.size,
            kind,
            runfile: None,
            label: None,
            sources: sources.clone(),
        };
        plan.add_blob(descriptor.digest, blob);
    }
    Ok(())
}
