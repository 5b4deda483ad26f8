//! What is printed when all is done, also when something failed: lines for people, and references or JSON for programs.

use std::io::Write as _;
use std::time::Duration;

use deploy::{Pushed, summary};
use load::Loaded;
use tool::Outcome;

use crate::failures::Failures;
use crate::progress::Progress;

/// What became of the operations.
pub(crate) struct Outcomes {
    pub(crate) pushes: Vec<Pushed>,
    pub(crate) loads: Vec<Loaded>,
}

/// How it is printed.
pub(crate) struct Printing {
    /// As one JSON object.
    pub(crate) json: bool,
    /// Whether the standard output is free for it; it is not where it is an archive.
    pub(crate) stdout: bool,
}

/// Prints what was done.
pub(crate) fn report(
    progress: &Progress,
    outcomes: Outcomes,
    elapsed: Duration,
    printing: &Printing,
) -> Outcome {
    let mut failures = Failures::default();
    let (mut pushed, mut loaded, mut failed) = (Vec::new(), Vec::new(), Vec::new());
    for outcome in outcomes.pushes {
        match outcome {
            Ok(report) => pushed.push(report),
            Err(failure) => {
                failed.push(*failure.counts);
                failures.add(failure);
            }
        }
    }
    for outcome in outcomes.loads {
        match outcome {
            Ok(report) => loaded.push(report),
            Err(failure) => failures.add(failure),
        }
    }
    let lines = summary::lines(&pushed, &failed, elapsed);
    lines.into_iter().chain(loaded.iter().map(load::Report::line)).for_each(|line| progress.always(&line));
    let text =
        if printing.json { to_json(&pushed, &loaded, &failures)? } else { references(&pushed, &loaded) };
    if printing.stdout {
        std::io::stdout().lock().write_all(text.as_bytes())?;
    } else {
        text.lines().for_each(|line| progress.always(line));
    }
    failures.into_outcome(!pushed.is_empty() || !loaded.is_empty(), |message| {
        progress.always(message.trim_end());
    })
}

/// What now exists, one a line.
fn references(pushed: &[deploy::Report], loaded: &[load::Report]) -> String {
    let pushed = pushed.iter().filter(|report| !report.dry_run).flat_map(|report| report.references.clone());
    let loaded = loaded.iter().filter(|report| !report.dry_run).flat_map(load::Report::references);
    pushed.chain(loaded).map(|line| line + "\n").collect()
}

fn to_json(
    pushed: &[deploy::Report],
    loaded: &[load::Report],
    failures: &Failures,
) -> Result<String, serde_json::Error> {
    let by_label = summary::by_label(pushed.iter().map(|report| (report.label.as_str(), report)))?;
    let mut all = serde_json::json!({ "pushes": by_label });
    if !loaded.is_empty() {
        all["loads"] = summary::by_label(loaded.iter().map(|report| (report.label.as_str(), report)))?;
    }
    if !failures.list().is_empty() {
        let entry = |(label, error): &(String, String)| serde_json::json!({"label": label, "error": error});
        all["failed"] = failures.list().iter().map(entry).collect();
    }
    Ok(serde_json::to_string_pretty(&all)? + "\n")
}
