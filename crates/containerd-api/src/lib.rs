//! containerd's API, as far as an import of images needs it: messages, and which call takes and answers what.
//!
//! Numbers and names are those of the files `api/services/*/v1/*.proto` of containerd 1.7 and later; fields that nobody here
//! needs are left out, and skipped when they come. They are written by hand, because the crate that has them all,
//! `containerd-client`, generates them with `protoc` whenever it is built, and nobody who builds these tools needs a
//! `protoc` for anything else.
//!
//! Deliberately not here: connections and what is done over them (crate `containerd`).
//!
//! ```
//! use containerd_api::{InfoRequest, content};
//! let question = InfoRequest { digest: format!("sha256:{}", "0".repeat(64)) };
//! assert_eq!(content::INFO.path(), "/containerd.services.content.v1.Content/Info");
//! # let _ = question;
//! ```

pub mod content;
pub mod images;
pub mod leases;
pub mod version;

use std::marker::PhantomData;

pub use content::{
    AbortRequest, Info, InfoRequest, InfoResponse, Status, StatusRequest, StatusResponse, UpdateRequest,
    UpdateResponse, WriteAction, WriteContentRequest, WriteContentResponse,
};
pub use images::{
    CreateImageRequest, CreateImageResponse, Descriptor, GetImageRequest, GetImageResponse, Image,
    UpdateImageRequest, UpdateImageResponse,
};
pub use leases::{AddResourceRequest, CreateRequest, CreateResponse, DeleteRequest, Lease, Resource};
pub use prost_types::FieldMask;
pub use version::VersionResponse;

/// Header with the namespace that a call is about; every call but that for the version needs it.
pub const NAMESPACE_HEADER: &str = "containerd-namespace";

/// Header with the lease that holds what a call makes.
pub const LEASE_HEADER: &str = "containerd-lease";

/// A call that takes a `Request` and answers with a `Response`.
pub struct Method<Request, Response> {
    path: &'static str,
    types: PhantomData<fn(Request) -> Response>,
}

impl<Request, Response> Method<Request, Response> {
    const fn new(path: &'static str) -> Self {
        Self { path, types: PhantomData }
    }

    /// `/package.Service/Method`
    pub const fn path(&self) -> &'static str {
        self.path
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;

    #[test]
    fn the_encoding_is_that_of_containerd() {
        let write = WriteContentRequest {
            action: WriteAction::Commit.into(),
            r#ref: "r".into(),
            total: 3,
            expected: "e".into(),
            offset: 1,
            data: b"d"[..].into(),
            labels: [("k".to_owned(), "v".to_owned())].into(),
        };
        let bytes = b"\x08\x02\x12\x01r\x18\x03\x22\x01e\x28\x01\x32\x01d\x3a\x06\x0a\x01k\x12\x01v";
        assert_eq!(write.encode_to_vec(), bytes);

        let target = Descriptor { media_type: "m".into(), digest: "d".into(), size: 5 };
        let image = Image { name: "n".into(), labels: [].into(), target: Some(target) };
        let update = UpdateImageRequest {
            image: Some(image),
            update_mask: Some(FieldMask { paths: vec!["t".into()] }),
        };
        let bytes = b"\x0a\x0d\x0a\x01n\x1a\x08\x0a\x01m\x12\x01d\x18\x05\x12\x03\x0a\x01t";
        assert_eq!(update.encode_to_vec(), bytes);
    }

    #[test]
    fn what_nobody_needs_is_skipped() {
        // An `Info` with its times.
        let bytes = b"\x0a\x01d\x10\x05\x1a\x02\x08\x07\x22\x02\x08\x08\x2a\x06\x0a\x01k\x12\x01v";
        let info = Info { digest: "d".into(), size: 5, labels: [("k".to_owned(), "v".to_owned())].into() };
        assert_eq!(Info::decode(&bytes[..]).unwrap(), info);
    }
}
