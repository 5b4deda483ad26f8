//! From what operations lack to what they wish, so that it can be decided for all at once.

use std::collections::{BTreeMap, BTreeSet};

use oci::config::ImageConfig;
use oci::{Digest, Repository};
use plan::DeduplicatedContent;
use tool::Failure;

use crate::content::{Document, Image};
use crate::context::Context;
use crate::push::landing::{Deduplication, Wish};
use crate::push::prepare::Prepared;
use crate::push::survey::Survey;
use crate::runfile::runfile;

/// What an operation wishes.
pub(crate) fn of(context: &Context, survey: &Survey<'_>) -> Result<Vec<Wish>, Failure> {
    let prepared = survey.prepared;
    let deduplicate = deduplication(prepared)?;
    let artificial = deduplicate
        .as_ref()
        .is_some_and(|asked| asked.content == DeduplicatedContent::BlobsAndArtificialManifests);
    let diff_ids = if artificial { diff_ids(context, survey) } else { BTreeMap::new() };
    let staging = prepared.staging()?.filter(|staging| *staging != prepared.to.remote.repository);
    let wishes = survey.blobs().into_values().map(|(blob, is_layer)| Wish {
        operation: prepared.index,
        remote: prepared.to.remote.clone(),
        blob: blob.clone(),
        diff_id: diff_ids.get(&blob.digest).copied(),
        is_layer,
        may_upload: !(is_layer && prepared.operation.forbid_layer_push),
        may_share: prepared.may_mount(),
        sources: if is_layer { prepared.mount_sources(context, blob.digest) } else { Vec::new() },
        staging: staging.clone().filter(|_| is_layer),
        deduplicate: deduplicate.clone(),
    });
    Ok(wishes.collect())
}

/// Repositories of operations with deduplicated pushes that have an image already, by the digests of its layers.
pub(crate) fn served(surveys: &[Survey<'_>]) -> BTreeMap<Digest, BTreeSet<Repository>> {
    let mut served: BTreeMap<Digest, BTreeSet<Repository>> = BTreeMap::new();
    for survey in surveys.iter().filter(|survey| survey.prepared.deduplicate.is_some()) {
        let images = survey.prepared.images.iter().filter(|image| survey.serves(image));
        for layer in images.flat_map(Image::layers) {
            let repository = survey.prepared.to.remote.repository.clone();
            served.entry(layer.digest).or_default().insert(repository);
        }
    }
    served
}

fn deduplication(prepared: &Prepared<'_>) -> Result<Option<Deduplication>, Failure> {
    let pinned = prepared.pinned()?;
    let asked = prepared.deduplicate.as_ref();
    Ok(asked.map(|asked| Deduplication { mode: asked.mode, content: asked.content, pinned }))
}

/// The digests of layers before compression, where the config is at hand and that of an image.
fn diff_ids(context: &Context, survey: &Survey<'_>) -> BTreeMap<Digest, Digest> {
    let manifests = survey.missing.iter().flat_map(|missing| missing.manifests.iter());
    manifests.filter_map(|manifest| pairs(context, manifest)).flatten().collect()
}

fn pairs(context: &Context, manifest: &Document) -> Option<Vec<(Digest, Digest)>> {
    let known = context.plan.blobs.get(&manifest.config()?.digest)?;
    let path = runfile(&context.runfiles, known.runfile.as_deref()?).ok()?;
    let bytes = blob::read_bounded(fs_err::File::open(path).ok()?, oci::MAX_CONFIG_SIZE).ok()?;
    let config: ImageConfig = serde_json::from_slice(&bytes).ok()?;
    let layers = manifest.layers_with_diff_ids(config)?;
    Some(layers.into_iter().map(|(layer, diff_id)| (layer, diff_id.0)).collect())
}
