//! An image as an archive that is written while its layers are read, wherever they are: no layer is on disk for it, and none
//! is in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use blob::Verifier;
use bytes::Bytes;
use deploy::content::{self, Document, Purpose, Sources, Wanted};
use deploy::{Context, Outcome, Tally};
use futures_util::StreamExt as _;
use layout::{Blob, MissingBlobs, Names, Piece};
use oci::{Descriptor, Digest};
use plan::Daemon;
use registry::Content as _;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tool::Failure;

use crate::prepare::{self, Prepared};

/// What an archive is to hold.
#[derive(Clone, Debug)]
pub(crate) struct Contents<'a> {
    /// Which images.
    pub(crate) images: Images,
    /// What the image is called in it.
    pub(crate) names: Vec<String>,
    /// Layers that are named, but left out.
    pub(crate) left_out: &'a BTreeSet<Digest>,
}

/// Which images of an index an archive holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Images {
    /// The first that is chosen, as if there were no index.
    First,
    /// The index, and all that are chosen.
    Chosen,
}

/// An archive that is ready to be written.
pub(crate) struct Archive<'a> {
    context: &'a Context,
    image: layout::Image,
    options: layout::Archive,
    sources: BTreeMap<Digest, Arc<Sources>>,
    /// Layers and configs that are not in it.
    pub(crate) present: Tally,
    /// Layers and configs that are in it.
    pub(crate) sent: Tally,
}

/// Why an archive was not written to its end.
#[derive(Debug)]
pub(crate) enum Unwritten {
    /// Nobody takes it, apart from `rest`, which says whether all but the mark of its end was written.
    Output { error: io::Error, rest: bool },
    /// A blob cannot be read; `again` says whether it may be readable if it is begun anew.
    Blob { failure: Failure, again: bool },
    /// Something else.
    Other(Failure),
}

impl<'a> Archive<'a> {
    /// Reads the documents and finds out where the layers are.
    pub(crate) async fn new(
        context: &'a Context,
        prepared: &Prepared<'_>,
        contents: Contents<'_>,
    ) -> Result<Self, Failure> {
        let mut archive = Self {
            context,
            image: layout::Image::new(root(prepared, contents.images)),
            options: layout::Archive {
                names: Some(Names {
                    names: contents.names,
                    ref_name_is_tag: false,
                    for_podman: prepared.operation.daemon == Daemon::Podman,
                    platform: prepared.chosen[0].platform.clone(),
                }),
                missing: MissingBlobs::LeaveOut,
            },
            sources: BTreeMap::new(),
            present: Tally::default(),
            sent: Tally::default(),
        };
        let purpose = prepared.operation.into();
        if contents.images == Images::Chosen {
            archive.add_indexes(prepared)?;
        }
        let mut blobs = BTreeMap::new();
        for manifest in manifests(prepared, contents.images) {
            archive.add_manifest(purpose, manifest, &mut blobs)?;
        }
        archive.add_blobs(purpose, &blobs, contents.left_out).await?;
        Ok(archive)
    }

    fn add_indexes(&mut self, prepared: &Prepared<'_>) -> Result<(), Failure> {
        let indexes = std::iter::once(&prepared.image.root).chain(&prepared.image.inner_indexes);
        for index in indexes.filter(|index| index.as_index().is_some()) {
            self.image.add_index(index.bytes.to_vec())?;
        }
        Ok(())
    }

    /// Adds a manifest with its config, and notes its blobs; those that are added already are marked.
    fn add_manifest(
        &mut self,
        purpose: Purpose<'_>,
        manifest: &Document,
        blobs: &mut BTreeMap<Digest, (Descriptor, bool)>,
    ) -> Result<(), Failure> {
        let Some(parsed) = manifest.as_manifest() else { return Ok(()) };
        let known = self.context.plan.blobs.get(&parsed.config.digest);
        let config = if known.is_some_and(|known| known.runfile.is_some()) {
            Some(content::read_config_bytes(self.context, purpose, &parsed.config)?.to_vec())
        } else {
            None
        };
        blobs.insert(parsed.config.digest, (parsed.config.clone(), config.is_some()));
        for layer in manifest.layers() {
            blobs.entry(layer.digest).or_insert_with(|| (layer.clone(), false));
        }
        let layers = vec![None; parsed.layers.len()];
        Ok(self.image.add_manifest(manifest.bytes.to_vec(), config, layers)?)
    }

    /// Counts the blobs, and finds out where those are that are to be streamed.
    async fn add_blobs(
        &mut self,
        purpose: Purpose<'_>,
        blobs: &BTreeMap<Digest, (Descriptor, bool)>,
        left_out: &BTreeSet<Digest>,
    ) -> Result<(), Failure> {
        let mut streamed = Vec::new();
        for (digest, (blob, added)) in blobs {
            let is_left_out = !added && left_out.contains(digest);
            let tally = if is_left_out { &mut self.present } else { &mut self.sent };
            tally.add(blob.size);
            if !added && !is_left_out {
                streamed.push(blob);
            }
        }
        let wanted = Wanted::new(self.context, streamed.iter().map(|blob| (purpose.strategy, *blob)));
        for blob in streamed {
            self.sources.insert(blob.digest, wanted.sources(self.context, purpose, blob).await?);
            self.image.add_blob(blob.digest, Blob::Elsewhere(blob.size));
        }
        Ok(())
    }

    /// Writes all of it. A blob that turns out to be another one than it should be is never written to its end.
    pub(crate) async fn write(&self, output: &mut (impl AsyncWrite + Unpin)) -> Result<(), Unwritten> {
        let _permit =
            self.context.transfers.acquire().await.map_err(|error| Unwritten::Other(error.into()))?;
        let pieces = layout::archive_pieces(&self.image, &self.options)
            .map_err(|error| Unwritten::Other(error.into()))?;
        let last = pieces.len().saturating_sub(1);
        for (number, piece) in pieces.iter().enumerate() {
            match piece {
                Piece::Bytes(bytes) => write(output, bytes, number == last).await?,
                Piece::Blob(digest, Blob::Elsewhere(size)) => self.write_blob(*digest, *size, output).await?,
                Piece::Blob(digest, _) => return Err(unplanned(*digest)),
            }
        }
        output.flush().await.map_err(|error| Unwritten::Output { error, rest: true })
    }

    async fn write_blob(
        &self,
        digest: Digest,
        size: u64,
        output: &mut (impl AsyncWrite + Unpin),
    ) -> Result<(), Unwritten> {
        let sources = self.sources.get(&digest).ok_or_else(|| unplanned(digest))?;
        let unread = |error: io::Error| {
            let again = sources.fail_over(&error);
            Unwritten::Blob { failure: sources.explain_read(error), again }
        };
        let wrong = |mismatch| unread(io::Error::new(io::ErrorKind::InvalidData, mismatch));
        let mut verifier = Verifier::new(digest, Some(size));
        let mut stream = sources.open(0).await.map_err(unread)?;
        // What is written while more is read, and what comes after it: the last chunk is held back until all are known to be right.
        let (mut ready, mut held) = (Bytes::new(), Bytes::new());
        loop {
            let (written, next) = tokio::join!(write(output, &ready, false), stream.next());
            written?;
            let Some(chunk) = next else { break };
            let chunk = chunk.map_err(unread)?;
            verifier.update(&chunk).map_err(wrong)?;
            ready = std::mem::replace(&mut held, chunk);
        }
        verifier.finish().map_err(wrong)?;
        write(output, &held, false).await?;
        self.context.progress.done(digest, size, Outcome::Uploaded);
        Ok(())
    }
}

async fn write(output: &mut (impl AsyncWrite + Unpin), bytes: &[u8], rest: bool) -> Result<(), Unwritten> {
    output.write_all(bytes).await.map_err(|error| Unwritten::Output { error, rest })
}

fn unplanned(digest: Digest) -> Unwritten {
    Unwritten::Other(Failure::new(anyhow::anyhow!("no source was looked for of the blob `{digest}`")))
}

/// What the archive's `index.json` names, with the annotations of a manifest.
fn root(prepared: &Prepared<'_>, images: Images) -> Descriptor {
    let root = match images {
        Images::First => &prepared.chosen[0].manifest,
        Images::Chosen => &prepared.image.root,
    };
    let annotations = root.as_manifest().map(|manifest| manifest.annotations.clone());
    Descriptor { annotations: annotations.unwrap_or_default(), ..root.descriptor() }
}

/// The manifests that are in an archive. Where all images of an index are, what is said about them (attestations) is, too.
fn manifests<'p>(prepared: &'p Prepared<'_>, images: Images) -> Vec<&'p Document> {
    let chosen = prepared.chosen.iter().map(|chosen| &chosen.manifest);
    match images {
        Images::First => chosen.take(1).collect(),
        Images::Chosen if prepared.chosen.len() == prepare::offered(&prepared.image).len() => {
            prepared.image.manifests.iter().collect()
        }
        Images::Chosen => chosen.collect(),
    }
}
