//! Blobs of any size, written through whatever interrupts.

use std::io;
use std::time::Instant;

use containerd_api::{AbortRequest, StatusRequest, content};
use oci::Descriptor;
use tonic::Code;

use crate::client::Failed;
use crate::labels::Labels;
use crate::session::{Broken, Session, ingest};
use crate::{Answer, ByteStream, Error, Lease, Operation};

/// What became of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// We wrote it.
    New,
    /// It was there, or another program was faster.
    Present,
}

/// What is known of the attempts so far.
struct Progress {
    /// Since the last byte.
    attempts: u32,
    /// Looks at an ingest that somebody else writes.
    waits: u32,
    /// The furthest that an ingest was.
    offset: u64,
    /// When it was last seen to move, or not to be written by somebody else.
    moved: Instant,
    /// Whether what was there turned out to be something else.
    is_anew: bool,
}

impl Lease {
    /// Writes a blob, unless it is there, and notes labels on it, also if it is there. It is held from then on.
    ///
    /// `open` opens its bytes from an offset to the end, as often as needed, or not at all. What an earlier attempt has left in
    /// containerd is not sent again. Nothing is kept of a blob whose bytes are not those of the descriptor. If another
    /// program writes the same blob, it is waited for as long as it gets on. Memory does not depend on the size.
    pub async fn write<O>(
        &self,
        descriptor: &Descriptor,
        labels: &Labels,
        open: impl Fn(u64) -> O,
    ) -> Result<Written, Error>
    where
        O: Future<Output = io::Result<ByteStream>>,
    {
        let mut progress =
            Progress { attempts: 0, waits: 0, offset: 0, moved: Instant::now(), is_anew: false };
        loop {
            progress.attempts += 1;
            let broken = match self.attempt(descriptor, labels, &open, &mut progress).await {
                Ok(()) => return Ok(Written::New),
                Err(broken) => broken,
            };
            match broken {
                Broken::Answer(answer) if answer.is(Code::AlreadyExists) => {
                    self.label(descriptor, labels).await?;
                    return Ok(Written::Present);
                }
                Broken::Answer(answer) => self.recover(descriptor, answer, &mut progress).await?,
                Broken::Source(source) => {
                    return Err(Error::Source { digest: descriptor.digest, source });
                }
                Broken::Content(mismatch) => {
                    let _ = self.abort(descriptor).await;
                    return Err(Error::Content { digest: descriptor.digest, mismatch });
                }
            }
        }
    }

    async fn attempt<O>(
        &self,
        descriptor: &Descriptor,
        labels: &Labels,
        open: &impl Fn(u64) -> O,
        progress: &mut Progress,
    ) -> Result<(), Broken>
    where
        O: Future<Output = io::Result<ByteStream>>,
    {
        let session = Session::open(self, descriptor).await?;
        let offset = session.offset();
        progress.advance(offset);
        if offset > descriptor.size {
            return Err(Answer::Status {
                code: Code::FailedPrecondition,
                message: "it has too much".to_owned(),
            }
            .into());
        }
        // All of it may be there: of an attempt that lost its answer, or in another namespace.
        let bytes = if offset < descriptor.size || offset == 0 {
            Some(open(offset).await.map_err(Broken::Source)?)
        } else {
            None
        };
        session.write(bytes, labels).await
    }

    /// After a failure: waits until the next attempt is due, or gives up.
    async fn recover(
        &self,
        descriptor: &Descriptor,
        answer: Answer,
        progress: &mut Progress,
    ) -> Result<(), Error> {
        let client = self.client();
        let patience = client.patience();
        let error =
            |answer, attempts| client.error(Operation::Write(descriptor.digest), Failed { answer, attempts });
        if answer.is_locked() {
            progress.attempts -= 1;
            return self.wait_for_other(descriptor, progress).await;
        }
        progress.moved = Instant::now();
        // What was there before us was something else: from the start, once.
        if answer.is(Code::FailedPrecondition) && progress.offset > 0 && !progress.is_anew {
            progress.is_anew = true;
            return self.abort(descriptor).await.map_err(|failed| error(failed.answer, failed.attempts));
        }
        if !answer.is_transient() || progress.attempts >= patience.attempts {
            if answer.is(Code::FailedPrecondition) {
                let _ = self.abort(descriptor).await;
            }
            return Err(error(answer, progress.attempts));
        }
        tracing::debug!("attempt {} to write `{}`: {answer}", progress.attempts, descriptor.digest);
        tokio::time::sleep(patience.delay(progress.attempts)).await;
        Ok(())
    }

    /// Somebody else writes it: waits a little, as long as that gets on.
    async fn wait_for_other(&self, descriptor: &Descriptor, progress: &mut Progress) -> Result<(), Error> {
        let patience = self.client().patience();
        let request = StatusRequest { r#ref: ingest(descriptor) };
        let before = progress.offset;
        if let Ok(answer) = self.call(&content::STATUS, request).await {
            let offset = answer.status.map_or(0, |status| u64::try_from(status.offset).unwrap_or_default());
            progress.advance(offset);
        }
        if progress.offset == before && progress.moved.elapsed() >= patience.lock {
            return Err(Error::Locked {
                digest: descriptor.digest,
                socket: self.client().socket().to_owned(),
                waited: patience.lock,
            });
        }
        progress.waits += 1;
        tokio::time::sleep(patience.delay(progress.waits)).await;
        Ok(())
    }

    /// Throws away what was written of a blob.
    async fn abort(&self, descriptor: &Descriptor) -> Result<(), Failed> {
        match self.call(&content::ABORT, AbortRequest { r#ref: ingest(descriptor) }).await {
            Err(failed) if !failed.answer.is(Code::NotFound) => Err(failed),
            _ => Ok(()),
        }
    }
}

impl Progress {
    /// An ingest has so many bytes.
    fn advance(&mut self, offset: u64) {
        if offset > self.offset {
            self.offset = offset;
            self.moved = Instant::now();
            self.attempts = 1;
        }
    }
}
