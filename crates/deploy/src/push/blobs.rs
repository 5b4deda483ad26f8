//! Brings blobs to where they have to land, each once for each place, whoever wants it.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use oci::{Descriptor, Repository};
use plan::Strategy;
use registry::{BlobPush, MemoryContent, Mount, Remote, Session};
use tokio::sync::OnceCell;
use tool::{Failure, FailureContext as _, SharedFailure};

use crate::content::{self, Wanted, failure};
use crate::context::Context;
use crate::push::Run;
use crate::push::adopt::{Adopted, not_adopted};
use crate::push::artificial::Artificial;
use crate::push::landing::{Home, Landing, Landings, Place};
use crate::summary::{Counter, Outcome};

/// How a blob came to a place.
#[derive(Clone, Debug)]
struct Landed {
    outcome: Outcome,
    /// Where the registry took it from.
    mounted_from: Option<Repository>,
}

/// The blobs of all operations in a registry.
pub(crate) struct Blobs<'a> {
    context: &'a Context,
    operations: &'a [&'a plan::Push],
    landings: BTreeMap<Place, Landing>,
    cells: BTreeMap<Place, OnceCell<Result<Landed, SharedFailure>>>,
    wanted: Wanted,
    adopted: &'a Adopted,
    /// One for each operation.
    counters: &'a [Counter],
}

impl<'a> Blobs<'a> {
    /// Nothing is brought yet.
    pub(crate) fn new(run: &'a Run<'a>, landings: Landings, wanted: Wanted) -> Self {
        let Run { context, operations, adopted, counters, .. } = run;
        let landings = landings.by_place;
        let cells = landings.keys().map(|place| (place.clone(), OnceCell::new())).collect();
        Self { context, operations, landings, cells, wanted, adopted, counters }
    }

    /// Makes sure that a blob is where an operation wants it.
    pub(crate) async fn bring(&self, place: &Place, operation: usize) -> Result<(), Failure> {
        self.land(place).await?;
        let Some(landing) = self.landings.get(place) else { return Ok(()) };
        if landing.owner != operation {
            self.counters[operation].blob(Outcome::Present, landing.blob.size);
        }
        Ok(())
    }

    /// Whoever comes first does it; the others wait, and learn how it went.
    fn land<'s>(&'s self, place: &'s Place) -> BoxFuture<'s, Result<Landed, Failure>> {
        Box::pin(async move {
            let (Some(landing), Some(cell)) = (self.landings.get(place), self.cells.get(place)) else {
                return Err(Failure::new(anyhow::anyhow!("the blob `{}` is not planned", place.1)));
            };
            let mut first = None;
            let landed = cell.get_or_init(|| async {
                let landed = self.land_once(place, landing).await;
                landed.map_err(|failure| {
                    let shared = failure.share();
                    first = Some(failure);
                    shared
                })
            });
            let landed = landed.await.clone();
            landed.map_err(|shared| first.unwrap_or_else(|| shared.into()))
        })
    }

    async fn land_once(&self, place: &Place, landing: &Landing) -> Result<Landed, Failure> {
        let landed = if self.context.dry_run {
            self.foresee(place, landing).await?
        } else {
            self.transfer(place, landing).await?
        };
        self.counters[landing.owner].blob(landed.outcome, landing.blob.size);
        if !self.context.dry_run {
            self.context.progress.done(place.1, landing.blob.size, landed.outcome);
            if let Some(family) = landing.artificial {
                self.hold(&place.0, landing, &family.manifest_of(&landing.blob)).await?;
            }
        }
        Ok(landed)
    }

    /// What would happen.
    async fn foresee(&self, place: &Place, landing: &Landing) -> Result<Landed, Failure> {
        let landed = |outcome| Ok(Landed { outcome, mounted_from: None });
        if self.has(place).await? || self.adopted.has(&place.0, place.1) {
            return landed(Outcome::Present);
        }
        let home = match &landing.home {
            Some(home) if !home.inferred => self.land(&beside(place, &home.repository)).await.is_ok(),
            home => home.is_some(),
        };
        if home || !landing.sources.is_empty() {
            return landed(Outcome::Mounted);
        }
        may_upload(place, landing, &[])?;
        landed(Outcome::Uploaded)
    }

    /// Mounts it if possible: that is also the question whether it is there. Otherwise asks, and sends it.
    async fn transfer(&self, place: &Place, landing: &Landing) -> Result<Landed, Failure> {
        let mut tried = Tried::default();
        let present = || Ok(Landed { outcome: Outcome::Present, mounted_from: None });
        if let Some(home) = &landing.home {
            let failure = match self.mount_from_home(place, home, &mut tried).await {
                Ok(true) => return Ok(tried.mounted()),
                Ok(false) => not_mounted(place, home),
                Err(failure) => failure.context(format!(
                    "failed to bring a shared layer to `{}`",
                    beside(place, &home.repository).0
                )),
            };
            if home.strict {
                return if self.has(place).await? { present() } else { Err(failure) };
            }
        }
        for source in &landing.sources {
            if !tried.repositories.contains(source) && self.mount(place, source, &mut tried).await? {
                return Ok(tried.mounted());
            }
        }
        // A refused mount does not say that it is not there, and asking costs less than sending.
        if self.has(place).await? {
            return present();
        }
        may_upload(place, landing, &tried.repositories)?;
        self.upload(place, landing, tried.begun).await?;
        Ok(Landed { outcome: Outcome::Uploaded, mounted_from: None })
    }

    /// Waits until the home has it, and mounts it from there. An error is what went wrong at the home.
    async fn mount_from_home(&self, place: &Place, home: &Home, tried: &mut Tried) -> Result<bool, Failure> {
        let mut source = home.repository.clone();
        if !home.inferred {
            let landed = self.land(&beside(place, &home.repository)).await?;
            // What was mounted into the home can be mounted from where it came from, with rights that are known.
            source = landed.mounted_from.filter(|from| *from != place.0.repository).unwrap_or(source);
        }
        let mounted = self.mount(place, &source, tried).await?;
        if mounted || source == home.repository {
            return Ok(mounted);
        }
        self.mount(place, &home.repository, tried).await
    }

    async fn mount(&self, place: &Place, source: &Repository, tried: &mut Tried) -> Result<bool, Failure> {
        tried.repositories.push(source.clone());
        match self.context.client.mount_blob(&place.0, place.1, source).await.map_err(failure)? {
            Mount::Mounted => Ok(true),
            Mount::Refused(begun) => {
                tried.begun = begun.or(tried.begun.take());
                Ok(false)
            }
        }
    }

    async fn has(&self, place: &Place) -> Result<bool, Failure> {
        self.context.client.head_blob(&place.0, place.1).await.map_err(failure)
    }

    async fn upload(&self, place: &Place, landing: &Landing, begun: Option<Session>) -> Result<(), Failure> {
        let operation = self.operations[landing.owner];
        let _permit = self.context.transfers.acquire().await?;
        let caches = self.wanted.find(self.context, &landing.blob).await;
        let Some(sources) = content::find(self.context, operation.into(), &landing.blob, caches)? else {
            return Err(self.nowhere(operation, &landing.blob));
        };
        let content = Arc::<content::Sources>::clone(&sources);
        let request = BlobPush { digest: place.1, size: landing.blob.size, begun, content };
        self.context.client.push_blob(&place.0, &request).await.map_err(|error| sources.explain(error))
    }

    /// Why a blob cannot be uploaded.
    fn nowhere(&self, operation: &plan::Push, blob: &Descriptor) -> Failure {
        if operation.strategy == Strategy::CasRegistry {
            return not_adopted(self.context, operation, blob, self.adopted.anywhere(blob.digest));
        }
        content::nowhere(self.context, operation.into(), blob)
    }

    /// Writes the manifest without a tag that holds on to a layer.
    async fn hold(&self, at: &Remote, landing: &Landing, artificial: &Artificial) -> Result<(), Failure> {
        let client = &self.context.client;
        let write = async {
            let digest = blob::digest_of(&artificial.manifest);
            if client.head_manifest(at, digest).await.map_err(failure)?.is_some() {
                return Ok(());
            }
            let config = blob::digest_of(&artificial.config);
            if !client.head_blob(at, config).await.map_err(failure)? {
                let size = artificial.config.len() as u64;
                let content = Arc::new(MemoryContent(artificial.config.clone()));
                let request = BlobPush { digest: config, size, begun: None, content };
                client.push_blob(at, &request).await.map_err(failure)?;
            }
            let manifest = artificial.manifest.clone();
            let put = client.put_manifest(at, digest, artificial.media_type, manifest);
            put.await.map_err(failure)?;
            self.counters[landing.owner].manifest();
            Ok::<_, Failure>(())
        };
        write
            .await
            .about(format!("failed to write the artificial manifest of layer `{}`", landing.blob.digest))
    }
}

/// Where a blob could not be mounted from, and what came of trying.
#[derive(Default)]
struct Tried {
    repositories: Vec<Repository>,
    begun: Option<Session>,
}

impl Tried {
    fn mounted(mut self) -> Landed {
        Landed { outcome: Outcome::Mounted, mounted_from: self.repositories.pop() }
    }
}

/// The same blob in another repository of the registry.
fn beside((remote, digest): &Place, repository: &Repository) -> Place {
    (Remote::new(remote.registry.clone(), repository.clone()), *digest)
}

/// Whether the bytes of a blob may be sent; if not, why that would be necessary.
fn may_upload(place: &Place, landing: &Landing, tried: &[Repository]) -> Result<(), Failure> {
    if landing.may_upload || !landing.is_layer {
        return Ok(());
    }
    let tried: Vec<String> = tried.iter().map(|repository| format!("`{repository}`")).collect();
    let mounted = if tried.is_empty() {
        "no repository is known to mount it from".to_owned()
    } else {
        format!("it could not be mounted from {}", tried.join(" or "))
    };
    let (remote, digest) = place;
    let error = anyhow::anyhow!(
        "refusing to upload layer `{digest}`: forbid_layer_push is enabled, `{remote}` does not have it, and {mounted}"
    );
    Err(Failure::new(error).hint(
        "let something that may upload put it into the registry first, such as a push at build time, or disable forbid_layer_push",
    ))
}

fn not_mounted((remote, digest): &Place, home: &Home) -> Failure {
    let home = Remote::new(remote.registry.clone(), home.repository.clone());
    let error = anyhow::anyhow!(
        "the registry did not mount layer `{digest}` from `{home}`, where it was put to be shared, into `{remote}`"
    );
    Failure::new(error).hint(
        "deduplicated_push = \"enabled\" allows no second upload: use \"best_effort\", or check that the credentials may read the one and write the other repository",
    )
}
