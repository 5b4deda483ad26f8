//! Mounts (distribution specification, "Mounting a blob from another repository").

use oci::{Digest, Repository};
use reqwest::{Method, StatusCode};

use crate::call::Call;
use crate::transport::Outgoing;
use crate::{Cause, Client, Error, Operation, Remote, Session};

/// What became of a wish to mount.
#[derive(Clone, Debug)]
pub enum Mount {
    /// The registry took the blob from the other repository.
    Mounted,
    /// It did not, and perhaps began an upload instead, for [`BlobPush::begun`](crate::BlobPush).
    Refused(Option<Session>),
}

impl Client {
    /// Takes a blob from another repository of the same registry: one request that is also the question whether it is
    /// there. A registry that does not mount, or not this blob, is no error.
    pub async fn mount_blob(&self, to: &Remote, digest: Digest, from: &Repository) -> Result<Mount, Error> {
        if *from == to.repository {
            return Ok(Mount::Refused(None));
        }
        let (call, mut budget) = self.writing(Operation::MountBlob(digest, from.clone()), to, Some(from))?;
        loop {
            match self.try_mount_blob(&call, digest, from).await {
                Ok(mount) => return Ok(mount),
                Err(cause) => budget.spend(&call, cause).await?,
            }
        }
    }

    async fn try_mount_blob(&self, call: &Call, digest: Digest, from: &Repository) -> Result<Mount, Cause> {
        let mut url = call.host.url(&call.remote.repository, "blobs/uploads/")?;
        url.query_pairs_mut().append_pair("mount", &digest.to_string()).append_pair("from", from.as_str());
        let answer = self.request(call, &Outgoing::new(Method::POST, url)).await?;
        match answer.status() {
            StatusCode::CREATED => Ok(Mount::Mounted),
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
                Err(answer.into_failure(&*self.config().clock).await)
            }
            // Whoever may not read the other repository may still write to this one (harbor answers 401).
            status if status.is_client_error() => {
                answer.drain().await;
                Ok(Mount::Refused(None))
            }
            _ => Ok(Mount::Refused(Some(self.session(call, answer).await?))),
        }
    }
}
