//! `containerd.services.version.v1.Version`: whether somebody is there.

use crate::Method;

/// Name of the service.
pub const SERVICE: &str = "containerd.services.version.v1.Version";

/// Which containerd it is.
pub const VERSION: Method<(), VersionResponse> =
    Method::new("/containerd.services.version.v1.Version/Version");

/// Which containerd it is.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct VersionResponse {
    /// Such as `2.1.9`.
    #[prost(string, tag = "1")]
    pub version: String,
}
