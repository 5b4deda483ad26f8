//! All loads of a run: each for itself, side by side.

use std::collections::BTreeMap;

use containerd::{Client, sockets};
use deploy::{Context, FailedOperation};
use futures_util::future::join_all;
use oci::{Digest, ImageName};
use plan::Daemon;
use tokio::sync::OnceCell;
use tool::{Failure, SharedFailure};

use crate::containerd::{Import, failure};
use crate::docker::{self, Docker, Store};
use crate::prepare::Prepared;
use crate::program::Program;
use crate::{Loaded, Options, Report, by_archive};

/// The namespace in which docker has its images, and in which everybody who loads images for it looks.
const NAMESPACE: &str = "moby";

/// Loads images and says for each what was done, in the same order. No failure of one keeps another from being loaded.
pub async fn load_all(context: &Context, operations: &[&plan::Load], options: &Options) -> Vec<Loaded> {
    let run = Run { context, options, containerd: OnceCell::new(), docker: OnceCell::new() };
    context.progress.operations(operations.len());
    let reading = operations.iter().map(|operation| Prepared::new(context, operation, options));
    let mut prepared: Vec<Result<Prepared<'_>, Failure>> = join_all(reading).await;
    refuse_shared_names(&mut prepared);
    refuse_second_archives(&mut prepared);
    let run = &run;
    let loading = prepared.into_iter().zip(operations).map(|(prepared, operation)| async move {
        let outcome = match prepared {
            Ok(prepared) => run.one(&prepared).await,
            Err(failure) => Err(failure),
        };
        context.progress.operation_done(&operation.label);
        outcome.map_err(|failure| FailedOperation {
            what: "failed to load",
            ..FailedOperation::new(&operation.label, failure)
        })
    });
    join_all(loading).await
}

/// Two that give one name to different images would take turns in being lost.
fn refuse_shared_names(prepared: &mut [Result<Prepared<'_>, Failure>]) {
    let mut names: BTreeMap<(&str, ImageName), (Digest, String)> = BTreeMap::new();
    for outcome in prepared {
        let Ok(load) = outcome else { continue };
        let (daemon, digest) = (load.operation.daemon.as_str(), load.image.root.digest);
        let mut taken = None;
        for name in &load.names {
            match names.get(&(daemon, name.clone())) {
                Some((known, other)) if *known != digest => taken = Some((name.clone(), other.clone())),
                _ => {
                    names.insert((daemon, name.clone()), (digest, load.operation.label.clone()));
                }
            }
        }
        if let Some((name, other)) = taken {
            let error = anyhow::anyhow!("`{other}` gives the name `{name}` to another image");
            *outcome = Err(Failure::usage(error).hint("give them different names"));
        }
    }
}

/// The standard output takes one archive.
fn refuse_second_archives(prepared: &mut [Result<Prepared<'_>, Failure>]) {
    let mut first: Option<String> = None;
    for outcome in prepared {
        let Ok(load) = outcome else { continue };
        if load.operation.daemon != Daemon::Tar {
            continue;
        }
        match &first {
            None => first = Some(load.operation.label.clone()),
            Some(first) => {
                let error =
                    anyhow::anyhow!("`{first}` writes its archive to the standard output, which takes one");
                let hint = "make archives by the build: bazel build --output_groups=tarball TARGET...";
                *outcome = Err(Failure::usage(error).hint(hint));
            }
        }
    }
}

/// What all loads share.
struct Run<'a> {
    context: &'a Context,
    options: &'a Options,
    containerd: OnceCell<Result<Client, SharedFailure>>,
    docker: OnceCell<Result<Reached, SharedFailure>>,
}

/// How to get at docker.
#[derive(Clone)]
struct Reached {
    program: Program,
    store: Store,
    /// The containerd in which it keeps its images, if that can be reached.
    containerd: Option<Client>,
}

impl Run<'_> {
    async fn one(&self, prepared: &Prepared<'_>) -> Result<Report, Failure> {
        match prepared.operation.daemon {
            Daemon::Containerd => {
                let client = self.containerd().await?;
                let names = prepared.names.iter().map(ToString::to_string).collect();
                Import { context: self.context, prepared, names }.run(&client).await
            }
            Daemon::Docker if self.options.loader.is_none() => self.by_docker(prepared).await,
            _ => by_archive::load(self.context, prepared, self.options, Store::Own).await,
        }
    }

    async fn by_docker(&self, prepared: &Prepared<'_>) -> Result<Report, Failure> {
        let reach = || async { self.reach_docker().await.map_err(|failure| failure.share()) };
        let docker = self.docker.get_or_init(reach).await.clone().map_err(Failure::from)?;
        if let Some(client) = &docker.containerd {
            // What docker finds under a short name has a long one.
            let names: Vec<String> = prepared.names.iter().map(ImageName::full).collect();
            let first = names.first().cloned();
            let report = Import { context: self.context, prepared, names }.run(client).await?;
            let digest = prepared.image.root.digest;
            if self.context.dry_run || docker::has(&docker.program, first.as_deref(), digest).await? {
                return Ok(Report { into: "docker's containerd".to_owned(), ..report });
            }
            let socket = client.socket().display();
            tracing::warn!(
                "docker does not see what is in the containerd at `{socket}`, which is not its own: whole images are sent to docker instead"
            );
        }
        by_archive::load(self.context, prepared, self.options, docker.store).await
    }

    /// Asks docker where it has its images, and goes there.
    async fn reach_docker(&self) -> Result<Reached, Failure> {
        let program = by_archive::program(Daemon::Docker, self.options)?;
        let Docker { store, containerd } = docker::ask(&program).await?;
        let mut reached = Reached { program, store, containerd: None };
        if store == Store::Containerd {
            let Options { containerd: named, runtime_dir, .. } = self.options;
            let known = containerd.as_ref().map(|known| known.address.as_str());
            let sockets = sockets(named.as_deref().or(known), runtime_dir.as_deref());
            let namespace = containerd.as_ref().and_then(|known| known.namespace.as_deref());
            match Client::connect(&sockets, namespace.unwrap_or(NAMESPACE)).await {
                Ok(client) => reached.containerd = Some(client),
                Err(error) if error.is_unreachable() => tracing::info!("{}", tool::chain(&error)),
                Err(error) => return Err(failure(error)),
            }
        }
        Ok(reached)
    }

    /// The connection to containerd, made once.
    async fn containerd(&self) -> Result<Client, Failure> {
        let connect = || async {
            let Options { containerd, runtime_dir, .. } = self.options;
            let sockets = sockets(containerd.as_deref(), runtime_dir.as_deref());
            Client::connect(&sockets, NAMESPACE).await.map_err(|error| failure(error).share())
        };
        self.containerd.get_or_init(connect).await.clone().map_err(Failure::from)
    }
}
