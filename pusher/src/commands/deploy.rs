//! Does what the plan beside the program says.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use deploy::summary;
use deploy::{CacheNames, Caches, Context, Overrides, Report, push, wait};
use futures_util::future::join_all;
use plan::{Operation, Plan, Strategy};
use tool::{Failure, FailureContext as _, Outcome};

use crate::cli::Cli;
use crate::progress::Progress;
use tool::runfiles::{self, Runfiles};

pub(crate) fn run(cli: Cli) -> Outcome {
    let program = runfiles::program_path().about("failed to find the path of this program")?;
    let plan_path = cli.plan.unwrap_or_else(|| runfiles::plan_path(&program));
    let plan = read_plan(&plan_path)?;
    let runfiles = Runfiles::find(&program)?;
    let progress = Progress::new(cli.progress);
    let patience = Duration::from_secs(cli.wait);
    let context = Context {
        client: connect::client(&connect::Options { insecure: cli.insecure, ..connect::Options::default() }),
        caches: Caches::find(CacheNames {
            remote: cli.remote_cache,
            disk: cli.disk_cache,
            ..CacheNames::default()
        })?,
        runfiles,
        progress: Box::new(progress.clone()),
        transfers: tokio::sync::Semaphore::new(cli.jobs.get()).into(),
        dry_run: cli.dry_run,
        overrides: Overrides { registry: cli.registry, repository: cli.repository, tags: cli.tags },
        plan,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let operations = context.plan.operations.iter();
    let outcomes =
        runtime.block_on(join_all(operations.map(|operation| perform(&context, operation, patience))));
    report(&progress, outcomes, cli.json)
}

async fn perform(context: &Context, operation: &Operation, patience: Duration) -> Result<Report, Failure> {
    match operation {
        // Somebody else pushes.
        Operation::Push(operation) if operation.strategy == Strategy::Bes => {
            wait(context, operation, patience).await
        }
        Operation::Push(operation) => push(context, operation).await,
    }
}

fn read_plan(path: &Path) -> Result<Plan, Failure> {
    let read = || -> Result<Plan, Failure> {
        let bytes = fs_err::read(path)?;
        let plan = Plan::from_json(&bytes)?;
        if plan.operations.is_empty() {
            return Err(Failure::new(anyhow::anyhow!("it has no operations")));
        }
        Ok(plan)
    };
    read()
        .about(format!("failed to read the plan `{}`", path.display()))
        .or_usage()
        .or_hint("this program is started as a deploy target, such as `bazel run //:push`; its plan is written by the build")
}

/// Prints what was done, also when something failed; the first failure is the program's.
fn report(progress: &Progress, outcomes: Vec<Result<Report, Failure>>, json: bool) -> Outcome {
    let mut failure = None;
    let mut reports = Vec::new();
    for outcome in outcomes {
        match outcome {
            Ok(report) => {
                progress.always(&report.line());
                reports.push(report);
            }
            Err(error) if failure.is_none() => failure = Some(error),
            Err(error) => progress.always(error.message().trim_end()),
        }
    }
    let mut stdout = std::io::stdout().lock();
    if json {
        writeln!(stdout, "{}", summary::to_json(&reports)?)?;
    } else {
        for reference in reports.iter().filter(|report| !report.dry_run).flat_map(|report| &report.references)
        {
            writeln!(stdout, "{reference}")?;
        }
    }
    failure.map_or(Ok(()), Err)
}
