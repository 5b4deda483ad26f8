//! `containerd.services.content.v1.Content`: blobs, and blobs that are being written ("ingests").

use std::collections::BTreeMap;

use bytes::Bytes;
use prost_types::FieldMask;

use crate::Method;

/// Name of the service.
pub const SERVICE: &str = "containerd.services.content.v1.Content";

/// What is known of a blob; `NOT_FOUND` if it is not there.
pub const INFO: Method<InfoRequest, InfoResponse> =
    Method::new("/containerd.services.content.v1.Content/Info");

/// Changes a blob's labels.
pub const UPDATE: Method<UpdateRequest, UpdateResponse> =
    Method::new("/containerd.services.content.v1.Content/Update");

/// What is known of an ingest, also while somebody writes it; `NOT_FOUND` if there is none.
pub const STATUS: Method<StatusRequest, StatusResponse> =
    Method::new("/containerd.services.content.v1.Content/Status");

/// Writes an ingest; streams both ways. `ALREADY_EXISTS` if the blob is there, `UNAVAILABLE` if somebody else writes the ingest.
pub const WRITE: Method<WriteContentRequest, WriteContentResponse> =
    Method::new("/containerd.services.content.v1.Content/Write");

/// Throws an ingest away.
pub const ABORT: Method<AbortRequest, ()> = Method::new("/containerd.services.content.v1.Content/Abort");

/// A blob.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Info {
    /// `sha256:...`
    #[prost(string, tag = "1")]
    pub digest: String,
    /// Bytes.
    #[prost(int64, tag = "2")]
    pub size: i64,
    /// What is noted about it.
    #[prost(btree_map = "string, string", tag = "5")]
    pub labels: BTreeMap<String, String>,
}

/// Asks for a blob.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct InfoRequest {
    /// `sha256:...`
    #[prost(string, tag = "1")]
    pub digest: String,
}

/// The blob.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct InfoResponse {
    /// Always set.
    #[prost(message, optional, tag = "1")]
    pub info: Option<Info>,
}

/// Changes a blob's labels.
#[derive(Clone, PartialEq, prost::Message)]
pub struct UpdateRequest {
    /// Digest and the labels.
    #[prost(message, optional, tag = "1")]
    pub info: Option<Info>,
    /// `labels.KEY` for each that changes; the others stay.
    #[prost(message, optional, tag = "2")]
    pub update_mask: Option<FieldMask>,
}

/// The blob as it is now.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct UpdateResponse {
    /// Always set.
    #[prost(message, optional, tag = "1")]
    pub info: Option<Info>,
}

/// An ingest.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Status {
    /// Its name.
    #[prost(string, tag = "3")]
    pub r#ref: String,
    /// Bytes so far.
    #[prost(int64, tag = "4")]
    pub offset: i64,
    /// Bytes that there will be, or 0.
    #[prost(int64, tag = "5")]
    pub total: i64,
}

/// Asks for an ingest.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct StatusRequest {
    /// Its name.
    #[prost(string, tag = "1")]
    pub r#ref: String,
}

/// The ingest.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct StatusResponse {
    /// Always set.
    #[prost(message, optional, tag = "1")]
    pub status: Option<Status>,
}

/// What a message of a write is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
pub enum WriteAction {
    /// Asks how far the ingest is.
    Stat = 0,
    /// Appends, or begins anew at offset 0.
    Write = 1,
    /// Appends what is left and makes it a blob.
    Commit = 2,
}

/// A part of an ingest.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct WriteContentRequest {
    /// What it is for.
    #[prost(enumeration = "WriteAction", tag = "1")]
    pub action: i32,
    /// Name of the ingest; needed in the first message.
    #[prost(string, tag = "2")]
    pub r#ref: String,
    /// Bytes of the whole, or 0.
    #[prost(int64, tag = "3")]
    pub total: i64,
    /// Digest of the whole, or empty.
    #[prost(string, tag = "4")]
    pub expected: String,
    /// Where the data belongs. Zero throws away what was there before, in a commit, too.
    #[prost(int64, tag = "5")]
    pub offset: i64,
    /// The bytes.
    #[prost(bytes = "bytes", tag = "6")]
    pub data: Bytes,
    /// In a commit: what is noted about the blob.
    #[prost(btree_map = "string, string", tag = "7")]
    pub labels: BTreeMap<String, String>,
}

/// Answers each part.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct WriteContentResponse {
    /// That of the part.
    #[prost(enumeration = "WriteAction", tag = "1")]
    pub action: i32,
    /// Bytes in the ingest.
    #[prost(int64, tag = "4")]
    pub offset: i64,
    /// Bytes that there will be, or 0.
    #[prost(int64, tag = "5")]
    pub total: i64,
    /// Digest of the bytes so far, or empty.
    #[prost(string, tag = "6")]
    pub digest: String,
}

/// Throws an ingest away.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct AbortRequest {
    /// Its name.
    #[prost(string, tag = "1")]
    pub r#ref: String,
}
