//! What a push or load without files may want from Bazel's caches. The remote one is asked for all of it in one question, and only when
//! the first blob really has to be read; servers also take the question as a wish to keep what they have.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use oci::{Descriptor, Digest};
use plan::{Kind, Strategy};
use tokio::sync::OnceCell;
use tool::Failure;

use crate::content::Purpose;
use crate::content::source::{self, Sources, nowhere};
use crate::context::Context;

/// Blobs without a file, and which of them the remote cache lacks, once that was asked.
#[derive(Debug)]
pub struct Wanted {
    blobs: BTreeMap<Digest, cas::Blob>,
    missing: OnceCell<BTreeSet<Digest>>,
}

/// Which caches have one blob.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The disk cache's file.
    pub(crate) file: Option<PathBuf>,
    /// The remote cache's entry.
    pub(crate) remote: Option<(cas::Client, cas::Blob)>,
}

impl Wanted {
    /// Of what operations lack, by their strategies: layers that a lazy one would have to find, or one whose registry lacks
    /// something; everything for a server that has no files at all; for others nothing.
    pub fn new<'b>(context: &Context, lacking: impl Iterator<Item = (Strategy, &'b Descriptor)>) -> Self {
        let known = &context.plan.blobs;
        let is_wanted = |(strategy, blob): &(Strategy, &Descriptor)| match strategy {
            Strategy::Bes => true,
            Strategy::Lazy | Strategy::CasRegistry => known
                .get(&blob.digest)
                .is_some_and(|known| known.kind == Kind::Layer && known.runfile.is_none()),
            Strategy::Eager => false,
        };
        let wanted = lacking.filter(is_wanted);
        let blobs = wanted
            .map(|(_, blob)| (blob.digest, cas::Blob { digest: blob.digest, size: blob.size }))
            .collect();
        Self { blobs, missing: OnceCell::new() }
    }

    /// Looks for a blob: on the disk, else in the remote cache.
    pub(crate) async fn find(&self, context: &Context, blob: &Descriptor) -> Found {
        let Some(wanted) = self.blobs.get(&blob.digest) else { return Found::default() };
        let file = on_disk(context, *wanted);
        let remote = match &context.caches.remote {
            // In case that the file turns out to be broken; it is not asked for before.
            Some(client) if file.is_some() => Some((client.clone(), *wanted)),
            Some(client) => {
                let missing = self.missing.get_or_init(|| self.ask(context, client)).await;
                (!missing.contains(&blob.digest)).then(|| (client.clone(), *wanted))
            }
            None => None,
        };
        Found { file, remote }
    }

    /// The sources of a blob; if there is none, why it cannot be read.
    pub async fn sources(
        &self,
        context: &Context,
        purpose: Purpose<'_>,
        blob: &Descriptor,
    ) -> Result<Arc<Sources>, Failure> {
        let found = self.find(context, blob).await;
        source::find(context, purpose, blob, found)?.ok_or_else(|| nowhere(context, purpose, blob))
    }

    /// A question that fails is no answer: reading will show what is there.
    async fn ask(&self, context: &Context, client: &cas::Client) -> BTreeSet<Digest> {
        let blobs: Vec<cas::Blob> =
            self.blobs.values().copied().filter(|blob| on_disk(context, *blob).is_none()).collect();
        client.find_missing(&blobs).await.unwrap_or_else(|error| {
            // What will fail again is said by those who read.
            if error.cause().retry() == cas::Retry::Yes {
                tracing::warn!("{}", tool::chain(&error));
            }
            BTreeSet::new()
        })
    }
}

/// The disk cache's file of a blob. One of another size is broken, and as good as none.
fn on_disk(context: &Context, blob: cas::Blob) -> Option<PathBuf> {
    let file = context.caches.on_disk(blob.digest)?;
    let length = fs_err::metadata(&file).ok()?.len();
    (length == blob.size).then_some(file)
}
