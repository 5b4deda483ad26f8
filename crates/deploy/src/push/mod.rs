//! Pushing images: ask once for all of them, send what is missing once, then manifests, then tags.
//!
//! Operations are independent: each fails or succeeds for itself. What they have in common is asked for, read and sent
//! once. With the strategy `cas_registry` the registry is told first which blobs of the remote cache it shall have
//! ([`adopt`]). Then, in four steps, for each registry:
//!
//! 1. What is there ([`survey`]): one `HEAD` for each tag, and only where the answer is no, one for each manifest.
//! 2. Where each missing blob comes from ([`landing`]): decided for all operations at once, without a request.
//! 3. Blobs ([`blobs`]), each once for each repository: mounted from where it lies or first lands, else asked for with one
//!    `HEAD` and uploaded. With the strategy lazy, one question to the remote cache, when the first layer has to be sent.
//! 4. Manifests, indexes, tags ([`write`]), as soon as an operation's own blobs are there.

mod adopt;
mod artificial;
mod blobs;
mod destination;
mod landing;
mod overrides;
mod prepare;
mod strategies;
mod survey;
mod wait;
mod wishes;
mod write;

use std::collections::BTreeMap;
use std::time::Instant;

use futures_util::future::join_all;
use oci::{Digest, RegistryHost, Tag};
use registry::Remote;
use tool::Failure;

use crate::content::Wanted;
use crate::context::Context;
use crate::failed::{FailedOperation, Pushed};
use crate::summary::{Counter, Report};
use adopt::Adopted;
use blobs::Blobs;
pub use destination::Overrides;
use landing::{Landings, Wish};
pub use overrides::DeduplicateOverrides;
use prepare::Prepared;
use survey::Survey;
pub use wait::wait;
use write::Writer;

/// Which part of operations is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Blobs, manifests and tags.
    All,
    /// Blobs alone.
    Blobs,
}

/// Pushes one image and says what was done.
pub async fn push(context: &Context, operation: &plan::Push) -> Result<Report, Failure> {
    only(do_part(context, &[operation], Part::All).await)
}

/// Brings the blobs of one image to its repository, if the image is not there; writes no manifest and no tag.
pub async fn push_blobs(context: &Context, operation: &plan::Push) -> Result<Report, Failure> {
    only(do_part(context, &[operation], Part::Blobs).await)
}

fn only(mut outcomes: Vec<Pushed>) -> Result<Report, Failure> {
    let outcome = outcomes.pop().ok_or_else(|| Failure::new(anyhow::anyhow!("nothing was pushed")))?;
    outcome.map_err(Failure::from)
}

/// Pushes images and says for each what was done, in the same order. Shared layers are sent once. No failure of one
/// keeps another from being pushed.
pub async fn push_all(context: &Context, operations: &[&plan::Push]) -> Vec<Pushed> {
    do_part(context, operations, Part::All).await
}

async fn do_part(context: &Context, operations: &[&plan::Push], part: Part) -> Vec<Pushed> {
    let mut prepared = prepare(context, operations).await;
    let run = Run {
        context,
        part,
        operations,
        adopted: adopt::adopt(context, &mut prepared).await,
        counters: operations.iter().map(|_| Counter::default()).collect(),
        start: Instant::now(),
    };
    context.progress.operations(operations.len());
    let mut outcomes: BTreeMap<usize, Result<Report, Failure>> = BTreeMap::new();
    let mut by_registry: BTreeMap<RegistryHost, Vec<Prepared<'_>>> = BTreeMap::new();
    for (index, prepared) in prepared {
        match prepared {
            Ok(prepared) => {
                by_registry.entry(prepared.to.remote.registry.clone()).or_default().push(prepared);
            }
            Err(failure) => drop(outcomes.insert(index, Err(failure))),
        }
    }
    let pushed = join_all(by_registry.values().map(|prepared| run.registry(prepared))).await;
    outcomes.extend(pushed.into_iter().flatten());
    let named = |(index, outcome): (usize, Result<Report, Failure>)| {
        outcome.map_err(|failure| FailedOperation {
            counts: run.counters[index].counts().into(),
            ..FailedOperation::new(&operations[index].label, failure)
        })
    };
    outcomes.into_iter().map(named).collect()
}

/// Reads all operations. Two that give one tag to different images would take turns in being lost.
async fn prepare<'a>(
    context: &Context,
    operations: &[&'a plan::Push],
) -> Vec<(usize, Result<Prepared<'a>, Failure>)> {
    let reading = operations
        .iter()
        .enumerate()
        .map(|(index, operation)| async move { (index, Prepared::new(context, index, operation).await) });
    let mut prepared: Vec<(usize, Result<Prepared<'a>, Failure>)> = join_all(reading).await;
    let mut tags: BTreeMap<(Remote, Tag), (Digest, String)> = BTreeMap::new();
    for (_, outcome) in &mut prepared {
        let Ok(operation) = outcome else { continue };
        let label = &operation.operation.label;
        let mut taken = None;
        for (tag, digest) in operation.to.all_tags(operation.operation.root.digest) {
            let key = (operation.to.remote.clone(), tag.clone());
            match tags.get(&key) {
                Some((known, other)) if *known != digest => taken = Some((key, other.clone())),
                _ => drop(tags.insert(key, (digest, label.clone()))),
            }
        }
        if let Some(((remote, tag), other)) = taken {
            let error = anyhow::anyhow!("`{other}` gives the tag `{remote}:{tag}` to another image");
            let hint = "give them different tags or repositories";
            *outcome = Err(Failure::usage(error).hint(hint));
        }
    }
    prepared
}

/// What became of the operation at some place of the list.
type Outcome = (usize, Result<Report, Failure>);

/// All operations, while they run.
struct Run<'a> {
    context: &'a Context,
    part: Part,
    operations: &'a [&'a plan::Push],
    /// What registries took over before all else.
    adopted: Adopted,
    counters: Vec<Counter>,
    start: Instant,
}

impl Run<'_> {
    /// Does the operations of one registry.
    async fn registry(&self, prepared: &[Prepared<'_>]) -> Vec<Outcome> {
        let asked = join_all(prepared.iter().map(|prepared| Survey::new(self.context, prepared))).await;
        let mut outcomes = Vec::new();
        let (mut surveys, mut wishes) = (Vec::new(), Vec::new());
        for (prepared, asked) in prepared.iter().zip(asked) {
            let asked = asked.and_then(|survey| Ok((wishes::of(self.context, &survey)?, survey)));
            match asked {
                Ok((own, survey)) => {
                    wishes.extend(own);
                    surveys.push(survey);
                }
                Err(failure) => outcomes.push((prepared.index, Err(failure))),
            }
        }
        let blobs = self.blobs(&wishes, &surveys);
        outcomes.extend(join_all(surveys.iter().map(|survey| self.one(survey, &blobs))).await);
        outcomes
    }

    /// Decides where the blobs of all operations come from.
    fn blobs(&self, wishes: &[Wish], surveys: &[Survey<'_>]) -> Blobs<'_> {
        let landings = Landings::plan(wishes, &wishes::served(surveys));
        for note in &landings.notes {
            tracing::warn!("{note}");
        }
        let lacking = wishes.iter().map(|wish| (self.operations[wish.operation].strategy, &wish.blob));
        let wanted = Wanted::new(self.context, lacking);
        Blobs::new(self, landings, wanted)
    }

    async fn one(&self, survey: &Survey<'_>, blobs: &Blobs<'_>) -> Outcome {
        let index = survey.prepared.index;
        let counter = &self.counters[index];
        let writer = Writer { context: self.context, survey, blobs, counter };
        let done = match self.part {
            Part::All => writer.write().await,
            Part::Blobs => writer.bring_blobs().await,
        };
        let outcome = done.map(|()| Report {
            label: self.operations[index].label.clone(),
            references: survey.prepared.to.references(self.operations[index].root.digest),
            unchanged: survey.is_done(),
            dry_run: self.context.dry_run,
            counts: counter.counts(),
            seconds: Report::seconds(self.start.elapsed()),
        });
        self.context.progress.operation_done(&self.operations[index].label);
        (index, outcome)
    }
}
