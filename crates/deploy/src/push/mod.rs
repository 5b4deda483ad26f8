//! Pushing one image: ask once, send what is missing, then manifests, then tags.
//!
//! Requests, at most: one `HEAD` for each tag; when they do not all point at the image, one `HEAD` for each manifest; for
//! each blob of a missing manifest one `HEAD`, or one mount where the blob lies in another repository of the registry; then
//! the uploads, manifests, index and tags in this order, so that no reader sees a manifest whose parts are missing.
//! With the strategy lazy, one question to the remote cache for all layers, when the first one has to be uploaded.

mod cached;
mod destination;
mod documents;
mod places;
mod remote_documents;
mod source;
mod wait;
mod wanted;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use futures_util::future::try_join_all;
use oci::{Descriptor, Digest};
use registry::{BlobPush, Cause, Client, Content, ManifestName, Pushed};
use tokio::sync::Semaphore;
use tool::{Failure, FailureContext as _};

use crate::caches::Caches;
use crate::progress::Progress;
use crate::summary::{Counter, Outcome, Report};
pub use cached::NotCached;
use destination::Destination;
pub use destination::Overrides;
use documents::{Document, Image};
use tool::runfiles::Runfiles;
pub use wait::wait;
use wanted::Wanted;

/// What all operations of a run share.
pub struct Context {
    /// Connections and credentials.
    pub client: Client,
    /// Where lazy pushes find layers.
    pub caches: Caches,
    /// Files of the build.
    pub runfiles: Runfiles,
    /// What to do.
    pub plan: plan::Plan,
    /// Where to show it.
    pub progress: Box<dyn Progress>,
    /// Bounds the transfers at a time. Questions are not bounded: waiting costs nothing.
    pub transfers: Arc<Semaphore>,
    /// Ask, but change nothing.
    pub dry_run: bool,
    /// What the command line says instead of the plan.
    pub overrides: Overrides,
}

/// One push while it happens.
struct Push<'a> {
    context: &'a Context,
    operation: &'a plan::Push,
    to: Destination,
    image: Image,
    counter: Counter,
    wanted: Wanted,
}

/// Pushes one image and says what was done.
pub async fn push(context: &Context, operation: &plan::Push) -> Result<Report, Failure> {
    let start = Instant::now();
    let outcome = async {
        let to = Destination::new(operation, &context.overrides)?;
        let image = documents::load(context, operation).await?;
        context.client.expect_push(&to.remote);
        let wanted = Wanted::new(context, operation, &image);
        let push = Push { context, operation, to, image, counter: Counter::default(), wanted };
        let unchanged = push.run().await?;
        Ok::<_, Failure>(Report {
            label: operation.label.clone(),
            references: push.to.references(operation.root.digest),
            unchanged,
            dry_run: context.dry_run,
            counts: push.counter.counts(),
            seconds: Report::seconds(start.elapsed()),
        })
    };
    outcome.await.about(format!("failed to push `{}`", operation.label))
}

impl Push<'_> {
    /// Returns whether everything was there already.
    async fn run(&self) -> Result<bool, Failure> {
        let root = self.image.root.digest;
        let stale_tags = self.stale_tags().await?;
        let known_by_tag = stale_tags.len() < self.to.tags.len();
        let root_present = known_by_tag || self.has_manifest(&self.image.root).await?;
        if root_present && stale_tags.is_empty() {
            return Ok(true);
        }
        if !root_present {
            let missing = self.missing_manifests().await?;
            self.push_blobs(&missing).await?;
            let children = missing.into_iter().filter(|manifest| manifest.digest != root);
            try_join_all(children.map(|manifest| self.put(manifest, manifest.digest.into()))).await?;
            // One after the other: a registry may ask for what an index lists.
            for index in &self.image.inner_indexes {
                self.put(index, index.digest.into()).await?;
            }
            if stale_tags.is_empty() {
                self.put(&self.image.root, root.into()).await?;
            }
        }
        try_join_all(stale_tags.into_iter().map(|tag| self.put(&self.image.root, tag.clone().into())))
            .await?;
        Ok(false)
    }

    /// Tags that do not point at the image.
    async fn stale_tags(&self) -> Result<Vec<&oci::Tag>, Failure> {
        let heads = self.to.tags.iter().map(|tag| async move {
            let head =
                self.context.client.head_manifest(&self.to.remote, tag.clone()).await.map_err(failure)?;
            let fresh = head.is_some_and(|head| head.digest == Some(self.image.root.digest));
            Ok::<_, Failure>((!fresh).then_some(tag))
        });
        Ok(try_join_all(heads).await?.into_iter().flatten().collect())
    }

    async fn has_manifest(&self, document: &Document) -> Result<bool, Failure> {
        let head =
            self.context.client.head_manifest(&self.to.remote, document.digest).await.map_err(failure)?;
        Ok(head.is_some())
    }

    /// The image manifests that the repository lacks. A single image's own was asked for already.
    async fn missing_manifests(&self) -> Result<Vec<&Document>, Failure> {
        let manifests = &self.image.manifests;
        if let [only] = manifests.as_slice()
            && only.digest == self.image.root.digest
        {
            return Ok(vec![only]);
        }
        let asked = manifests.iter().map(|manifest| async move {
            let present = self.has_manifest(manifest).await?;
            Ok::<_, Failure>((!present).then_some(manifest))
        });
        Ok(try_join_all(asked).await?.into_iter().flatten().collect())
    }

    /// Brings every blob of these manifests into the repository, each once.
    async fn push_blobs(&self, manifests: &[&Document]) -> Result<(), Failure> {
        let blobs: BTreeMap<Digest, &Descriptor> = manifests
            .iter()
            .flat_map(|manifest| manifest.blobs())
            .filter(|blob| !is_foreign(&blob.media_type))
            .map(|blob| (blob.digest, blob))
            .collect();
        try_join_all(blobs.into_values().map(|blob| self.push_blob(blob))).await?;
        Ok(())
    }

    async fn push_blob(&self, blob: &Descriptor) -> Result<(), Failure> {
        let outcome = self.ensure_blob(blob).await?;
        self.counter.blob(outcome, blob.size);
        if !self.context.dry_run {
            self.context.progress.done(blob.digest, blob.size, outcome);
        }
        Ok(())
    }

    /// A blob that can be mounted is not asked for before: the mount answers the same question.
    async fn ensure_blob(&self, blob: &Descriptor) -> Result<Outcome, Failure> {
        let Context { client, .. } = self.context;
        let mount_from = self.to.mount_source(self.operation, self.context.plan.blobs.get(&blob.digest));
        let ask = mount_from.is_none() || self.context.dry_run;
        if ask && client.head_blob(&self.to.remote, blob.digest).await.map_err(failure)? {
            return Ok(Outcome::Present);
        }
        if self.context.dry_run {
            return Ok(if mount_from.is_some() { Outcome::Mounted } else { Outcome::Uploaded });
        }
        // Holding a permit only for transfers would need to know beforehand whether a mount is refused.
        let _permit = self.context.transfers.acquire().await?;
        let caches = self.wanted.find(self.context, blob).await;
        let sources = source::find(self.context, self.operation, blob, caches)?;
        let content = Some(Arc::<source::Sources>::clone(&sources) as Arc<dyn Content>);
        let request = BlobPush { digest: blob.digest, size: blob.size, mount_from, content };
        match client.push_blob(&self.to.remote, &request).await {
            Ok(Pushed::Mounted) => Ok(Outcome::Mounted),
            Ok(Pushed::Uploaded) => Ok(Outcome::Uploaded),
            Err(error) => Err(sources.explain(error)),
        }
    }

    async fn put(&self, document: &Document, name: ManifestName) -> Result<(), Failure> {
        self.counter.manifest();
        if self.context.dry_run {
            return Ok(());
        }
        let put = self.context.client.put_manifest(
            &self.to.remote,
            name,
            &document.media_type,
            document.bytes.clone(),
        );
        put.await.map_err(failure)
    }
}

/// Layers that their publisher wants to be downloaded from him alone (image specification, "Non-Distributable Layers").
fn is_foreign(media_type: &str) -> bool {
    media_type.contains(".nondistributable.") || media_type.contains(".foreign.")
}

/// A registry's error with its hints, or those of the registry or cache that an upload was to be read from.
fn failure(error: registry::Error) -> Failure {
    let read = match error.cause() {
        Cause::Content(error) => error.get_ref(),
        _ => None,
    };
    let from_registry = read.and_then(|error| error.downcast_ref::<registry::Error>());
    let from_cache = read.and_then(|error| error.downcast_ref::<cas::Error>());
    let hints = from_cache.map_or_else(|| from_registry.unwrap_or(&error).hints(), cas::Error::hints);
    Failure::new(error).hints(hints)
}
