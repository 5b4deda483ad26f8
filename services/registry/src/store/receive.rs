//! The body of a request, on its way into the file of an upload. While one batch of it is written and hashed, the next
//! is gathered from the network; no thread waits for a client.

use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use blob::Hasher;
use bytes::Bytes;
use fs_err as fs;
use futures_util::stream::{Fuse, StreamExt as _};
use tokio::task::JoinHandle;

use super::blocking;
use crate::error::Error;

/// Bytes that are gathered before they are written. Two such batches are in memory per upload.
const BATCH: usize = 256 << 10;

/// Bytes that the disk may have to catch up with before it is made to.
const BACKLOG: u64 = 32 << 20;

/// How long a client may send nothing.
const STALL: Duration = Duration::from_mins(1);

/// Appends a body to a file. Returns the hash of all that is in the file then, and how the body ended; an error
/// means that writing failed, and that only the file knows what it has. With `sync`, the file is to be synced in the end:
/// then most of it is on the disk before.
pub(super) async fn append(
    path: &Path,
    hasher: Hasher,
    body: Body,
    sync: bool,
) -> io::Result<(Hasher, Result<(), Error>)> {
    let mut frames = body.into_data_stream().fuse();
    let path = path.to_owned();
    let file = blocking(move || fs::OpenOptions::new().append(true).open(path)).await?;
    let mut writer = Writer { file, hasher };
    let mut disk = Disk::default();
    let mut batch = Batch::gather(&mut frames).await;
    while batch.end.is_none() {
        let (written, next) = tokio::join!(writer.write(batch.bytes), Batch::gather(&mut frames));
        (writer, batch) = (written?, next);
        if sync {
            disk.follow(&writer).await?;
        }
    }
    writer = writer.write(batch.bytes).await?;
    disk.idle().await?;
    Ok((writer.hasher, batch.end.unwrap_or(Ok(()))))
}

/// The hash of a file's content.
pub(super) fn rehash(path: &Path) -> io::Result<Hasher> {
    let mut file = fs::File::open(path)?;
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; BATCH];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher),
            size => hasher.update(&buffer[..size]),
        }
    }
}

/// Some of a body's bytes, and how the body ended if it did.
struct Batch {
    bytes: Vec<Bytes>,
    end: Option<Result<(), Error>>,
}

impl Batch {
    async fn gather(frames: &mut Fuse<BodyDataStream>) -> Self {
        let (mut bytes, mut size) = (Vec::new(), 0);
        while size < BATCH {
            let end = match tokio::time::timeout(STALL, frames.next()).await {
                Ok(Some(Ok(frame))) => {
                    size += frame.len();
                    bytes.push(frame);
                    continue;
                }
                Ok(Some(Err(error))) => Err(Error::Interrupted(error)),
                Ok(None) => Ok(()),
                Err(_) => Err(Error::Stalled { seconds: STALL.as_secs() }),
            };
            return Self { bytes, end: Some(end) };
        }
        Self { bytes, end: None }
    }
}

/// What is done so that the disk follows a writer: a sync that runs beside it.
#[derive(Default)]
struct Disk {
    /// Bytes up to which the disk was told to write.
    told: u64,
    running: Option<JoinHandle<io::Result<()>>>,
}

impl Disk {
    /// Begins a sync if there is enough to do, and none runs.
    async fn follow(&mut self, writer: &Writer) -> io::Result<()> {
        let written = writer.hasher.size();
        if written < self.told + BACKLOG
            || self.running.as_ref().is_some_and(|running| !running.is_finished())
        {
            return Ok(());
        }
        self.idle().await?;
        let file = writer.file.try_clone()?;
        self.running = Some(tokio::task::spawn_blocking(move || file.sync_data()));
        self.told = written;
        Ok(())
    }

    /// Waits for the sync that runs. What it failed at is not told again by a later one.
    async fn idle(&mut self) -> io::Result<()> {
        match self.running.take() {
            Some(running) => running.await.unwrap_or_else(|error| Err(io::Error::other(error))),
            None => Ok(()),
        }
    }
}

/// The end of an upload's file and the hash up to there.
struct Writer {
    file: fs::File,
    hasher: Hasher,
}

impl Writer {
    async fn write(mut self, batch: Vec<Bytes>) -> io::Result<Self> {
        blocking(move || {
            for bytes in batch {
                self.file.write_all(&bytes)?;
                self.hasher.update(&bytes);
            }
            Ok(self)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_that_the_disk_follows_has_all_that_came() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("upload");
        let chunks: Vec<Bytes> = (0..80u8).map(|number| vec![number; 1 << 20].into()).collect();
        let whole = chunks.concat();
        let mut progress = Hasher::new();
        fs::write(&path, []).unwrap();
        for part in chunks.chunks(50) {
            let part: Vec<io::Result<Bytes>> = part.iter().cloned().map(Ok).collect();
            let body = Body::from_stream(futures_util::stream::iter(part));
            let (hasher, outcome) = append(&path, progress, body, true).await.unwrap();
            outcome.unwrap();
            progress = hasher;
        }
        assert_eq!(progress.finish(), (blob::digest_of(&whole), whole.len() as u64));
        assert!(fs::read(&path).unwrap() == whole);
    }
}
