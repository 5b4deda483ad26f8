//! The collector of garbage.

use std::collections::BTreeSet;

use super::State;

/// Labels by which a blob refers to others.
const REFERENCE: &str = "containerd.io/gc.ref.content";

impl State {
    /// Forgets the blobs that nothing leads to.
    pub(super) fn collect(&mut self) {
        let targets = self.images.values().filter_map(|image| image.target.as_ref());
        let mut todo: Vec<String> = targets.map(|target| target.digest.clone()).collect();
        todo.extend(self.leases.values().flatten().cloned());
        let mut kept = BTreeSet::new();
        while let Some(digest) = todo.pop() {
            if kept.insert(digest.clone())
                && let Some(blob) = self.blobs.get(&digest)
            {
                let references = blob.labels.iter().filter(|(name, _)| name.starts_with(REFERENCE));
                todo.extend(references.map(|(_, digest)| digest.clone()));
            }
        }
        self.blobs.retain(|digest, _| kept.contains(digest));
    }
}
