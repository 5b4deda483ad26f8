//! What a run did, counted while it happens and printed at its end.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use serde::Serialize;

/// How a blob came to be where it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was there already.
    Present,
    /// The registry took it from another of its repositories.
    Mounted,
    /// Its bytes were sent.
    Uploaded,
}

/// A number of blobs and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// How many.
    pub blobs: u64,
    /// How many bytes altogether.
    pub bytes: u64,
}

/// Counts of one push.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Blobs that were there already.
    pub present: Tally,
    /// Blobs that the registry took from another repository.
    pub mounted: Tally,
    /// Blobs that were sent.
    pub uploaded: Tally,
    /// Manifests and indexes that were written, tags included.
    pub manifests: u64,
}

/// Shared by the tasks of one push.
#[derive(Debug, Default)]
pub struct Counter(Mutex<Counts>);

impl Counter {
    /// Counts a blob.
    pub fn blob(&self, outcome: Outcome, bytes: u64) {
        let mut counts = self.lock();
        let tally = match outcome {
            Outcome::Present => &mut counts.present,
            Outcome::Mounted => &mut counts.mounted,
            Outcome::Uploaded => &mut counts.uploaded,
        };
        tally.blobs += 1;
        tally.bytes += bytes;
    }

    /// Counts a manifest that was written.
    pub fn manifest(&self) {
        self.lock().manifests += 1;
    }

    /// The counts so far.
    pub fn counts(&self) -> Counts {
        *self.lock()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The result of one push.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The target that asked for it.
    pub label: String,
    /// `registry/repository@digest`, then `registry/repository:tag` for every tag, sorted.
    pub references: Vec<String>,
    /// Whether everything was there before.
    pub unchanged: bool,
    /// Whether nothing was sent because nothing should be.
    pub dry_run: bool,
    /// What happened to the blobs.
    #[serde(flatten)]
    pub counts: Counts,
    /// How long it took.
    pub seconds: f64,
}

impl Report {
    /// One line for people.
    pub fn line(&self) -> String {
        let reference = self.references.last().map_or("", String::as_str);
        if self.unchanged {
            return format!("unchanged {reference}: the registry has it already, {:.2} s", self.seconds);
        }
        let (verb, uploaded) =
            if self.dry_run { ("would push", "to upload") } else { ("pushed", "uploaded") };
        let Counts { present, mounted, uploaded: sent, manifests } = self.counts;
        format!(
            "{verb} {reference}: {} already there, {} mounted, {} {uploaded} ({}), {}, {:.2} s",
            plural(present.blobs, "blob"),
            mounted.blobs,
            sent.blobs,
            size(sent.bytes),
            plural(manifests, "manifest"),
            self.seconds
        )
    }

    /// Seconds of a duration, rounded to milliseconds.
    pub fn seconds(duration: Duration) -> f64 {
        (duration.as_secs_f64() * 1000.0).round() / 1000.0
    }
}

/// All reports as one JSON object, keyed by label.
pub fn to_json(reports: &[Report]) -> Result<String, serde_json::Error> {
    let by_label: BTreeMap<&str, &Report> =
        reports.iter().map(|report| (report.label.as_str(), report)).collect();
    serde_json::to_string_pretty(&serde_json::json!({ "pushes": by_label }))
}

/// `1 blob`, `2 blobs`.
fn plural(count: u64, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

/// Bytes for people.
pub fn size(bytes: u64) -> String {
    indicatif::HumanBytes(bytes).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_moved() {
        let counter = Counter::default();
        counter.blob(Outcome::Present, 10);
        counter.blob(Outcome::Mounted, 1 << 30);
        counter.blob(Outcome::Uploaded, 2048);
        counter.manifest();
        let mut report = Report {
            label: "//:push".into(),
            references: vec!["r/a@sha256:1".into(), "r/a:t".into()],
            unchanged: false,
            dry_run: false,
            counts: counter.counts(),
            seconds: 1.5,
        };
        assert_eq!(
            report.line(),
            "pushed r/a:t: 1 blob already there, 1 mounted, 1 uploaded (2.00 KiB), 1 manifest, 1.50 s"
        );
        report.dry_run = true;
        assert!(report.line().starts_with("would push r/a:t: "));
        report.unchanged = true;
        assert_eq!(report.line(), "unchanged r/a:t: the registry has it already, 1.50 s");
    }
}
