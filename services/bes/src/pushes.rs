//! The pushes that run, of all builds. One that is wanted while it runs already is waited for and not begun again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use deploy::{Caches, Context, Overrides, Silent};
use futures_util::future::{BoxFuture, Shared};
use futures_util::{FutureExt as _, future};
use plan::Plan;
use tokio::sync::Semaphore;
use tool::Failure;
use tool::runfiles::Runfiles;

use crate::build::Found;
use crate::fetch::{Fetched, fetch, ours};
use crate::journal::{Entry, Journal};
use crate::log::{Log, Outcome};
use crate::patience::Patience;
use crate::plan_file::PlanFile;

/// Plans that are worked on at the same time. Each may hold some megabytes of manifests.
const PLANS_AT_ONCE: usize = 64;

/// What pushes need.
pub(crate) struct Setup {
    /// Connections and credentials for registries.
    pub(crate) registries: registry::Client,
    /// Where everything is read.
    pub(crate) cache: cas::Client,
    /// Bounds the transfers of all pushes together.
    pub(crate) transfers: Arc<Semaphore>,
    /// How long a blob may be missing.
    pub(crate) patience: Duration,
    /// Where pushes are noted that outlive their build.
    pub(crate) journal: Option<Journal>,
    /// Where it is said what was done.
    pub(crate) log: Log,
}

/// The outcome of a push that runs; any number of builds may wait for it.
pub(crate) type Running = Shared<BoxFuture<'static, Arc<Outcome>>>;

/// The pushes of all builds. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Pushes(Arc<Inner>);

struct Inner {
    setup: Setup,
    plans: Semaphore,
    running: Mutex<BTreeMap<PlanFile, Running>>,
}

impl Pushes {
    pub(crate) fn new(setup: Setup) -> Self {
        Self(Arc::new(Inner { setup, plans: Semaphore::new(PLANS_AT_ONCE), running: Mutex::default() }))
    }

    /// What was given to [`Pushes::new`].
    pub(crate) fn setup(&self) -> &Setup {
        &self.0.setup
    }

    /// Begins what an earlier server left.
    pub(crate) fn resume(&self) -> Result<(), Failure> {
        let Some(journal) = &self.0.setup.journal else { return Ok(()) };
        for entry in journal.entries()? {
            drop(self.begin(entry));
        }
        Ok(())
    }

    /// Writes down what is to be pushed, if there is a journal, and begins.
    pub(crate) fn start(&self, build: &str, found: Found) -> std::io::Result<Running> {
        let entry = Entry { build: build.to_owned(), found };
        if let Some(journal) = &self.0.setup.journal {
            journal.note(&entry)?;
        }
        Ok(self.begin(entry))
    }

    fn begin(&self, entry: Entry) -> Running {
        let file = entry.found.file.clone();
        let mut running = self.lock();
        if let Some(already) = running.get(&file) {
            return already.clone();
        }
        let pushes = self.clone();
        // The task ends by itself, also when the connection is gone that it was begun for.
        let task = tokio::spawn(async move {
            let outcome = pushes.work(&entry.found).await;
            pushes.0.setup.log.target(&entry.build, &entry.found.label, &outcome);
            if let Some(journal) = &pushes.0.setup.journal {
                journal.forget(&entry);
            }
            pushes.lock().remove(&entry.found.file);
            Arc::new(outcome)
        });
        let outcome = task.map(|ended| {
            ended.unwrap_or_else(|error| Arc::new(Outcome::failed(format!("a push broke off: {error}"))))
        });
        let outcome = outcome.boxed().shared();
        running.insert(file, outcome.clone());
        outcome
    }

    /// How many run.
    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    /// Waits until none runs.
    pub(crate) async fn idle(&self) {
        loop {
            let running: Vec<Running> = self.lock().values().cloned().collect();
            if running.is_empty() {
                return;
            }
            future::join_all(running).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<PlanFile, Running>> {
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn work(&self, found: &Found) -> Outcome {
        let Ok(_permit) = self.0.plans.acquire().await else { return Outcome::default() };
        match self.fetch(found).await {
            Ok(Fetched::Plan(plan)) => self.push(plan).await,
            Ok(Fetched::Others | Fetched::NoPlan) => Outcome::default(),
            Err(failure) if !found.certain => {
                tracing::warn!("`{}`: {}", found.label, one_line(&failure));
                Outcome::default()
            }
            Err(failure) => Outcome::failed(format!("{}: {}", found.label, one_line(&failure))),
        }
    }

    /// All operations of a plan, whatever becomes of the others.
    async fn push(&self, plan: Plan) -> Outcome {
        let setup = &self.0.setup;
        let context = Context {
            client: setup.registries.clone(),
            caches: Caches { remote: Some(setup.cache.clone()), ..Caches::default() },
            runfiles: Runfiles::default(),
            plan,
            progress: Box::new(Silent),
            transfers: Arc::clone(&setup.transfers),
            dry_run: false,
            overrides: Overrides::default(),
        };
        let mut todo: Vec<&plan::Push> = context.plan.operations.iter().filter_map(ours).collect();
        let mut patience = Patience::new(setup.patience);
        let mut outcome = Outcome::default();
        while !todo.is_empty() {
            let pushed = deploy::push_all(&context, &todo).await;
            // What failed because of what another lacks says only that it failed.
            let failures =
                || pushed.iter().filter_map(|pushed| pushed.as_ref().err().map(|failed| &failed.failure));
            let missing = failures().find(|failure| Patience::is_missing(failure));
            let again = patience.is_worth_it(missing).await;
            for (operation, pushed) in std::mem::take(&mut todo).into_iter().zip(pushed) {
                match pushed {
                    Ok(report) => outcome.pushes.push(report),
                    Err(_) if again => todo.push(operation),
                    Err(failed) => outcome.failures.push(one_line(&failed.into())),
                }
            }
        }
        outcome
    }

    async fn fetch(&self, found: &Found) -> Result<Fetched, Failure> {
        let mut patience = Patience::new(self.0.setup.patience);
        loop {
            let fetched = fetch(&self.0.setup.cache, found).await;
            if !patience.is_worth_it(fetched.as_ref().err()).await {
                return fetched;
            }
        }
    }
}

/// `what: why (hint; hint)`: lines of a log, and words of a status, have no lines in them.
fn one_line(failure: &Failure) -> String {
    let message = failure.message();
    let mut lines = message.lines();
    let error = lines.next().unwrap_or_default().trim_start_matches("error: ");
    let rest: Vec<&str> = lines.map(|line| line.trim_start_matches("hint: ")).collect();
    if rest.is_empty() { error.to_owned() } else { format!("{error} ({})", rest.join("; ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_fits_into_a_line() {
        let failure = Failure::new(anyhow::anyhow!("no")).context("failed to push `//:a`");
        assert_eq!(one_line(&failure), "failed to push `//:a`: no");
        let failure = failure.hint("do this").hint("or that");
        assert_eq!(one_line(&failure), "failed to push `//:a`: no (do this; or that)");
    }
}
