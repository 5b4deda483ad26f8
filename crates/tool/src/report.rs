//! How a program ends: exit codes, and the one place that prints an error.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Error;

/// Exit status of every program here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All was done.
    Done = 0,
    /// The operation failed.
    Failed = 1,
    /// The command line or an input file is wrong.
    Usage = 2,
    /// What was built is no longer where it was left; a build brings it back.
    Gone = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A failed operation: what went wrong, and what the user can do about it.
#[derive(Debug)]
pub struct Failure {
    error: Error,
    exit: Exit,
    hints: Vec<String>,
}

/// A failure that several have in common: its text and hints, without what each puts in front.
#[derive(Clone, Debug)]
pub struct SharedFailure {
    text: String,
    exit: Exit,
    hints: Vec<String>,
}

impl From<SharedFailure> for Failure {
    fn from(shared: SharedFailure) -> Self {
        Self { error: Error::msg(shared.text), exit: shared.exit, hints: shared.hints }
    }
}

/// What a command returns.
pub type Outcome = Result<(), Failure>;

impl Failure {
    /// The operation failed.
    pub fn new(error: impl Into<Error>) -> Self {
        Self { error: error.into(), exit: Exit::Failed, hints: Vec::new() }
    }

    /// The command line or an input file is wrong.
    pub fn usage(error: impl Into<Error>) -> Self {
        Self { error: error.into(), exit: Exit::Usage, hints: Vec::new() }
    }

    /// What was built is no longer where it was left.
    #[must_use]
    pub fn gone(self) -> Self {
        Self { exit: Exit::Gone, ..self }
    }

    /// Adds a line that says what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds several such lines.
    #[must_use]
    pub fn hints(mut self, hints: impl IntoIterator<Item = String>) -> Self {
        self.hints.extend(hints);
        self
    }

    /// Says in front of the message which object it is about.
    #[must_use]
    pub fn context(mut self, context: impl std::fmt::Display + Send + Sync + 'static) -> Self {
        self.error = self.error.context(context);
        self
    }

    /// Whether this is what it all began with.
    pub fn is_caused_by<E: std::error::Error + Send + Sync + 'static>(&self) -> bool {
        self.error.root_cause().is::<E>()
    }

    /// How the program ends if this is all that went wrong.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// A copy for others who failed because of the same.
    pub fn share(&self) -> SharedFailure {
        SharedFailure { text: self.chain(), exit: self.exit, hints: self.hints.clone() }
    }

    /// The error and its causes in one line.
    pub fn chain(&self) -> String {
        self.causes().join(": ")
    }

    /// What in that line does not name the object that something failed to be done to: the same for all that fail for
    /// the same reason.
    pub fn reason(&self) -> String {
        let causes = self.causes();
        let reasons: Vec<&str> = causes
            .iter()
            .flat_map(|cause| cause.split(": "))
            .filter(|cause| !cause.starts_with("failed to "))
            .collect();
        reasons.join(": ")
    }

    fn causes(&self) -> Vec<String> {
        let mut causes: Vec<String> = Vec::new();
        for cause in self.error.chain() {
            let text = cause.to_string();
            // Some libraries repeat their cause in their own text.
            if !causes.last().is_some_and(|last| last.ends_with(&text)) {
                causes.push(text);
            }
        }
        causes
    }

    /// The text for standard error.
    pub fn message(&self) -> String {
        let mut message = format!("error: {}\n", self.chain());
        for hint in &self.hints {
            message.push_str("hint: ");
            message.push_str(hint);
            message.push('\n');
        }
        message
    }
}

impl<E: Into<Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::new(error)
    }
}

/// Adds to a result what [`Failure`] can carry.
pub trait FailureContext<T> {
    /// Says in front of the message which object it is about.
    fn about(self, context: impl std::fmt::Display + Send + Sync + 'static) -> Result<T, Failure>;
    /// Marks the failure as one of usage, exit code 2.
    fn or_usage(self) -> Result<T, Failure>;
    /// Says how the program ends.
    fn or_exit(self, exit: Exit) -> Result<T, Failure>;
    /// Adds a line that says what to do.
    fn or_hint(self, hint: impl Into<String>) -> Result<T, Failure>;
}

impl<T, E: Into<Failure>> FailureContext<T> for Result<T, E> {
    fn about(self, context: impl std::fmt::Display + Send + Sync + 'static) -> Result<T, Failure> {
        self.map_err(|error| error.into().context(context))
    }

    fn or_usage(self) -> Result<T, Failure> {
        self.or_exit(Exit::Usage)
    }

    fn or_exit(self, exit: Exit) -> Result<T, Failure> {
        self.map_err(|error| Failure { exit, ..error.into() })
    }

    fn or_hint(self, hint: impl Into<String>) -> Result<T, Failure> {
        self.map_err(|error| error.into().hint(hint))
    }
}

/// An error and its causes in one line, for a warning.
pub fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

pub(crate) fn finish(outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(()) => Exit::Done.into(),
        Err(failure) => {
            // Nowhere is left to report a closed standard error to.
            let _ = std::io::stderr().write_all(failure.message().as_bytes());
            failure.exit.into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_causes_once_and_hints_below() {
        let failure =
            Err::<(), _>(anyhow::anyhow!("connection refused").context("GET http://x: connection refused"))
                .about("failed to pull `base`")
                .or_hint("start the registry")
                .unwrap_err();
        assert_eq!(
            failure.message(),
            "error: failed to pull `base`: GET http://x: connection refused\nhint: start the registry\n"
        );
        assert_eq!(failure.exit, Exit::Failed);
        assert_eq!(failure.reason(), "GET http://x: connection refused");
        let shared = Failure::from(failure.share());
        assert_eq!((shared.message(), shared.reason()), (failure.message(), failure.reason()));
    }

    #[test]
    fn usage_is_another_exit_code() {
        let failure = Err::<(), _>(anyhow::anyhow!("bad")).or_usage().unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
    }
}
