//! `containerd.services.leases.v1.Leases`: what the collector of garbage must leave alone.

use std::collections::BTreeMap;

use crate::Method;

/// Name of the service.
pub const SERVICE: &str = "containerd.services.leases.v1.Leases";

/// Makes a lease; `ALREADY_EXISTS` if there is one of this name.
pub const CREATE: Method<CreateRequest, CreateResponse> =
    Method::new("/containerd.services.leases.v1.Leases/Create");

/// Ends a lease; `NOT_FOUND` if there is none.
pub const DELETE: Method<DeleteRequest, ()> = Method::new("/containerd.services.leases.v1.Leases/Delete");

/// Lets a lease hold something, whether it is there or not.
pub const ADD_RESOURCE: Method<AddResourceRequest, ()> =
    Method::new("/containerd.services.leases.v1.Leases/AddResource");

/// A lease.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Lease {
    /// Its name.
    #[prost(string, tag = "1")]
    pub id: String,
    /// What is noted about it.
    #[prost(btree_map = "string, string", tag = "3")]
    pub labels: BTreeMap<String, String>,
}

/// Makes a lease.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct CreateRequest {
    /// Its name; empty for one that containerd thinks of.
    #[prost(string, tag = "1")]
    pub id: String,
    /// `containerd.io/gc.expire` says when it ends by itself (RFC 3339).
    #[prost(btree_map = "string, string", tag = "3")]
    pub labels: BTreeMap<String, String>,
}

/// The lease.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct CreateResponse {
    /// Always set.
    #[prost(message, optional, tag = "1")]
    pub lease: Option<Lease>,
}

/// Ends a lease.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct DeleteRequest {
    /// Its name.
    #[prost(string, tag = "1")]
    pub id: String,
    /// Whether to wait until what it held is gone.
    #[prost(bool, tag = "2")]
    pub sync: bool,
}

/// What a lease may hold.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Resource {
    /// Of a blob: its digest.
    #[prost(string, tag = "1")]
    pub id: String,
    /// Of a blob: `content`.
    #[prost(string, tag = "2")]
    pub r#type: String,
}

/// Lets a lease hold something.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct AddResourceRequest {
    /// Name of the lease.
    #[prost(string, tag = "1")]
    pub id: String,
    /// What.
    #[prost(message, optional, tag = "2")]
    pub resource: Option<Resource>,
}
