//! `containerd.services.images.v1.Images`: names, and what they stand for.

use std::collections::BTreeMap;

use prost_types::FieldMask;

use crate::Method;

/// Name of the service.
pub const SERVICE: &str = "containerd.services.images.v1.Images";

/// An image by its name; `NOT_FOUND` if there is none.
pub const GET: Method<GetImageRequest, GetImageResponse> =
    Method::new("/containerd.services.images.v1.Images/Get");

/// Makes an image; `ALREADY_EXISTS` if the name is taken.
pub const CREATE: Method<CreateImageRequest, CreateImageResponse> =
    Method::new("/containerd.services.images.v1.Images/Create");

/// Lets a name stand for something else; `NOT_FOUND` if there is no such name.
pub const UPDATE: Method<UpdateImageRequest, UpdateImageResponse> =
    Method::new("/containerd.services.images.v1.Images/Update");

/// `containerd.types.Descriptor`: what a name stands for.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Descriptor {
    /// Media type of the manifest or index.
    #[prost(string, tag = "1")]
    pub media_type: String,
    /// `sha256:...`
    #[prost(string, tag = "2")]
    pub digest: String,
    /// Bytes.
    #[prost(int64, tag = "3")]
    pub size: i64,
}

/// An image.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Image {
    /// A full reference, such as `docker.io/library/busybox:latest`.
    #[prost(string, tag = "1")]
    pub name: String,
    /// What is noted about it.
    #[prost(btree_map = "string, string", tag = "2")]
    pub labels: BTreeMap<String, String>,
    /// What it stands for.
    #[prost(message, optional, tag = "3")]
    pub target: Option<Descriptor>,
}

/// Asks for an image.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct GetImageRequest {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
}

/// The image.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct GetImageResponse {
    /// Always set.
    #[prost(message, optional, tag = "1")]
    pub image: Option<Image>,
}

/// Makes an image.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct CreateImageRequest {
    /// The image.
    #[prost(message, optional, tag = "1")]
    pub image: Option<Image>,
}

/// The image as it is now.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct CreateImageResponse {
    /// Always set.
    #[prost(message, optional, tag = "1")]
    pub image: Option<Image>,
}

/// Changes an image.
#[derive(Clone, PartialEq, prost::Message)]
pub struct UpdateImageRequest {
    /// Its name, and what changes.
    #[prost(message, optional, tag = "1")]
    pub image: Option<Image>,
    /// `target`, or `labels.KEY`.
    #[prost(message, optional, tag = "2")]
    pub update_mask: Option<FieldMask>,
}

/// The image as it is now.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct UpdateImageResponse {
    /// Always set.
    #[prost(message, optional, tag = "1")]
    pub image: Option<Image>,
}
