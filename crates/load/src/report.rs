//! What a load did.

use deploy::Tally;
use deploy::summary::{plural, size};
use oci::Digest;
use serde::Serialize;

/// The result of one load.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The target that asked for it.
    pub label: String,
    /// What took the image, e.g. `containerd` or `docker image load`.
    pub into: String,
    /// The manifest or index.
    pub digest: Digest,
    /// What the image is called there, sorted.
    pub names: Vec<String>,
    /// Whether everything was there before, names included.
    pub unchanged: bool,
    /// Whether nothing was sent because nothing should be.
    pub dry_run: bool,
    /// Layers and configs that were there already.
    pub present: Tally,
    /// Layers and configs that were sent.
    pub sent: Tally,
    /// How long it took.
    pub seconds: f64,
}

impl Report {
    /// What is printed for programs: the digest, then the names.
    pub fn references(&self) -> Vec<String> {
        std::iter::once(self.digest.to_string()).chain(self.names.iter().cloned()).collect()
    }

    /// One line for people.
    pub fn line(&self) -> String {
        let Self { into, names, present, sent, seconds, .. } = self;
        let digest = self.digest.to_string();
        let name = names.last().unwrap_or(&digest);
        if self.unchanged {
            return format!("unchanged {name}: {into} has it already, {seconds:.2} s");
        }
        let (verb, what) = if self.dry_run { ("would load", "to send") } else { ("loaded", "sent") };
        format!(
            "{verb} {name} into {into}: {} already there, {} {what} ({}), {seconds:.2} s",
            plural(present.blobs, "blob"),
            sent.blobs,
            size(sent.bytes),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_moved() {
        let report = Report {
            label: "//:load".into(),
            into: "containerd".into(),
            digest: Digest::from_bytes([1; 32]),
            names: vec!["a:1".into(), "b:2".into()],
            unchanged: false,
            dry_run: false,
            present: Tally { blobs: 1, bytes: 5 },
            sent: Tally { blobs: 2, bytes: 3_000_000 },
            seconds: 0.125,
        };
        assert_eq!(
            report.line(),
            "loaded b:2 into containerd: 1 blob already there, 2 sent (2.86 MiB), 0.12 s"
        );
        let dry = Report { dry_run: true, names: Vec::new(), ..report.clone() };
        assert!(dry.line().starts_with(&format!("would load {} into", report.digest)));
        let unchanged = Report { unchanged: true, ..report };
        assert_eq!(unchanged.line(), "unchanged b:2: containerd has it already, 0.12 s");
    }
}
