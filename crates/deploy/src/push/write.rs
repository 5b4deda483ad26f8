//! Manifests, indexes and tags, when all that they refer to is there, so that no reader sees one whose parts are missing.

use futures_util::future::try_join_all;
use registry::ManifestName;
use tool::Failure;

use crate::content::{Document, failure};
use crate::context::Context;
use crate::push::blobs::Blobs;
use crate::push::survey::{MissingImage, Survey};
use crate::summary::Counter;

/// One operation while it writes.
pub(crate) struct Writer<'a> {
    pub(crate) context: &'a Context,
    pub(crate) survey: &'a Survey<'a>,
    pub(crate) blobs: &'a Blobs<'a>,
    pub(crate) counter: &'a Counter,
}

impl Writer<'_> {
    /// Does what is left to do.
    pub(crate) async fn write(&self) -> Result<(), Failure> {
        self.bring_blobs().await?;
        let main = self.survey.prepared.operation.root.digest;
        let (image, referrers): (Vec<_>, Vec<_>) =
            self.survey.missing.iter().partition(|missing| missing.image.root.digest == main);
        for missing in image {
            self.put_image(missing, self.survey.stale_tags.is_empty()).await?;
        }
        if let Some(image) = self.survey.prepared.images.first() {
            let tags = self.survey.stale_tags.iter();
            try_join_all(tags.map(|tag| self.put(&image.root, (*tag).clone().into()))).await?;
            let children = self.survey.stale_child_tags.iter().map(|(tag, digest)| {
                let document = image.find(*digest);
                async move {
                    let Some(document) = document else {
                        return Err(Failure::new(anyhow::anyhow!(
                            "`{tag}` is to point at `{digest}`, which the image does not have"
                        )));
                    };
                    self.put(document, (*tag).clone().into()).await
                }
            });
            try_join_all(children).await?;
        }
        // What refers to something comes after it.
        try_join_all(referrers.into_iter().map(|missing| self.put_image(missing, true))).await?;
        Ok(())
    }

    /// Sees to it that the blobs of everything that is missing are there.
    pub(crate) async fn bring_blobs(&self) -> Result<(), Failure> {
        let prepared = self.survey.prepared;
        let places = self.survey.blobs().into_keys().map(|digest| (prepared.to.remote.clone(), digest));
        let bring = |place| async move { self.blobs.bring(&place, prepared.index).await };
        try_join_all(places.map(bring)).await?;
        Ok(())
    }

    /// The manifests of an image, then its indexes from the inside out.
    async fn put_image(&self, missing: &MissingImage<'_>, by_digest: bool) -> Result<(), Failure> {
        let root = &missing.image.root;
        let children = missing.manifests.iter().filter(|manifest| manifest.digest != root.digest);
        try_join_all(children.map(|manifest| self.put(manifest, manifest.digest.into()))).await?;
        // One after the other: a registry may ask for what an index lists.
        for index in &missing.image.inner_indexes {
            self.put(index, index.digest.into()).await?;
        }
        if by_digest {
            self.put(root, root.digest.into()).await?;
        }
        Ok(())
    }

    async fn put(&self, document: &Document, name: ManifestName) -> Result<(), Failure> {
        if self.context.dry_run {
            self.counter.manifest();
            return Ok(());
        }
        let (client, to) = (&self.context.client, &self.survey.prepared.to.remote);
        let put = client.put_manifest(to, name, &document.media_type, document.bytes.clone());
        let written = put.await.map_err(failure)?;
        self.counter.manifest();
        match document.subject {
            Some(subject) if !written.listed => {
                client.list_referrer(to, subject, &document.as_referrer()).await.map_err(failure)
            }
            _ => Ok(()),
        }
    }
}
