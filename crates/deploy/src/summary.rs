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

impl Tally {
    /// One more blob of so many bytes.
    pub fn add(&mut self, bytes: u64) {
        self.blobs += 1;
        self.bytes += bytes;
    }
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

impl Counts {
    /// The sum.
    fn plus(mut self, other: &Self) -> Self {
        let pairs = [
            (&mut self.present, other.present),
            (&mut self.mounted, other.mounted),
            (&mut self.uploaded, other.uploaded),
        ];
        for (sum, tally) in pairs {
            sum.blobs += tally.blobs;
            sum.bytes += tally.bytes;
        }
        self.manifests += other.manifests;
        self
    }

    fn words(&self, dry_run: bool) -> String {
        let Self { present, mounted, uploaded, manifests } = self;
        format!(
            "{} already there, {} mounted, {} {} ({}), {}",
            plural(present.blobs, "blob"),
            mounted.blobs,
            uploaded.blobs,
            if dry_run { "to upload" } else { "uploaded" },
            size(uploaded.bytes),
            plural(*manifests, "manifest"),
        )
    }
}

/// Shared by the tasks of one operation.
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
        tally.add(bytes);
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
        let verb = if self.dry_run { "would push" } else { "pushed" };
        format!("{verb} {reference}: {}, {:.2} s", self.counts.words(self.dry_run), self.seconds)
    }

    /// Seconds of a duration, rounded to milliseconds.
    pub fn seconds(duration: Duration) -> f64 {
        (duration.as_secs_f64() * 1000.0).round() / 1000.0
    }
}

/// Up to so many operations, each has a line.
const LINES: usize = 10;

/// What was done, for people: a line for each operation, or where these would be many, for each of the first that
/// changed something; then, if there were several, one for all. `failed` are the counts of operations that failed.
pub fn lines(reports: &[Report], failed: &[Counts], elapsed: Duration) -> Vec<String> {
    let (unchanged, changed): (Vec<&Report>, Vec<&Report>) =
        reports.iter().partition(|report| report.unchanged);
    let mut lines: Vec<String> = Vec::new();
    if reports.len() <= LINES {
        lines.extend(reports.iter().map(Report::line));
    } else {
        lines.extend(changed.iter().take(LINES).map(|report| report.line()));
        if changed.len() > LINES {
            lines.push(format!("and {} more", changed.len() - LINES));
        }
    }
    if reports.len() + failed.len() > 1 {
        lines.push(total(&unchanged, &changed, failed, elapsed));
    }
    lines
}

fn total(unchanged: &[&Report], changed: &[&Report], failed: &[Counts], elapsed: Duration) -> String {
    let dry_run = changed.iter().any(|report| report.dry_run);
    let verb = if dry_run { "to push" } else { "pushed" };
    let mut parts = vec![format!("{} {verb}", changed.len()), format!("{} unchanged", unchanged.len())];
    if !failed.is_empty() {
        parts.push(format!("{} failed", failed.len()));
    }
    let images = plural((unchanged.len() + changed.len() + failed.len()) as u64, "image");
    let all = changed.iter().map(|report| &report.counts).chain(failed);
    let counts = all.fold(Counts::default(), Counts::plus);
    let nothing = changed.is_empty() && counts == Counts::default();
    let moved = if nothing { String::new() } else { format!("; {}", counts.words(dry_run)) };
    format!("{images}: {}{moved}, {:.2} s", parts.join(", "), elapsed.as_secs_f64())
}

/// Reports as a JSON object: keyed by label, a list where a label has several.
pub fn by_label<'a, T: Serialize + 'a>(
    reports: impl IntoIterator<Item = (&'a str, &'a T)>,
) -> Result<serde_json::Value, serde_json::Error> {
    let mut by_label: BTreeMap<&str, Vec<&T>> = BTreeMap::new();
    for (label, report) in reports {
        by_label.entry(label).or_default().push(report);
    }
    let entries = by_label.into_iter().map(|(label, reports)| {
        let value = match reports.as_slice() {
            [only] => serde_json::to_value(only)?,
            several => serde_json::to_value(several)?,
        };
        Ok((label.to_owned(), value))
    });
    Ok(serde_json::Value::Object(entries.collect::<Result<_, serde_json::Error>>()?))
}

/// `1 blob`, `2 blobs`: a number and what it counts.
pub fn plural(count: u64, word: &str) -> String {
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

    fn report(number: usize, unchanged: bool) -> Report {
        let counter = Counter::default();
        if !unchanged {
            counter.blob(Outcome::Uploaded, 1024);
            counter.manifest();
        }
        Report {
            label: format!("//:push{number}"),
            references: vec![format!("r/a{number}:t")],
            unchanged,
            dry_run: false,
            counts: counter.counts(),
            seconds: 1.0,
        }
    }

    #[test]
    fn many_are_summed_up() {
        let two_seconds = Duration::from_secs(2);
        let all: Vec<Report> = (0..100).map(|number| report(number, number >= 98)).collect();
        let said = lines(&all, &[Counts::default()], two_seconds);
        assert_eq!(said.len(), 12, "{said:?}");
        assert_eq!(said[10], "and 88 more");
        assert_eq!(
            said[11],
            "101 images: 98 pushed, 2 unchanged, 1 failed; 0 blobs already there, 0 mounted, 98 uploaded (98.00 KiB), 98 manifests, 2.00 s"
        );
        let unchanged: Vec<Report> = (0..100).map(|number| report(number, true)).collect();
        assert_eq!(lines(&unchanged, &[], two_seconds), ["100 images: 0 pushed, 100 unchanged, 2.00 s"]);
        assert_eq!(lines(&all[..1], &[], two_seconds).len(), 1, "one needs no sum");
        assert_eq!(lines(&all[..10], &[], two_seconds).len(), 11);
        let nothing = [Counts::default(); 2];
        assert_eq!(lines(&[], &nothing, two_seconds), ["2 images: 0 pushed, 0 unchanged, 2 failed, 2.00 s"]);
    }

    #[test]
    fn what_a_failed_operation_sent_is_part_of_the_sum() {
        let sent = report(1, false).counts;
        let said = lines(&[report(2, false)], &[sent], Duration::from_secs(2));
        assert_eq!(
            said[1],
            "2 images: 1 pushed, 0 unchanged, 1 failed; 0 blobs already there, 0 mounted, 2 uploaded (2.00 KiB), 2 manifests, 2.00 s"
        );
        let said = lines(&[report(2, true)], &[sent], Duration::from_secs(2));
        assert!(
            said[1].contains("1 failed; 0 blobs already there, 0 mounted, 1 uploaded (1.00 KiB)"),
            "{said:?}"
        );
    }

    #[test]
    fn json_has_every_report() {
        let (one, two) = (report(1, false), report(2, true));
        let reports = [&one, &two, &two].map(|report| (report.label.as_str(), report));
        let said = by_label(reports).unwrap();
        assert_eq!(said["//:push1"]["uploaded"]["blobs"], 1);
        assert_eq!(said["//:push2"].as_array().unwrap().len(), 2);
    }
}
