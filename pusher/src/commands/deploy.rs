//! Does what the plan beside the program says.

use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use deploy::{CacheNames, Caches, Context, Pushed, push_all, summary, wait};
use futures_util::future::{join, join_all};
use plan::{Operation, Plan, Strategy};
use tool::{Failure, FailureContext as _, Outcome};

use crate::cli::Cli;
use crate::failures::Failures;
use crate::progress::Progress;
use tool::runfiles::{self, Runfiles};

pub(crate) fn run(cli: Cli) -> Outcome {
    let program = runfiles::program_path().about("failed to find the path of this program")?;
    let plan_path = cli.plan.clone().unwrap_or_else(|| runfiles::plan_path(&program));
    let plan = read_plan(&plan_path)?;
    let runfiles = Runfiles::find(&program)?;
    let progress = Progress::new(cli.progress);
    let (json, patience) = (cli.json, Duration::from_secs(cli.wait));
    let context = Context {
        client: connect::client(&connect::Options { insecure: cli.insecure, ..connect::Options::default() })?,
        caches: Caches::find(CacheNames {
            remote: connect_cache::Options { endpoint: cli.remote_cache.clone(), ..Default::default() },
            disk: cli.disk_cache.clone(),
            blob_cache: cli.blob_cache.clone(),
        })?,
        runfiles,
        progress: Box::new(progress.clone()),
        transfers: tokio::sync::Semaphore::new(cli.jobs.get()).into(),
        dry_run: cli.dry_run,
        plan,
        overrides: cli.into_overrides(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let operations: Vec<&plan::Push> =
        context.plan.operations.iter().filter_map(Operation::as_push).collect();
    let start = Instant::now();
    let outcomes = runtime.block_on(perform(&context, operations, patience));
    report(&progress, outcomes, start.elapsed(), json)
}

/// Pushes, and waits for what others push.
async fn perform(context: &Context, operations: Vec<&plan::Push>, patience: Duration) -> Vec<Pushed> {
    let (theirs, ours): (Vec<_>, Vec<_>) =
        operations.into_iter().partition(|operation| operation.strategy == Strategy::Bes);
    let waiting = join_all(theirs.into_iter().map(|operation| wait(context, operation, patience)));
    let (mut outcomes, waited) = join(push_all(context, &ours), waiting).await;
    outcomes.extend(waited);
    outcomes
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

/// Prints what was done, also when something failed.
fn report(progress: &Progress, outcomes: Vec<Pushed>, elapsed: Duration, json: bool) -> Outcome {
    let mut failures = Failures::default();
    let (mut reports, mut failed) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        match outcome {
            Ok(report) => reports.push(report),
            Err(failure) => {
                failed.push(*failure.counts);
                failures.add(failure);
            }
        }
    }
    for line in summary::lines(&reports, &failed, elapsed) {
        progress.always(&line);
    }
    let mut stdout = std::io::stdout().lock();
    if json {
        writeln!(stdout, "{}", summary::to_json(&reports, failures.list())?)?;
    } else {
        for reference in reports.iter().filter(|report| !report.dry_run).flat_map(|report| &report.references)
        {
            writeln!(stdout, "{reference}")?;
        }
    }
    failures.into_outcome(!reports.is_empty(), |message| progress.always(message.trim_end()))
}
