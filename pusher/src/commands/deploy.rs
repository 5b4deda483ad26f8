//! Does what the plan beside the program says.

use std::path::Path;
use std::time::{Duration, Instant};

use deploy::{CacheNames, Caches, Context, push_all, wait};
use futures_util::future::{join_all, join3};
use plan::{Daemon, Operation, Plan, Strategy};
use tool::runfiles::{self, Runfiles};
use tool::{Failure, FailureContext as _, Outcome};

use crate::cli::Cli;
use crate::progress::Progress;
use crate::reporting::{self, Outcomes, Printing};

pub(crate) fn run(cli: Cli) -> Outcome {
    let program = runfiles::program_path().about("failed to find the path of this program")?;
    let plan_path = cli.plan.clone().unwrap_or_else(|| runfiles::plan_path(&program));
    let plan = read_plan(&plan_path)?;
    let runfiles = Runfiles::find(&program)?;
    let progress = Progress::new(cli.progress);
    let (json, patience) = (cli.json, Duration::from_secs(cli.wait));
    let load_options = cli.load_options();
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
    let to = Printing { json, stdout: !context.plan.operations.iter().any(writes_to_stdout) };
    let start = Instant::now();
    let outcomes = runtime.block_on(perform(&context, &load_options, patience));
    reporting::report(&progress, outcomes, start.elapsed(), &to)
}

/// Whether the standard output is an archive.
fn writes_to_stdout(operation: &Operation) -> bool {
    operation.as_load().is_some_and(|load| load.daemon == Daemon::Tar)
}

/// Pushes, waits for what others push, and loads, all at the same time.
async fn perform(context: &Context, options: &load::Options, patience: Duration) -> Outcomes {
    let operations = &context.plan.operations;
    let (theirs, ours): (Vec<_>, Vec<_>) = operations
        .iter()
        .filter_map(Operation::as_push)
        .partition(|operation| operation.strategy == Strategy::Bes);
    let waiting = join_all(theirs.into_iter().map(|operation| wait(context, operation, patience)));
    let loads: Vec<&plan::Load> = operations.iter().filter_map(Operation::as_load).collect();
    let (mut pushes, waited, loads) =
        join3(push_all(context, &ours), waiting, load::load_all(context, &loads, options)).await;
    pushes.extend(waited);
    Outcomes { pushes, loads }
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
