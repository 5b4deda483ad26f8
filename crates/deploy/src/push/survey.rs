//! What a repository has already: one question for each tag, and more only where the answer is no.

use std::collections::BTreeMap;

use futures_util::future::{try_join, try_join_all};
use oci::{Descriptor, Digest, Tag};

use crate::content::{Document, Image, failure};
use crate::context::Context;
use crate::push::prepare::Prepared;
use tool::Failure;

/// What an operation has to do.
pub(crate) struct Survey<'a> {
    pub(crate) prepared: &'a Prepared<'a>,
    /// Tags that do not point at the image.
    pub(crate) stale_tags: Vec<&'a Tag>,
    /// Tags that do not point at one of its manifests.
    pub(crate) stale_child_tags: Vec<(&'a Tag, Digest)>,
    /// Images that are not there, with the manifests that are not.
    pub(crate) missing: Vec<MissingImage<'a>>,
}

/// An image that a repository lacks.
pub(crate) struct MissingImage<'a> {
    pub(crate) image: &'a Image,
    /// The image manifests that are not there, its root among them if that is one.
    pub(crate) manifests: Vec<&'a Document>,
}

impl<'a> Survey<'a> {
    /// Asks.
    pub(crate) async fn new(context: &Context, prepared: &'a Prepared<'a>) -> Result<Self, Failure> {
        let ask = Ask { context, prepared };
        let [main, referrers @ ..] = prepared.images.as_slice() else { return Ok(Self::nothing(prepared)) };
        let main = async {
            let stale_tags = ask.stale(prepared.to.tags.iter().map(|tag| (tag, main.root.digest))).await?;
            let known_by_tag = stale_tags.len() < prepared.to.tags.len();
            let missing = if known_by_tag { None } else { ask.missing(main).await? };
            Ok((stale_tags, missing))
        };
        let children = ask.stale(prepared.to.child_tags.iter().map(|(tag, child)| (tag, *child)));
        let referrers = try_join_all(referrers.iter().map(|image| ask.missing(image)));
        let ((stale_tags, missing), (stale_child_tags, referrers)) =
            try_join(main, try_join(children, referrers)).await?;
        Ok(Self {
            prepared,
            stale_tags: stale_tags.into_iter().map(|(tag, _)| tag).collect(),
            stale_child_tags,
            missing: missing.into_iter().chain(referrers.into_iter().flatten()).collect(),
        })
    }

    fn nothing(prepared: &'a Prepared<'a>) -> Self {
        Self { prepared, stale_tags: Vec::new(), stale_child_tags: Vec::new(), missing: Vec::new() }
    }

    /// Whether everything is there already.
    pub(crate) fn is_done(&self) -> bool {
        self.stale_tags.is_empty() && self.stale_child_tags.is_empty() && self.missing.is_empty()
    }

    /// The blobs of all manifests that are not there, and whether they are layers. What is a config somewhere is one.
    pub(crate) fn blobs(&self) -> BTreeMap<Digest, (&'a Descriptor, bool)> {
        let manifests = || self.missing.iter().flat_map(|missing| missing.manifests.iter().copied());
        let layers = manifests().flat_map(Document::layers).map(|layer| (layer.digest, (layer, true)));
        let mut blobs: BTreeMap<_, _> = layers.collect();
        blobs.extend(manifests().filter_map(Document::config).map(|config| (config.digest, (config, false))));
        blobs
    }

    /// Whether all blobs of an image are in the repository.
    pub(crate) fn serves(&self, image: &Image) -> bool {
        !self.missing.iter().any(|missing| missing.image.root.digest == image.root.digest)
    }
}

struct Ask<'b, 'a> {
    context: &'b Context,
    prepared: &'a Prepared<'a>,
}

impl<'a> Ask<'_, 'a> {
    /// The tags that do not point where they should.
    async fn stale(
        &self,
        tags: impl Iterator<Item = (&'a Tag, Digest)>,
    ) -> Result<Vec<(&'a Tag, Digest)>, Failure> {
        let heads = tags.map(|(tag, digest)| async move {
            let head = self.context.client.head_manifest(&self.prepared.to.remote, tag.clone());
            let fresh = head.await.map_err(failure)?.is_some_and(|head| head.digest == Some(digest));
            Ok::<_, Failure>((!fresh).then_some((tag, digest)))
        });
        Ok(try_join_all(heads).await?.into_iter().flatten().collect())
    }

    async fn has(&self, document: &Document) -> Result<bool, Failure> {
        let head = self.context.client.head_manifest(&self.prepared.to.remote, document.digest);
        Ok(head.await.map_err(failure)?.is_some())
    }

    /// Asks for the root, and if it is not there, for the manifests below it.
    async fn missing(&self, image: &'a Image) -> Result<Option<MissingImage<'a>>, Failure> {
        if self.has(&image.root).await? {
            return Ok(None);
        }
        let asked = image.manifests.iter().map(|manifest| async move {
            let present = manifest.digest != image.root.digest && self.has(manifest).await?;
            Ok::<_, Failure>((!present).then_some(manifest))
        });
        let manifests = try_join_all(asked).await?.into_iter().flatten().collect();
        Ok(Some(MissingImage { image, manifests }))
    }
}
