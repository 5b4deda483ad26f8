//! Where each blob has to land, and from where it can be mounted: decided for all operations of a registry at once,
//! before the first byte moves.

use std::collections::{BTreeMap, BTreeSet};

use oci::{Descriptor, Digest, Repository};
use plan::{DeduplicateMode, DeduplicatedContent};
use registry::Remote;

use crate::push::artificial::Family;

/// A blob in a repository.
pub(crate) type Place = (Remote, Digest);

/// A blob that an operation needs in its repository.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    /// Place of the operation in the plan.
    pub(crate) operation: usize,
    pub(crate) remote: Remote,
    pub(crate) blob: Descriptor,
    /// Its digest before compression, where that is known and wanted.
    pub(crate) diff_id: Option<Digest>,
    /// Configs are never mounted.
    pub(crate) is_layer: bool,
    /// Whether its bytes may be sent.
    pub(crate) may_upload: bool,
    /// Whether it may be mounted from where another operation puts it.
    pub(crate) may_share: bool,
    /// Repositories of the registry that should have it, in the order in which they are tried.
    pub(crate) sources: Vec<Repository>,
    /// Where the build put it.
    pub(crate) staging: Option<Repository>,
    /// Set where the operation asks for deduplicated pushes.
    pub(crate) deduplicate: Option<Deduplication>,
}

/// What an operation says about deduplicated pushes.
#[derive(Clone, Debug)]
pub(crate) struct Deduplication {
    pub(crate) mode: DeduplicateMode,
    pub(crate) content: DeduplicatedContent,
    pub(crate) pinned: Option<Repository>,
}

/// Another repository that gets a blob first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Home {
    pub(crate) repository: Repository,
    /// It is believed to have the blob, because of what is known about it; nothing is sent to it.
    pub(crate) inferred: bool,
    /// A refused mount is an error.
    pub(crate) strict: bool,
}

/// How a blob gets to one place.
#[derive(Clone, Debug)]
pub(crate) struct Landing {
    pub(crate) blob: Descriptor,
    pub(crate) is_layer: bool,
    pub(crate) may_upload: bool,
    /// Tried before the sources.
    pub(crate) home: Option<Home>,
    pub(crate) sources: Vec<Repository>,
    /// Whether a manifest without a tag shall hold on to it.
    pub(crate) artificial: Option<Family>,
    /// The operation that counts it, and whose files and messages are meant.
    pub(crate) owner: usize,
    /// The operations whose manifests want it here.
    pub(crate) wanted_by: BTreeSet<usize>,
}

/// All landings of a registry, and what there is to say about them.
#[derive(Debug, Default)]
pub(crate) struct Landings {
    pub(crate) by_place: BTreeMap<Place, Landing>,
    pub(crate) notes: BTreeSet<String>,
}

impl Landings {
    /// Decides. `served` says which repositories have a manifest that refers to a blob, by the blob's digest.
    pub(crate) fn plan(wishes: &[Wish], served: &BTreeMap<Digest, BTreeSet<Repository>>) -> Self {
        let mut landings = Self::default();
        for wish in wishes {
            landings.add(wish);
        }
        let mut groups: BTreeMap<(bool, Digest), Vec<&Wish>> = BTreeMap::new();
        for wish in wishes.iter().filter(|wish| wish.is_layer) {
            groups.entry((wish.deduplicate.is_some(), wish.blob.digest)).or_default().push(wish);
        }
        for ((deduplicated, digest), wishes) in &groups {
            if *deduplicated {
                landings.deduplicate(wishes, served.get(digest));
            } else {
                landings.share(wishes);
            }
        }
        landings
    }

    fn add(&mut self, wish: &Wish) {
        let place = (wish.remote.clone(), wish.blob.digest);
        let landing = self.by_place.entry(place).or_insert_with(|| Landing::new(wish));
        landing.may_upload |= wish.may_upload;
        landing.is_layer &= wish.is_layer;
        landing.owner = landing.owner.min(wish.operation);
        landing.wanted_by.insert(wish.operation);
        for source in &wish.sources {
            if !landing.sources.contains(source) {
                landing.sources.push(source.clone());
            }
        }
    }

    /// Operations that did not ask for anything: staged blobs are mounted, and what several repositories need is sent
    /// to the first of them.
    fn share(&mut self, wishes: &[&Wish]) {
        let (staged, others): (Vec<&Wish>, Vec<&Wish>) =
            wishes.iter().copied().partition(|wish| wish.staging.is_some());
        for wish in staged {
            let Some(staging) = &wish.staging else { continue };
            let may_upload = wishes.iter().any(|other| other.may_upload && other.staging == wish.staging);
            let home = Home { repository: staging.clone(), inferred: !may_upload, strict: false };
            self.settle(&[wish], &home, None);
        }
        let others: Vec<&Wish> = others.into_iter().filter(|wish| wish.may_share).collect();
        let named: BTreeSet<&Repository> = others.iter().flat_map(|wish| &wish.sources).collect();
        let first = others
            .iter()
            .min_by_key(|wish| (!wish.may_upload, !named.contains(&wish.remote.repository), wish.operation));
        let Some(first) = first else { return };
        let home = Home { repository: first.remote.repository.clone(), inferred: false, strict: false };
        self.settle(&others, &home, None);
    }

    /// Operations that asked for it: one home for each layer.
    fn deduplicate(&mut self, wishes: &[&Wish], served: Option<&BTreeSet<Repository>>) {
        let asked = || wishes.iter().filter_map(|wish| wish.deduplicate.as_ref());
        let pins: BTreeSet<&Repository> = asked().filter_map(|asked| asked.pinned.as_ref()).collect();
        let destinations: BTreeSet<&Repository> = wishes.iter().map(|wish| &wish.remote.repository).collect();
        let Some(first) = destinations.first().copied() else { return };
        if destinations.len() < 2 && pins.is_empty() {
            let staged = wishes.iter().find_map(|wish| wish.staging.clone());
            if let Some(repository) = staged {
                self.settle(wishes, &Home { repository, inferred: false, strict: false }, None);
            }
            return;
        }
        if let Some(pin) = pins.first().filter(|_| pins.len() > 1) {
            let others: Vec<String> = pins.iter().skip(1).map(|pin| format!("`{pin}`")).collect();
            self.notes.insert(format!(
                "shared layers go to `{pin}`, although {} is named as well",
                others.join(", ")
            ));
        }
        let may_upload = wishes.iter().any(|wish| wish.may_upload);
        let strict = asked().all(|asked| asked.mode == DeduplicateMode::Enabled);
        let sent_to =
            |repository: &Repository| Home { repository: repository.clone(), inferred: false, strict };
        let believed =
            |repository: &Repository| Home { repository: repository.clone(), inferred: true, strict: false };
        // `cross_mount_from` may name a repository that this run has yet to bring it to.
        let named = |repository: &Repository| {
            if destinations.contains(repository) { sent_to(repository) } else { believed(repository) }
        };
        let home = pins
            .first()
            .map(|pin| sent_to(pin))
            .or_else(|| served.and_then(BTreeSet::first).map(believed))
            .or_else(|| wishes.iter().find_map(|wish| wish.sources.first()).map(named))
            .or_else(|| wishes.iter().find_map(|wish| wish.staging.as_ref()).map(sent_to))
            .unwrap_or_else(|| sent_to(first));
        let artificial =
            asked().any(|asked| asked.content == DeduplicatedContent::BlobsAndArtificialManifests);
        if artificial && !may_upload {
            self.notes
                .insert("no artificial manifests are written, because layers may not be pushed".to_owned());
        }
        let family = wishes
            .first()
            .filter(|_| artificial && may_upload && !home.inferred)
            .map(|wish| Family::of(&wish.blob.media_type, wishes.iter().find_map(|wish| wish.diff_id)));
        self.settle(wishes, &home, family);
    }

    /// Lets the others of a group wait for a home.
    fn settle(&mut self, wishes: &[&Wish], home: &Home, artificial: Option<Family>) {
        let elsewhere: Vec<&&Wish> =
            wishes.iter().filter(|wish| wish.remote.repository != home.repository).collect();
        let Some(any) = wishes.first() else { return };
        for wish in &elsewhere {
            if let Some(landing) = self.by_place.get_mut(&(wish.remote.clone(), wish.blob.digest)) {
                landing.home = Some(home.clone());
            }
        }
        if home.inferred || (elsewhere.is_empty() && artificial.is_none()) {
            return;
        }
        let remote = Remote::new(any.remote.registry.clone(), home.repository.clone());
        let landing = self.by_place.entry((remote, any.blob.digest)).or_insert_with(|| Landing {
            may_upload: false,
            wanted_by: BTreeSet::new(),
            ..Landing::new(any)
        });
        landing.home = None;
        landing.artificial = landing.artificial.take().or(artificial);
        for wish in wishes {
            landing.may_upload |= wish.may_upload;
            landing.owner =
                if landing.wanted_by.is_empty() { landing.owner.min(wish.operation) } else { landing.owner };
            let new = wish.sources.iter().filter(|source| **source != home.repository);
            let new: Vec<Repository> =
                new.filter(|source| !landing.sources.contains(source)).cloned().collect();
            landing.sources.extend(new);
        }
    }
}

impl Landing {
    fn new(wish: &Wish) -> Self {
        Self {
            blob: wish.blob.clone(),
            is_layer: wish.is_layer,
            may_upload: wish.may_upload,
            home: None,
            sources: wish.sources.clone(),
            artificial: None,
            owner: wish.operation,
            wanted_by: BTreeSet::from([wish.operation]),
        }
    }
}

#[cfg(test)]
#[path = "landing/tests.rs"]
mod tests;
