//! What was pushed and what could not be: lines for people on standard error, and JSON for programs if that is wanted.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use deploy::Report;
use serde::Serialize;
use serde_json::json;

/// What became of the plan of a target.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Outcome {
    /// What was pushed.
    pub(crate) pushes: Vec<Report>,
    /// Why something was not: messages of one line each.
    pub(crate) failures: Vec<String>,
}

impl Outcome {
    /// Nothing was done but to fail.
    pub(crate) fn failed(message: String) -> Self {
        Self { pushes: Vec::new(), failures: vec![message] }
    }
}

/// Where it is written.
pub(crate) struct Log(Option<Mutex<Box<dyn Write + Send>>>);

impl Log {
    /// JSON goes to `output`, if there is one.
    pub(crate) fn new(output: Option<Box<dyn Write + Send>>) -> Self {
        Self(output.map(Mutex::new))
    }

    /// A target's plan was worked on.
    pub(crate) fn target(&self, build: &str, label: &str, outcome: &Outcome) {
        for push in &outcome.pushes {
            say(build, &push.line());
        }
        for failure in &outcome.failures {
            say(build, &format!("error: {failure}"));
        }
        if !outcome.pushes.is_empty() || !outcome.failures.is_empty() {
            self.write(&json!({"build": build, "target": label, "pushes": outcome.pushes, "failures": outcome.failures}));
        }
    }

    /// All of a build was worked on. Builds that push nothing are not worth a line.
    pub(crate) fn build(&self, build: &str, pushed: usize, failed: usize) {
        if pushed + failed > 0 {
            say(build, &format!("done: {pushed} pushed, {failed} failed"));
            self.write(&json!({"build": build, "pushed": pushed, "failed": failed}));
        }
    }

    fn write(&self, line: &serde_json::Value) {
        let Some(output) = &self.0 else { return };
        let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = writeln!(output, "{line}").and_then(|()| output.flush()) {
            tracing::warn!("failed to write to the log: {error}");
        }
    }
}

/// A line on standard error. If that is closed, nobody wants to know.
pub(crate) fn say(build: &str, text: &str) {
    drop(writeln!(std::io::stderr(), "build {build}: {text}"));
}
