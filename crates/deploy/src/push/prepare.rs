//! What an operation wants, read from the plan, the command line and its documents before anything is asked.

use oci::{Digest, Repository};
use plan::{CrossMount, Deduplicate};
use registry::Remote;
use tool::{Failure, FailureContext as _};

use crate::content::{self, Image};
use crate::context::Context;
use crate::push::destination::Destination;
use crate::push::strategies;

/// An operation that is ready to be asked about.
pub(crate) struct Prepared<'a> {
    /// Its place in the plan.
    pub(crate) index: usize,
    pub(crate) operation: &'a plan::Push,
    pub(crate) to: Destination,
    /// Its image, then those that refer to it.
    pub(crate) images: Vec<Image>,
    pub(crate) deduplicate: Option<Deduplicate>,
}

impl<'a> Prepared<'a> {
    /// Reads what an operation is about, and says to the client where it will write.
    pub(crate) async fn new(
        context: &Context,
        index: usize,
        operation: &'a plan::Push,
    ) -> Result<Self, Failure> {
        let to = Destination::new(operation, &context.overrides)?;
        let deduplicate = context.overrides.deduplicate.apply(operation.deduplicate.as_ref());
        strategies::check(operation, deduplicate.as_ref())?;
        let mut images = Vec::new();
        for root in std::iter::once(&operation.root).chain(&operation.referrers) {
            images.push(content::load(context, operation.into(), root.digest).await?);
        }
        let prepared = Self { index, operation, to, images, deduplicate };
        prepared.expect(context)?;
        Ok(prepared)
    }

    /// Requests to all these repositories share tokens.
    fn expect(&self, context: &Context) -> Result<(), Failure> {
        let mut sources: Vec<Repository> = self.staging()?.into_iter().collect();
        for blob in self.images.iter().flat_map(Image::layers) {
            let known = self.mount_sources(context, blob.digest);
            let new: Vec<Repository> = known.into_iter().filter(|source| !sources.contains(source)).collect();
            sources.extend(new);
        }
        context.client.expect_push(&self.to.remote, &sources);
        for home in self.staging()?.into_iter().chain(self.pinned()?) {
            context.client.expect_push(&self.neighbour(home), &[]);
        }
        Ok(())
    }

    /// A repository of the destination's registry.
    pub(crate) fn neighbour(&self, repository: Repository) -> Remote {
        Remote::new(self.to.remote.registry.clone(), repository)
    }

    /// Where the build has put the layers, if it did.
    pub(crate) fn staging(&self) -> Result<Option<Repository>, Failure> {
        let named = self.operation.staging_repository.as_ref().filter(|_| self.may_mount());
        named.map(|name| name.parse().about("staging repository").or_usage()).transpose()
    }

    /// Where shared layers are to be uploaded to, if somebody says so.
    pub(crate) fn pinned(&self) -> Result<Option<Repository>, Failure> {
        let named = self.deduplicate.as_ref().and_then(|deduplicate| deduplicate.repository.as_ref());
        let named = named.filter(|name| !name.is_empty());
        named.map(|name| name.parse().about("repository of deduplicated pushes").or_usage()).transpose()
    }

    /// Whether `cross_mount` allows to mount at all.
    pub(crate) fn may_mount(&self) -> bool {
        self.operation.cross_mount != CrossMount::Disabled
    }

    /// Repositories that should have a layer and are not written to.
    pub(crate) fn mount_sources(&self, context: &Context, layer: Digest) -> Vec<Repository> {
        self.to.mount_sources(self.operation, context.plan.blobs.get(&layer))
    }
}
