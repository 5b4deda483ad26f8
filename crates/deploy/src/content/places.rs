//! The places that should have a blob, read in order: where one fails, the next one goes on at the same byte; where one
//! gives other bytes than it should, the upload begins anew from the next.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use blob::Mismatch;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use oci::Digest;
use registry::{ByteStream, Content, FileContent, RemoteContent};

use crate::content::cached::CachedContent;

/// A place that should have the blob.
pub(super) enum Place {
    File(PathBuf),
    DiskCache(PathBuf),
    RemoteCache(CachedContent),
    Registry(RemoteContent),
}

impl Place {
    /// What it is called in messages.
    fn name(&self) -> String {
        match self {
            Self::File(file) => format!("`{}`", file.display()),
            Self::DiskCache(file) => format!("`{}` in the disk cache", file.display()),
            Self::RemoteCache(cached) => format!("the remote cache `{}`", cached.endpoint()),
            Self::Registry(content) => format!("`{}`", content.from),
        }
    }

    async fn open(&self, offset: u64) -> io::Result<ByteStream> {
        match self {
            Self::File(file) | Self::DiskCache(file) => FileContent(file.clone()).open(offset).await,
            Self::RemoteCache(content) => content.open(offset).await,
            Self::Registry(content) => content.open(offset).await,
        }
    }
}

/// All places of a blob; at least one.
pub(super) struct Places {
    digest: Digest,
    size: u64,
    all: Vec<Place>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The place that was read last.
    last: usize,
    /// Places that are not asked any more.
    failed: BTreeSet<usize>,
    /// Why, in words, in the order in which they failed.
    reasons: Vec<String>,
    /// Files that hold other bytes than they should.
    broken: Vec<PathBuf>,
    /// Whether what was read since the beginning came from more than one place.
    mixed: bool,
}

impl Places {
    pub(super) fn new(digest: Digest, size: u64, all: Vec<Place>) -> Arc<Self> {
        Arc::new(Self { digest, size, all, state: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The place that was read last.
    pub(super) fn last(&self) -> &Place {
        &self.all[self.lock().last.min(self.all.len() - 1)]
    }

    /// What became of each place, where several were tried and none was any good.
    pub(super) fn all_failed(&self) -> Option<AllFailed> {
        let state = self.lock();
        let hint = |file: &PathBuf| format!("delete `{}`, which is broken", file.display());
        let is_cache = |place: &Place| matches!(place, Place::DiskCache(_) | Place::RemoteCache(_));
        (state.reasons.len() > 1).then(|| AllFailed {
            reasons: state.reasons.clone(),
            hints: state.broken.iter().map(hint).collect(),
            in_caches: self.all.iter().any(is_cache),
        })
    }

    /// The bytes from an offset. Returns when the first ones are there, because a refusal only shows then.
    pub(super) async fn open(self: Arc<Self>, offset: u64) -> io::Result<ByteStream> {
        if offset == 0 {
            self.lock().mixed = false;
        }
        let mut reading = Reading { places: self, offset, stream: None };
        let first = reading.next().await?;
        let rest = stream::try_unfold(reading, |mut reading| async move {
            let chunk = reading.next().await?;
            Ok::<_, io::Error>(chunk.map(|chunk| (chunk, reading)))
        });
        Ok(stream::iter(first.map(Ok)).chain(rest).boxed())
    }

    /// The first place that has not failed, to be read from an offset.
    fn choose(&self, offset: u64) -> Option<&Place> {
        let mut state = self.lock();
        let position = (0..self.all.len()).find(|position| !state.failed.contains(position))?;
        state.mixed |= offset > 0 && position != state.last;
        state.last = position;
        Some(&self.all[position])
    }

    /// No more of the place that was read last. Returns whether there is another one.
    fn fail(&self, error: &io::Error) -> bool {
        let mut state = self.lock();
        let (last, reason) = (state.last, tool::chain(error));
        let name = self.all[last].name();
        if let Place::DiskCache(file) = &self.all[last]
            && mismatch(error).is_some()
        {
            state.broken.push(file.clone());
        }
        if state.failed.insert(last) {
            let about = reason.contains(name.trim_matches('`'));
            state.reasons.push(if about { reason } else { format!("{name}: {reason}") });
        }
        state.failed.len() < self.all.len()
    }

    /// Whether an upload whose bytes were wrong may begin anew. Where they came from several places, the last one may be
    /// right, and is tried alone.
    pub(super) fn fail_over(&self, error: &io::Error) -> bool {
        let Some(mismatch) = mismatch(error) else { return false };
        let (mixed, name) = {
            let mut state = self.lock();
            if state.failed.len() == self.all.len() {
                return false;
            }
            (std::mem::take(&mut state.mixed), self.all[state.last].name())
        };
        let again = mixed || self.fail(error);
        if again && !mixed {
            tracing::warn!(
                "{name} has other bytes than those of `{}`, which it should have: {mismatch}",
                self.digest
            );
        }
        again
    }
}

/// That no place was any good.
pub(super) struct AllFailed {
    /// Why, for each place, in the order in which they failed.
    pub(super) reasons: Vec<String>,
    /// What can be done about single places.
    pub(super) hints: Vec<String>,
    /// Whether some of the places are caches, which a build fills.
    pub(super) in_caches: bool,
}

/// A blob while it is read.
struct Reading {
    places: Arc<Places>,
    offset: u64,
    stream: Option<ByteStream>,
}

impl Reading {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            let error = match self.try_next().await {
                Ok(Some(chunk)) => {
                    self.offset += chunk.len() as u64;
                    return Ok(Some(chunk));
                }
                Ok(None) if self.offset >= self.places.size => return Ok(None),
                Ok(None) => self.short(),
                // What was handed out already is wrong, too.
                Err(error) if mismatch(&error).is_some() => return Err(error),
                Err(error) => error,
            };
            self.stream = None;
            if !self.places.fail(&error) {
                return Err(error);
            }
            tracing::info!(
                "blob `{}` is read elsewhere from byte {} on: {error}",
                self.places.digest,
                self.offset
            );
        }
    }

    async fn try_next(&mut self) -> io::Result<Option<Bytes>> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => match self.places.choose(self.offset) {
                Some(place) => place.open(self.offset).await?,
                None => return Err(io::Error::new(io::ErrorKind::NotFound, "no source is left")),
            },
        };
        let chunk = stream.next().await.transpose()?;
        self.stream = Some(stream);
        Ok(chunk)
    }

    /// A place that ends too early.
    fn short(&self) -> io::Error {
        let Places { digest, size, .. } = *self.places;
        io::Error::new(
            io::ErrorKind::InvalidData,
            Mismatch::Short { digest, expected: size, found: self.offset },
        )
    }
}

/// That other bytes came than those that are named by the digest; fewer are no such case, because those that came may be
/// right.
pub(super) fn mismatch(error: &io::Error) -> Option<&Mismatch> {
    let inner = error.get_ref()?;
    let mismatch = if let Some(mismatch) = inner.downcast_ref::<Mismatch>() {
        mismatch
    } else if let Some(error) = inner.downcast_ref::<cas::Error>() {
        match error.cause() {
            cas::Cause::Mismatch(mismatch) => mismatch,
            _ => return None,
        }
    } else {
        match inner.downcast_ref::<registry::Error>()?.cause() {
            registry::Cause::Mismatch(mismatch) => mismatch,
            _ => return None,
        }
    };
    (!matches!(mismatch, Mismatch::Short { .. })).then_some(mismatch)
}
