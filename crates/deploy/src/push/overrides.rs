//! What the command line says about deduplicated pushes.

use plan::{Deduplicate, DeduplicateMode, DeduplicatedContent};

/// What the command line says instead of the plan; `None` leaves it to the plan.
#[derive(Clone, Debug, Default)]
pub struct DeduplicateOverrides {
    /// Whether, and how strictly; `Some(None)` is never.
    pub mode: Option<Option<DeduplicateMode>>,
    /// Where shared layers are uploaded to.
    pub repository: Option<String>,
    /// What is put there.
    pub content: Option<DeduplicatedContent>,
}

impl DeduplicateOverrides {
    /// What counts for an operation.
    pub(crate) fn apply(&self, planned: Option<&Deduplicate>) -> Option<Deduplicate> {
        let mode = self.mode.unwrap_or_else(|| planned.map(|planned| planned.mode))?;
        let repository = planned.and_then(|planned| planned.repository.clone());
        let content = planned.map_or(DeduplicatedContent::Blobs, |planned| planned.content);
        Some(Deduplicate {
            mode,
            repository: self.repository.clone().or(repository),
            content: self.content.unwrap_or(content),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_wins_field_by_field() {
        let planned = Deduplicate {
            mode: DeduplicateMode::Enabled,
            repository: Some("planned".to_owned()),
            content: DeduplicatedContent::BlobsAndArtificialManifests,
        };
        let nothing = DeduplicateOverrides::default();
        assert_eq!(nothing.apply(None), None);
        assert_eq!(nothing.apply(Some(&planned)), Some(planned.clone()));
        let off = DeduplicateOverrides { mode: Some(None), ..nothing.clone() };
        assert_eq!(off.apply(Some(&planned)), None);
        let elsewhere = DeduplicateOverrides { repository: Some("typed".to_owned()), ..nothing };
        assert_eq!(elsewhere.apply(None), None, "a place alone turns nothing on");
        assert_eq!(elsewhere.apply(Some(&planned)).unwrap().repository.as_deref(), Some("typed"));
        let on = DeduplicateOverrides { mode: Some(Some(DeduplicateMode::BestEffort)), ..elsewhere };
        assert_eq!(on.apply(None).unwrap().content, DeduplicatedContent::Blobs);
    }
}
