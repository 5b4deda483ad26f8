//! What is there already.

use std::collections::BTreeMap;

use containerd_api::{FieldMask, Info, InfoRequest, UpdateRequest, content};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use oci::{Descriptor, Digest};
use tonic::Code;

use crate::labels::Labels;
use crate::{Answer, Error, Lease, Operation};

/// Questions that are asked at a time.
const PARALLEL: usize = 16;

impl Lease {
    /// Which of these blobs have to be written, in their order, each once. The others are held from now on, so that they
    /// are still there when the image is named. Another size than the image says is an error.
    pub async fn missing(&self, blobs: &[Descriptor]) -> Result<Vec<Descriptor>, Error> {
        let unique: BTreeMap<Digest, &Descriptor> =
            blobs.iter().rev().map(|descriptor| (descriptor.digest, descriptor)).collect();
        let firsts = blobs.iter().filter(|descriptor| std::ptr::eq(unique[&descriptor.digest], *descriptor));
        let questions: Vec<_> = firsts.map(|descriptor| self.is_missing(descriptor)).collect();
        let answers: Vec<_> = stream::iter(questions).buffered(PARALLEL).try_collect().await?;
        Ok(answers.into_iter().flatten().cloned().collect())
    }

    /// The descriptor, if its blob is missing.
    async fn is_missing<'a>(&self, descriptor: &'a Descriptor) -> Result<Option<&'a Descriptor>, Error> {
        if self.info(descriptor).await?.is_none() {
            return Ok(Some(descriptor));
        }
        let operation = || Operation::Look(descriptor.digest);
        self.hold(descriptor.digest).await.map_err(|failed| self.client().error(operation(), failed))?;
        // It may have been collected before it was held.
        Ok(self.info(descriptor).await?.is_none().then_some(descriptor))
    }

    /// What is known of a blob, if it is there.
    pub(crate) async fn info(&self, descriptor: &Descriptor) -> Result<Option<Info>, Error> {
        let Descriptor { digest, size, .. } = *descriptor;
        let error = |failed| self.client().error(Operation::Look(digest), failed);
        let info = match self.call(&content::INFO, InfoRequest { digest: digest.to_string() }).await {
            Ok(answer) => answer.info,
            Err(failed) if failed.answer.is(Code::NotFound) => return Ok(None),
            Err(failed) => return Err(error(failed)),
        };
        let info = info.filter(|info| info.digest == digest.to_string());
        let Some(info) = info else {
            let answer = Answer::Protocol("it told of another blob");
            return Err(error(crate::client::Failed { answer, attempts: 1 }));
        };
        let found = u64::try_from(info.size).unwrap_or_default();
        if found == size { Ok(Some(info)) } else { Err(Error::Size { digest, expected: size, found }) }
    }

    /// Notes something about a blob that is there, if it is not noted yet. What else is noted stays. Without it the collector
    /// of garbage would take the layers of a manifest that somebody else had brought alone.
    pub(crate) async fn label(&self, descriptor: &Descriptor, labels: &Labels) -> Result<(), Error> {
        let error = |failed| self.client().error(Operation::Label(descriptor.digest), failed);
        if labels.is_empty() {
            return Ok(());
        }
        let noted = self.info(descriptor).await?.unwrap_or_default().labels;
        let changed: Labels = labels
            .iter()
            .filter(|(name, value)| noted.get(*name) != Some(*value))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        if changed.is_empty() {
            return Ok(());
        }
        let paths = changed.keys().map(|name| format!("labels.{name}")).collect();
        let info = Info { digest: descriptor.digest.to_string(), size: 0, labels: changed };
        let request = UpdateRequest { info: Some(info), update_mask: Some(FieldMask { paths }) };
        self.call(&content::UPDATE, request).await.map_err(error)?;
        Ok(())
    }
}
