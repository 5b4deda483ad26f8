//! Why a source of credentials could not answer.

use std::path::PathBuf;
use std::time::Duration;

/// Why a source of credentials could not answer. No variant holds anything that may be secret.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is there, or was named by the user, and cannot be read.
    #[error("failed to read a docker config")]
    ReadConfig(
        /// Why; names the file.
        #[source]
        std::io::Error,
    ),
    /// The file is not what it should be. The parser's own text is not repeated: it quotes values.
    #[error(
        "docker config `{}` is broken: {problem} at line {line} column {column}; expected an object with `auths`, `credHelpers` or `credsStore`",
        path.display()
    )]
    ParseConfig {
        /// Which file.
        path: PathBuf,
        /// What kind of problem.
        problem: &'static str,
        /// Where it was found.
        line: usize,
        /// Where it was found.
        column: usize,
    },
    /// An entry of `auths` cannot be used.
    #[error("docker config `{}` is broken: `auth` of entry `{key}` {problem}", path.display())]
    BadEntry {
        /// Which file.
        path: PathBuf,
        /// Key in `auths`.
        key: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// The name of a helper would be a path or worse.
    #[error(
        "`{name}` is not the name of a docker credential helper; expected letters, digits, `.`, `_`, `-`"
    )]
    HelperName {
        /// The name in the config.
        name: String,
    },
    /// The helper does not run.
    #[error("failed to run credential helper `{program}`")]
    HelperStart {
        /// The program.
        program: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The helper did not end in time and was killed.
    #[error("credential helper `{program}` did not answer within {} seconds", timeout.as_secs_f64())]
    HelperTimeout {
        /// The program.
        program: String,
        /// How long it was given.
        timeout: Duration,
    },
    /// The helper ended with an error.
    #[error("credential helper `{program}` failed ({status}): {message}")]
    HelperFailed {
        /// The program.
        program: String,
        /// Its exit status in words.
        status: String,
        /// First line of what it said, cut to a length that fits a message.
        message: String,
    },
    /// The helper's answer is not one.
    #[error("credential helper `{program}` answered with something else than credentials: {problem}")]
    HelperAnswer {
        /// The program.
        program: String,
        /// What is wrong with it, without quoting it.
        problem: &'static str,
    },
}

impl Error {
    pub(crate) fn parse(path: PathBuf, error: &serde_json::Error) -> Self {
        let problem = match error.classify() {
            serde_json::error::Category::Io => "unreadable text",
            serde_json::error::Category::Syntax => "not JSON",
            serde_json::error::Category::Data => "a value of the wrong type",
            serde_json::error::Category::Eof => "unexpected end of the file",
        };
        Self::ParseConfig { path, problem, line: error.line(), column: error.column() }
    }
}
