//! The file that describes a layer, beside its blob.

use std::path::Path;

use blob::AtomicFile;
use layer::{LayerMetadata, Written};
use oci::Annotations;
use oci::config::History;
use tool::Outcome;

use crate::documents;

/// What is known before the layer is made.
pub(crate) struct LayerOutputs<'a> {
    pub(crate) metadata: &'a Path,
    pub(crate) media_type: String,
    pub(crate) annotations: Annotations,
    /// What made the layer.
    pub(crate) history: &'a str,
}

impl LayerOutputs<'_> {
    /// Writes it; the blob is in place already.
    pub(crate) fn write(mut self, written: &Written) -> Outcome {
        documents::derive_annotations(&mut self.annotations, written.blob.diff_id.0);
        // Readers rely on these, so they win.
        self.annotations.extend(written.annotations.clone());
        let created_by = if self.history.is_empty() { "history missing" } else { self.history };
        let metadata = LayerMetadata {
            diff_id: Some(written.blob.diff_id),
            media_type: self.media_type,
            digest: written.blob.digest,
            size: written.blob.size,
            annotations: self.annotations,
            history: vec![History::created_by(created_by)],
        };
        AtomicFile::write(self.metadata, metadata.to_json().as_bytes())?;
        Ok(())
    }
}
