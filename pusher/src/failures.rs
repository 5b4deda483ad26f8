//! Failures of many operations: told in the order of the plan, and what is the same for several of them once.

use deploy::FailedOperation;
use tool::{Exit, Failure, FailureContext as _, Outcome};

/// Labels that are named of those that failed for the same reason.
const NAMED: usize = 3;

/// Failures, those with the same reason together.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    groups: Vec<Group>,
    /// Label and reason of each operation that failed.
    all: Vec<(String, String)>,
}

#[derive(Debug)]
struct Group {
    reason: String,
    first: FailedOperation,
    others: Vec<String>,
}

impl Failures {
    /// Adds one.
    pub(crate) fn add(&mut self, failed: FailedOperation) {
        self.all.push((failed.label.clone(), failed.failure.chain()));
        let reason = failed.failure.reason();
        match self.groups.iter_mut().find(|group| group.reason == reason) {
            Some(group) => group.others.push(failed.label),
            None => self.groups.push(Group { reason, first: failed, others: Vec::new() }),
        }
    }

    /// Label and reason of each operation that failed.
    pub(crate) fn list(&self) -> &[(String, String)] {
        &self.all
    }

    /// The last one, after the others were shown. A special exit status only if it is that of all, and wrong usage only if
    /// nothing was done.
    pub(crate) fn into_outcome(self, done: bool, show: impl Fn(&str)) -> Outcome {
        let all = |exit| self.groups.iter().all(|group| group.first.failure.exit() == exit);
        let exit = match done {
            false if all(Exit::Usage) => Exit::Usage,
            _ if all(Exit::Gone) => Exit::Gone,
            _ => Exit::Failed,
        };
        let mut failures: Vec<Failure> = self.groups.into_iter().map(Group::into_failure).collect();
        let Some(last) = failures.pop() else { return Ok(()) };
        for failure in &failures {
            show(&failure.message());
        }
        Err(last).or_exit(exit)
    }
}

impl Group {
    fn into_failure(self) -> Failure {
        let failure = Failure::from(self.first);
        if self.others.is_empty() {
            return failure;
        }
        failure.hint(format!("{} failed for the same reason", names(&self.others)))
    }
}

fn names(labels: &[String]) -> String {
    let shown: Vec<String> = labels.iter().take(NAMED).map(|label| format!("`{label}`")).collect();
    match labels.len().saturating_sub(NAMED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn failed(label: &str, text: &'static str) -> FailedOperation {
        let error = anyhow::anyhow!(text).context(format!("failed to look for `{label}`"));
        FailedOperation::new(label, Failure::new(error).hint("do something"))
    }

    #[test]
    fn the_same_reason_is_told_once() {
        let mut failures = Failures::default();
        for label in ["//:a", "//:b", "//:c", "//:d", "//:e"] {
            failures.add(failed(label, "the registry is down"));
        }
        failures.add(failed("//:f", "another reason"));
        assert_eq!(failures.list().len(), 6);
        assert_eq!(failures.list()[5].1, "failed to look for `//:f`: another reason");
        let shown = RefCell::new(Vec::new());
        let show = |message: &str| shown.borrow_mut().push(message.to_owned());
        let last = failures.into_outcome(false, show).unwrap_err();
        let first = "error: failed to push `//:a`: failed to look for `//:a`: the registry is down\n\
                     hint: do something\nhint: `//:b`, `//:c`, `//:d` and 1 more failed for the same reason\n";
        assert_eq!(shown.into_inner(), [first]);
        let expected = "error: failed to push `//:f`: failed to look for `//:f`: another reason\n";
        assert!(last.message().starts_with(expected), "{}", last.message());
        assert_eq!(last.exit(), Exit::Failed);
    }

    #[test]
    fn wrong_usage_alone_is_wrong_usage() {
        for (done, exit) in [(false, Exit::Usage), (true, Exit::Failed)] {
            let mut failures = Failures::default();
            let failure = Failure::usage(anyhow::anyhow!("no"));
            failures.add(FailedOperation::new("//:a", failure));
            assert_eq!(failures.into_outcome(done, |_| ()).unwrap_err().exit(), exit);
        }
        let gone = || FailedOperation::new("//:a", Failure::new(anyhow::anyhow!("gone")).gone());
        for (others, exit) in [(None, Exit::Gone), (Some(failed("//:b", "no")), Exit::Failed)] {
            let mut failures = Failures::default();
            failures.add(gone());
            if let Some(other) = others {
                failures.add(other);
            }
            assert_eq!(failures.into_outcome(true, |_| ()).unwrap_err().exit(), exit);
        }
        assert!(Failures::default().into_outcome(false, |_| ()).is_ok());
    }
}
