//! The calls that are a question and an answer.

use containerd_api::{
    AbortRequest, AddResourceRequest, CreateImageRequest, CreateImageResponse, CreateRequest, CreateResponse,
    DeleteRequest, GetImageRequest, GetImageResponse, Info, InfoRequest, InfoResponse, Lease, StatusRequest,
    StatusResponse, UpdateImageRequest, UpdateImageResponse, UpdateRequest, UpdateResponse,
};
use tonic::Status;

use super::{Blob, State};

fn size(bytes: &[u8]) -> i64 {
    i64::try_from(bytes.len()).unwrap_or(i64::MAX)
}

impl State {
    fn info_of(&self, digest: &str) -> Result<Info, Status> {
        let blob = self
            .blobs
            .get(digest)
            .ok_or_else(|| Status::not_found(format!("content {digest}: not found")))?;
        Ok(Info { digest: digest.to_owned(), size: size(&blob.bytes), labels: blob.labels.clone() })
    }

    pub(super) fn info(&mut self, request: &InfoRequest) -> Result<InfoResponse, Status> {
        Ok(InfoResponse { info: Some(self.info_of(&request.digest)?) })
    }

    pub(super) fn update(&mut self, request: &UpdateRequest) -> Result<UpdateResponse, Status> {
        let info = request.info.clone().unwrap_or_default();
        let Some(blob) = self.blobs.get_mut(&info.digest) else { return Err(Status::not_found("no blob")) };
        for path in request.update_mask.clone().unwrap_or_default().paths {
            let name = path.strip_prefix("labels.").ok_or_else(|| Status::invalid_argument(path.clone()))?;
            blob.labels.insert(name.to_owned(), info.labels.get(name).cloned().unwrap_or_default());
        }
        Ok(UpdateResponse { info: Some(self.info_of(&info.digest)?) })
    }

    /// Whoever writes elsewhere gets on each time that somebody looks.
    pub(super) fn status(&mut self, request: &StatusRequest) -> Result<StatusResponse, Status> {
        let name = request.r#ref.clone();
        let other = self.others.get_mut(&name);
        let bytes =
            other.as_ref().map(|other| other.bytes.as_slice()).or(self.ingests.get(&name).map(Vec::as_slice));
        let total = bytes.map(size).ok_or_else(|| Status::not_found("no ingest"))?;
        let Some(other) = other else {
            let status = containerd_api::Status { r#ref: name, offset: total, total };
            return Ok(StatusResponse { status: Some(status) });
        };
        other.offset = (other.offset + other.step).min(other.bytes.len());
        let offset = size(&other.bytes[..other.offset]);
        if offset == total
            && let Some(other) = self.others.remove(&name)
        {
            let digest = crate::digest_of(&other.bytes).to_string();
            self.blobs.insert(digest, Blob { bytes: other.bytes, ..Blob::default() });
        }
        let status = containerd_api::Status { r#ref: name, offset, total };
        Ok(StatusResponse { status: Some(status) })
    }

    pub(super) fn abort(&mut self, request: &AbortRequest) -> Result<(), Status> {
        self.ingests.remove(&request.r#ref).map(|_| ()).ok_or_else(|| Status::not_found("no ingest"))
    }

    pub(super) fn create_lease(&mut self, request: &CreateRequest) -> Result<CreateResponse, Status> {
        if self.leases.contains_key(&request.id) {
            return Err(Status::already_exists("there is such a lease"));
        }
        self.leases.insert(request.id.clone(), [].into());
        self.lease_labels = request.labels.clone();
        Ok(CreateResponse { lease: Some(Lease { id: request.id.clone(), labels: request.labels.clone() }) })
    }

    pub(super) fn delete_lease(&mut self, request: &DeleteRequest) -> Result<(), Status> {
        self.leases.remove(&request.id).map(|_| ()).ok_or_else(|| Status::not_found("no lease"))
    }

    pub(super) fn add_resource(&mut self, request: &AddResourceRequest) -> Result<(), Status> {
        let resource = request.resource.clone().unwrap_or_default();
        if resource.r#type != "content" {
            return Err(Status::invalid_argument("this is no blob"));
        }
        let held = self.leases.get_mut(&request.id).ok_or_else(|| Status::not_found("no lease"))?;
        held.insert(resource.id);
        Ok(())
    }

    pub(super) fn get_image(&mut self, request: &GetImageRequest) -> Result<GetImageResponse, Status> {
        let image = self.images.get(&request.name).cloned();
        image
            .map(|image| GetImageResponse { image: Some(image) })
            .ok_or_else(|| Status::not_found("no image"))
    }

    pub(super) fn create_image(
        &mut self,
        request: &CreateImageRequest,
    ) -> Result<CreateImageResponse, Status> {
        let image = request.image.clone().unwrap_or_default();
        if self.images.contains_key(&image.name) {
            return Err(Status::already_exists("there is such an image"));
        }
        self.images.insert(image.name.clone(), image.clone());
        Ok(CreateImageResponse { image: Some(image) })
    }

    pub(super) fn update_image(
        &mut self,
        request: &UpdateImageRequest,
    ) -> Result<UpdateImageResponse, Status> {
        let image = request.image.clone().unwrap_or_default();
        let there = self.images.get_mut(&image.name).ok_or_else(|| Status::not_found("no image"))?;
        if request.update_mask.clone().unwrap_or_default().paths != ["target"] {
            return Err(Status::invalid_argument("this fake changes targets alone"));
        }
        there.target = image.target;
        Ok(UpdateImageResponse { image: Some(there.clone()) })
    }
}
