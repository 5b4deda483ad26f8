//! What refers to a manifest (distribution specification, "Listing Referrers"): registries without that list get one by
//! hand, under a tag that is made from the subject's digest ("Referrers Tag Schema").

use bytes::Bytes;
use oci::media_type::OCI_INDEX;
use oci::{Descriptor, Digest, Index, Tag};
use reqwest::header::{ACCEPT, HeaderValue};
use reqwest::{Method, StatusCode};

use crate::call::Call;
use crate::transport::Outgoing;
use crate::{Cause, Client, Error, Operation, Remote};

impl Client {
    /// Adds a manifest to the list of what refers to `subject`, unless the registry keeps that list itself.
    ///
    /// To be called after the manifest was written and the answer did not say that it is [listed](crate::Written).
    /// Changes by this client come one after the other; those by others at the same moment may be lost, as the
    /// specification has it.
    pub async fn list_referrer(
        &self,
        at: &Remote,
        subject: Digest,
        referrer: &Descriptor,
    ) -> Result<(), Error> {
        if self.lists_referrers(at, subject).await? {
            return Ok(());
        }
        let operation = Operation::ListReferrers(subject);
        let (call, budget) = self.writing(operation, at, None)?;
        let tag: Tag = format!("sha256-{}", subject.hex())
            .parse()
            .map_err(|_| budget.error(&call, Cause::Protocol("a digest that makes no tag")))?;
        let lock = call.host.referrers_of(&at.repository, subject);
        let _changing = lock.lock().await;
        let mut index = match self.get_manifest(at, tag.clone()).await {
            Ok(document) => parse(&document.bytes).map_err(|cause| budget.error(&call, cause))?,
            Err(error) if error.cause().status() == Some(StatusCode::NOT_FOUND) => Index::of(Vec::new()),
            Err(error) => return Err(error),
        };
        if index.manifests.iter().any(|known| known.digest == referrer.digest) {
            return Ok(());
        }
        index.manifests.push(referrer.clone());
        let bytes = serde_json::to_vec(&index)
            .map_err(|error| budget.error(&call, Cause::Document(error.to_string())))?;
        self.put_manifest(at, tag, OCI_INDEX, Bytes::from(bytes)).await?;
        Ok(())
    }

    /// Whether the registry keeps lists of referrers itself; asked once.
    async fn lists_referrers(&self, at: &Remote, subject: Digest) -> Result<bool, Error> {
        let (call, mut budget) = self.reading(Operation::ListReferrers(subject), at)?;
        if let Some(lists) = call.host.lists_referrers() {
            return Ok(lists);
        }
        loop {
            match self.try_list_referrers(&call, subject).await {
                Ok(lists) => {
                    call.host.note_lists_referrers(lists);
                    return Ok(lists);
                }
                Err(cause) => budget.spend(&call, cause).await?,
            }
        }
    }

    async fn try_list_referrers(&self, call: &Call, subject: Digest) -> Result<bool, Cause> {
        let url = call.host.url(&call.remote.repository, &format!("referrers/{subject}"))?;
        let mut request = Outgoing::new(Method::GET, url);
        request.headers.insert(ACCEPT, HeaderValue::from_static(OCI_INDEX));
        let answer = self.request(call, &request).await?;
        let lists = answer.status() == StatusCode::OK && answer.media_type().as_deref() == Some(OCI_INDEX);
        let retry = matches!(answer.status(), StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
        if answer.status().is_server_error() && answer.status() != StatusCode::NOT_IMPLEMENTED || retry {
            return Err(answer.into_failure(&*self.config().clock).await);
        }
        answer.drain().await;
        Ok(lists)
    }
}

fn parse(bytes: &[u8]) -> Result<Index, Cause> {
    serde_json::from_slice(bytes)
        .map_err(|error| Cause::Document(format!("the list of referrers is no index: {error}")))
}
