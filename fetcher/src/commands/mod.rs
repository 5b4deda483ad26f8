//! One module a verb.

mod pull;

use tool::Outcome;

use crate::cli::{Cli, Verb};

pub(crate) fn run(cli: Cli) -> Outcome {
    match cli.verb {
        Verb::Pull(arguments) => pull::run(arguments),
    }
}
