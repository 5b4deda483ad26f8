//! Keeping in the remote cache what manifests need: a cache forgets what nobody asks for, and a question counts.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use oci::Digest;
use tokio::time::MissedTickBehavior;

use crate::api::App;
use crate::error::Error;
use crate::store::{CachedBlobs, Needed, Repositories};

/// Blobs in one question, so that no cache is kept busy by it.
const BATCH: usize = 1000;

/// When blobs are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Schedule {
    /// How long the cache is believed to keep what nobody asks for.
    pub(crate) retention: Duration,
    /// Time between two scans.
    pub(crate) interval: Duration,
}

impl Schedule {
    /// A blob that the cache showed within this time can wait for the next scan. All are asked for in each half of the
    /// time that the cache keeps them, so that a scan may fail.
    fn recent(self) -> Duration {
        (self.retention / 2).saturating_sub(self.interval)
    }
}

/// Scans until the process ends.
pub(crate) async fn run(app: Arc<App>, cached: Arc<CachedBlobs>, schedule: Schedule) {
    let mut ticks = tokio::time::interval(schedule.interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut gone = BTreeSet::new();
    loop {
        ticks.tick().await;
        if let Err(error) = scan(&app, &cached, schedule, &mut gone).await {
            let next = schedule.interval.as_secs();
            tracing::warn!("blobs could not be kept alive, next try in {next} s: {}", tool::chain(&error));
        }
    }
}

/// Asks for all that is due. `gone` are the blobs that were already reported.
async fn scan(
    app: &App,
    cached: &CachedBlobs,
    schedule: Schedule,
    gone: &mut BTreeSet<Digest>,
) -> Result<(), Error> {
    let mut needed = app.store.run(Repositories::needed).await?;
    let all = needed.len();
    let known: BTreeSet<Digest> = needed.iter().map(|needed| needed.blob.digest).collect();
    gone.retain(|digest| known.contains(digest));
    needed.retain(|needed| !cached.seen_within(needed.blob.digest, schedule.recent()));
    for batch in needed.chunks(BATCH) {
        let blobs: Vec<_> = batch.iter().map(|needed| needed.blob).collect();
        let missing = cached.missing(&blobs).await?;
        for Needed { blob, by } in batch {
            let digest = blob.digest;
            let (missing, known) = (missing.contains(&digest), gone.contains(&digest));
            let cache = cached.endpoint();
            if missing && !known {
                tracing::warn!(
                    "blob `{digest}` ({} bytes) of `{by}` has vanished from the remote cache `{cache}`: \
                     the image cannot be pulled until it is pushed again",
                    blob.size
                );
                gone.insert(digest);
            } else if known && !missing {
                tracing::warn!("blob `{digest}` of `{by}` is in the remote cache `{cache}` again");
                gone.remove(&digest);
            }
        }
    }
    tracing::info!("asked for {} of {all} blobs in the remote cache, {} are gone", needed.len(), gone.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_scan_is_no_loss() {
        let recent = |retention, interval| {
            let [retention, interval] = [retention, interval].map(Duration::from_secs);
            Schedule { retention, interval }.recent().as_secs()
        };
        assert_eq!(recent(86400, 3600), 39600);
        assert_eq!(recent(10, 6), 0);
    }
}
