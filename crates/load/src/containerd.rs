//! containerd takes an image blob by blob; what it has is not sent again.

use std::io;
use std::time::Instant;

use containerd::{Client, Error, Lease, Placed, Written, from_memory, labels};
use deploy::content::{Document, Sources, Wanted};
use deploy::summary::Counter;
use deploy::{Context, Counts, Outcome};
use futures_util::future::try_join_all;
use oci::Descriptor;
use registry::Content as _;
use tool::Failure;

use crate::Report;
use crate::prepare::{self, Prepared};

/// An image on its way into containerd.
pub(crate) struct Import<'a> {
    pub(crate) context: &'a Context,
    pub(crate) prepared: &'a Prepared<'a>,
    /// What it is to be called.
    pub(crate) names: Vec<String>,
}

/// What became of an import.
#[derive(Default)]
struct Done {
    /// Of the blobs.
    counter: Counter,
    /// Whether everything was there before.
    unchanged: bool,
    /// Whether a name stood for another image.
    replaced: bool,
}

impl Import<'_> {
    /// Brings it.
    pub(crate) async fn run(&self, client: &Client) -> Result<Report, Failure> {
        let start = Instant::now();
        let lease = client.lease().await.map_err(failure)?;
        let done = self.under(&lease).await;
        let replaced = done.as_ref().is_ok_and(|done| done.replaced);
        let ended = if replaced { lease.end_and_collect().await } else { lease.end().await };
        // What was brought stays, and the lease ends by itself: no reason to say that the load has failed.
        if let Err(error) = ended {
            tracing::warn!("{}", tool::chain(&error));
        }
        let Done { counter, unchanged, .. } = done?;
        let Counts { present, uploaded: sent, .. } = counter.counts();
        let report = self.prepared.report(self.context, "containerd", start);
        Ok(Report { unchanged, present, sent, ..report })
    }

    async fn under(&self, lease: &Lease) -> Result<Done, Failure> {
        let blobs = prepare::blobs(&self.prepared.chosen);
        let missing = lease.missing(&blobs).await.map_err(failure)?;
        let counter = Counter::default();
        for blob in blobs.iter().filter(|blob| missing.iter().all(|missing| missing.digest != blob.digest)) {
            counter.blob(Outcome::Present, blob.size);
        }
        if self.context.dry_run {
            for blob in &missing {
                counter.blob(Outcome::Uploaded, blob.size);
            }
            return Ok(Done { counter, ..Done::default() });
        }
        let strategy = self.prepared.operation.strategy;
        let wanted = Wanted::new(self.context, missing.iter().map(|blob| (strategy, blob)));
        try_join_all(missing.iter().map(|blob| self.bring(lease, &wanted, blob, &counter))).await?;
        let mut done = Done { counter, unchanged: missing.is_empty(), replaced: false };
        for document in self.documents() {
            done.unchanged &= write_document(lease, document).await? == Written::Present;
        }
        let root = self.prepared.image.root.descriptor();
        for name in &self.names {
            let placed = lease.put_image(name, &root).await.map_err(failure)?;
            done.unchanged &= placed == Placed::Same;
            done.replaced |= placed == Placed::Changed;
        }
        Ok(done)
    }

    /// The documents, from below.
    fn documents(&self) -> impl Iterator<Item = &Document> {
        let Prepared { image, chosen, .. } = self.prepared;
        let manifests = chosen.iter().map(|chosen| &chosen.manifest);
        let root = std::iter::once(&image.root).filter(|root| root.as_index().is_some());
        manifests.chain(&image.inner_indexes).chain(root)
    }

    async fn bring(
        &self,
        lease: &Lease,
        wanted: &Wanted,
        blob: &Descriptor,
        counter: &Counter,
    ) -> Result<(), Failure> {
        let _permit = self.context.transfers.acquire().await?;
        let purpose = self.prepared.operation.into();
        let sources = wanted.sources(self.context, purpose, blob).await?;
        let outcome = match write(lease, blob, &sources).await? {
            Written::New => Outcome::Uploaded,
            Written::Present => Outcome::Present,
        };
        counter.blob(outcome, blob.size);
        self.context.progress.done(blob.digest, blob.size, outcome);
        Ok(())
    }
}

/// Writes a blob; where a source has other bytes than it should, the next one is asked.
async fn write(lease: &Lease, blob: &Descriptor, sources: &Sources) -> Result<Written, Failure> {
    loop {
        let written = lease.write(blob, &labels::none(), |offset| sources.open(offset)).await;
        match written {
            Ok(written) => return Ok(written),
            Err(Error::Content { digest, mismatch }) => {
                let read = io::Error::new(io::ErrorKind::InvalidData, mismatch.clone());
                if !sources.fail_over(&read) {
                    return Err(sources
                        .explain_read(read)
                        .context(Error::Content { digest, mismatch }.to_string()));
                }
            }
            Err(Error::Source { source, .. }) => return Err(sources.explain_read(source)),
            Err(error) => return Err(failure(error)),
        }
    }
}

async fn write_document(lease: &Lease, document: &Document) -> Result<Written, Failure> {
    let labels = match (document.as_manifest(), document.as_index()) {
        (Some(manifest), _) => labels::of_manifest(manifest),
        (_, Some(index)) => labels::of_index(index),
        _ => labels::none(),
    };
    let bytes = document.bytes.clone();
    lease.write(&document.descriptor(), &labels, from_memory(bytes)).await.map_err(failure)
}

/// containerd's error with its hints.
pub(crate) fn failure(error: Error) -> Failure {
    let hints = error.hints();
    Failure::new(error).hints(hints)
}
