//! One file a verb: it opens files, calls a library, and writes the outputs.

mod blob;
mod convert;
mod copy;
mod extract;
mod import;
mod index;
mod layer;
mod layer_listing;
mod layout;
mod listing;
mod manifest;
mod optimize;
mod plan;
mod stored_layer;

use std::num::NonZeroUsize;

use ::layer::Jobs;
use tool::Outcome;

use crate::cli::{AskedJobs, Cli, Command, OptimizeCommand, PlanCommand};

pub(crate) fn run(cli: Cli) -> Outcome {
    match cli.command {
        Command::Layer(args) => layer::run(&args),
        Command::LayerListing(args) => layer_listing::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Blob(args) => blob::run(&args),
        Command::Copy(args) => copy::run(&args),
        Command::Manifest(args) => manifest::run(&args),
        Command::Index(args) => index::run(&args),
        Command::Layout(args) => layout::run(&args),
        Command::Listing(args) => listing::run(&args),
        Command::Convert(args) => convert::run(&args),
        Command::Extract(args) => extract::run(&args),
        Command::Optimize(OptimizeCommand::Manifest(args)) => optimize::run_manifest(&args),
        Command::Optimize(OptimizeCommand::Index(args)) => optimize::run_index(&args),
        Command::Plan(PlanCommand::Push(args)) => plan::push::run(&args),
        Command::Plan(PlanCommand::Load(args)) => plan::load::run(&args),
        Command::Plan(PlanCommand::Merge(args)) => plan::merge::run(&args),
    }
}

/// More threads than any machine has processors for would only cost memory.
const MAX_JOBS: NonZeroUsize = NonZeroUsize::new(256).expect("not zero");

/// What Bazel is told of a layer that nobody named a number for (img/private/actions/compression.bzl).
const DEFAULT_JOBS: NonZeroUsize = NonZeroUsize::new(2).expect("not zero");

/// As many threads as were asked for, or as the input is worth and the machine has processors for.
fn jobs(asked: Option<AskedJobs>) -> Jobs {
    let processors = || std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    match asked {
        Some(AskedJobs::Number(jobs)) => Jobs::Exactly(jobs.min(MAX_JOBS)),
        Some(AskedJobs::Processors) => Jobs::AtMost(processors().min(MAX_JOBS)),
        None => Jobs::AtMost(processors().min(DEFAULT_JOBS)),
    }
}

/// The media type that a user asked for, or that of the format.
fn media_type(asked: &str, format: ::layer::Format) -> String {
    if asked.is_empty() { format.media_type().to_owned() } else { asked.to_owned() }
}

/// A failure of the layer library, with what to do about it.
fn layer_failure(error: ::layer::LayerError) -> tool::Failure {
    let hints = error.hints();
    let failure = if error.is_usage() { tool::Failure::usage(error) } else { tool::Failure::new(error) };
    failure.hints(hints)
}
