//! The service by which a registry is told what of its remote cache it shall show.

use blobcache::{Blobs, CommitRequest, CommitResponse};
use tonic::{Request, Status};

use super::services::Services;

impl Blobs for Services {
    async fn commit(&self, request: Request<CommitRequest>) -> Result<CommitResponse, Status> {
        let message = request.get_ref();
        let parts = message.repositories.iter();
        let parts: Vec<_> = parts.map(|part| format!("{}:{}", part.name, part.blobs.len())).collect();
        let about = format!("{}{}", parts.join(" "), if message.only_ask { " only asked" } else { "" });
        self.note(&request, "Commit", about)?;
        let mut missing = request.into_inner().repositories;
        for part in &mut missing {
            part.blobs.retain(|blob| !self.has(&blob.hash));
        }
        missing.retain(|part| !part.blobs.is_empty());
        Ok(CommitResponse { missing })
    }
}
