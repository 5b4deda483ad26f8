//! Loads into whatever takes an archive.

use std::collections::BTreeSet;
use std::time::Instant;

use deploy::{Context, Tally};
use oci::{Digest, ImageName};
use plan::Daemon;
use tool::Failure;

use crate::archive::{Archive, Contents, Images};
use crate::docker::{self, Store};
use crate::prepare::{self, Chosen, Prepared};
use crate::program::{NotTaken, Program};
use crate::store::{self, Known, Presence};
use crate::{Options, Report, standard_output};

/// Loads an image by an archive.
///
/// Into docker with a store of its own, and into podman, go only the layers that they lack; the others get all. Of an index these
/// two get the first image that is chosen, as they keep no more. `store` is where docker keeps images; for others it has no
/// meaning.
pub(crate) async fn load(
    context: &Context,
    prepared: &Prepared<'_>,
    options: &Options,
    store: Store,
) -> Result<Report, Failure> {
    let daemon = prepared.operation.daemon;
    let program = || program(daemon, options);
    // Another program need not know what the daemon's own answers.
    let replaced = options.loader.is_some();
    let load = Load { context, prepared, start: Instant::now() };
    match daemon {
        Daemon::Tar => load.to_standard_output().await,
        Daemon::Docker | Daemon::Podman if replaced => load.whole(&program()?, Images::First).await,
        Daemon::Podman => load.lacking(&program()?).await,
        Daemon::Docker => {
            docker::warn_of_archives(store);
            match store {
                Store::Own => load.lacking(&program()?).await,
                Store::Containerd => load.unless_there(&program()?).await,
            }
        }
        Daemon::Containerd | Daemon::Containerization | Daemon::Generic => {
            load.whole(&program()?, Images::Chosen).await
        }
    }
}

/// The program that takes archives for a daemon.
pub(crate) fn program(daemon: Daemon, options: &Options) -> Result<Program, Failure> {
    let own = match daemon {
        Daemon::Docker => Some("docker"),
        Daemon::Podman => Some("podman"),
        Daemon::Containerization => Some("container"),
        Daemon::Containerd | Daemon::Generic | Daemon::Tar => None,
    };
    let name = options.loader.as_deref().or(own);
    let name = name.ok_or_else(|| {
        Failure::usage(anyhow::anyhow!("no program is named that loads images"))
            .hint("name it in LOADER_BINARY: it gets the words `image load` and an archive on its standard input")
            .hint("or choose another daemon: --@rules_img//img/settings:load_daemon=docker")
    })?;
    Ok(Program::new(name, daemon))
}

/// A load while it is done.
struct Load<'a> {
    context: &'a Context,
    prepared: &'a Prepared<'a>,
    start: Instant,
}

/// What is sent.
#[derive(Clone, Copy)]
struct Sent {
    present: Tally,
    sent: Tally,
}

impl From<&Archive<'_>> for Sent {
    fn from(archive: &Archive<'_>) -> Self {
        Self { present: archive.present, sent: archive.sent }
    }
}

impl<'a> Load<'a> {
    /// An archive with some of the image's names.
    async fn archive(
        &self,
        images: Images,
        names: &[ImageName],
        left_out: &BTreeSet<Digest>,
    ) -> Result<Archive<'a>, Failure> {
        let names = names.iter().map(ToString::to_string).collect();
        Archive::new(self.context, self.prepared, Contents { images, names, left_out }).await
    }

    async fn to_standard_output(&self) -> Result<Report, Failure> {
        let archive = self.archive(Images::Chosen, &self.prepared.names, &BTreeSet::new()).await?;
        if !self.context.dry_run {
            standard_output::write(&archive).await?;
        }
        Ok(self.report("an archive", (&archive).into(), false))
    }

    /// All of it.
    async fn whole(&self, program: &Program, images: Images) -> Result<Report, Failure> {
        if images == Images::First {
            self.warn_of_others();
        }
        let archive = self.archive(images, &self.prepared.names, &BTreeSet::new()).await?;
        if !self.context.dry_run {
            program.load(&archive).await.map_err(NotTaken::into_failure)?;
        }
        Ok(self.report(program.name(), (&archive).into(), false))
    }

    /// All of it, if the very image is not there.
    async fn unless_there(&self, program: &Program) -> Result<Report, Failure> {
        let Prepared { image, chosen, names, .. } = self.prepared;
        let platforms: Vec<_> = chosen.iter().filter_map(|chosen| chosen.platform.as_ref()).collect();
        match store::ask_whole(program, image.root.digest, &platforms, names).await? {
            Some(missing) => self.name_only(program, image.root.digest, chosen, &missing).await,
            None => self.whole(program, Images::Chosen).await,
        }
    }

    /// What is not there.
    async fn lacking(&self, program: &Program) -> Result<Report, Failure> {
        self.warn_of_others();
        let Prepared { operation, chosen, names, .. } = self.prepared;
        let manifest = &chosen[0].manifest;
        let id = manifest.config().map_or(manifest.digest, |config| config.digest);
        let presence = match Known::of(self.context, (*operation).into(), manifest)? {
            Some(known) => store::ask(program, operation.daemon, &known, names).await?,
            None => Presence::default(),
        };
        if let Some(missing) = &presence.image {
            return self.name_only(program, id, &chosen[..1], missing).await;
        }
        // podman takes an archive with several names for one that holds several images, and then wants all of each.
        let in_archive = if operation.daemon == Daemon::Podman { names.len().min(1) } else { names.len() };
        let (in_archive, later) = names.split_at(in_archive);
        let archive = self.archive(Images::First, in_archive, &presence.layers).await?;
        let mut sent = Sent::from(&archive);
        if self.context.dry_run {
            return Ok(self.report(program.name(), sent, false));
        }
        match program.load(&archive).await {
            Err(NotTaken::Refused(failure)) if !presence.layers.is_empty() => {
                let name = program.name();
                tracing::info!("all layers are sent, as `{name}` lacks some after all: {}", failure.chain());
                drop(archive);
                let archive = self.archive(Images::First, in_archive, &BTreeSet::new()).await?;
                program.load(&archive).await.map_err(NotTaken::into_failure)?;
                sent = Sent::from(&archive);
            }
            result => result.map_err(NotTaken::into_failure)?,
        }
        tag(program, id, later).await?;
        Ok(self.report(program.name(), sent, false))
    }

    /// The image is there, and maybe gets more names.
    async fn name_only(
        &self,
        program: &Program,
        id: Digest,
        chosen: &[Chosen],
        missing: &[ImageName],
    ) -> Result<Report, Failure> {
        if !self.context.dry_run {
            tag(program, id, missing).await?;
        }
        let mut present = Tally::default();
        for blob in prepare::blobs(chosen) {
            present.add(blob.size);
        }
        let sent = Sent { present, sent: Tally::default() };
        Ok(self.report(program.name(), sent, missing.is_empty()))
    }

    fn warn_of_others(&self) {
        let Prepared { operation, chosen, asked_for, .. } = self.prepared;
        if let [first, _, ..] = chosen.as_slice()
            && *asked_for
        {
            let platform = first.platform.as_ref().map(ToString::to_string).unwrap_or_default();
            let daemon = operation.daemon.as_str();
            tracing::warn!("{daemon} keeps one image of an index: it gets that for `{platform}`");
        }
    }

    fn report(&self, into: &str, Sent { present, sent }: Sent, unchanged: bool) -> Report {
        Report { unchanged, present, sent, ..self.prepared.report(self.context, into, self.start) }
    }
}

/// Gives an image that is there more names.
async fn tag(program: &Program, id: Digest, names: &[ImageName]) -> Result<(), Failure> {
    let id = id.to_string();
    for name in names {
        program.tell(&["image", "tag", &id, name.as_str()]).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
