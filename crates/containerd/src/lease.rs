//! What holds content between its arrival and its name.

use std::fmt;
use std::time::Duration;

use containerd_api::{
    AddResourceRequest, CreateRequest, DeleteRequest, LEASE_HEADER, Method, Resource, leases,
};
use oci::Digest;
use prost::Message;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::{Code, Request};

use crate::client::Failed;
use crate::{Client, Error, Operation};

/// containerd ends it after this time, if we did not.
const EXPIRES_AFTER: Duration = Duration::from_hours(1);

/// The label by which it does.
const EXPIRE: &str = "containerd.io/gc.expire";

/// Holds what is written, and what was found to be there, until it is ended with [`Lease::end`], or for an hour. Any number
/// of tasks may use it.
pub struct Lease {
    client: Client,
    id: String,
    header: MetadataValue<Ascii>,
}

impl Client {
    /// A lease; all writing begins here.
    pub async fn lease(&self) -> Result<Lease, Error> {
        let id = format!("rules_img-{}", uuid::Uuid::new_v4());
        let failed = |answer| self.error(Operation::BeginLease, Failed { answer, attempts: 1 });
        let header =
            id.parse().map_err(|_| failed(crate::Answer::Protocol("the name of a lease is no header")))?;
        let expire = expire().ok_or_else(|| failed(crate::Answer::Protocol("the clock is wrong")))?;
        let request = CreateRequest { id: id.clone(), labels: [(EXPIRE.to_owned(), expire)].into() };
        match self.call(&leases::CREATE, request, |_| ()).await {
            // There already: an earlier attempt made it, and its answer was lost.
            Err(failed) if !(failed.attempts > 1 && failed.answer.is(Code::AlreadyExists)) => {
                Err(self.error(Operation::BeginLease, failed))
            }
            _ => Ok(Lease { client: self.clone(), id, header }),
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "only decides when containerd forgets a lease that nobody ended"
)]
fn expire() -> Option<String> {
    let time = OffsetDateTime::from(std::time::SystemTime::now()) + EXPIRES_AFTER;
    time.replace_nanosecond(0).ok()?.format(&Rfc3339).ok()
}

impl Lease {
    /// Holds nothing any more: what no image refers to is garbage from now on. To be called after an error, too.
    pub async fn end(self) -> Result<(), Error> {
        self.delete(false).await
    }

    /// The same, and waits until garbage is collected. To be called after a name was given to another image: what that had is
    /// garbage now, and whoever unpacks the new image at the same time would lose layers that both have.
    pub async fn end_and_collect(self) -> Result<(), Error> {
        self.delete(true).await
    }

    async fn delete(self, sync: bool) -> Result<(), Error> {
        let request = DeleteRequest { id: self.id.clone(), sync };
        match self.client.call(&leases::DELETE, request, |_| ()).await {
            Err(failed) if !failed.answer.is(Code::NotFound) => {
                Err(self.client.error(Operation::EndLease, failed))
            }
            _ => Ok(()),
        }
    }

    /// Its name, as in `ctr leases list`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whose lease it is.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Holds a blob, whether it is there or not.
    pub(crate) async fn hold(&self, digest: Digest) -> Result<(), Failed> {
        let resource = Resource { id: digest.to_string(), r#type: "content".to_owned() };
        let request = AddResourceRequest { id: self.id.clone(), resource: Some(resource) };
        self.call(&leases::ADD_RESOURCE, request).await
    }

    /// Makes a call under this lease.
    pub(crate) async fn call<Q, A>(&self, method: &Method<Q, A>, message: Q) -> Result<A, Failed>
    where
        Q: Message + Clone + 'static,
        A: Message + Default + 'static,
    {
        self.client.call(method, message, |request| self.add_header(request)).await
    }

    pub(crate) fn add_header<T>(&self, request: &mut Request<T>) {
        request.metadata_mut().insert(LEASE_HEADER, self.header.clone());
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("client", &self.client).field("id", &self.id).finish_non_exhaustive()
    }
}
