//! One stream that writes one blob.

use std::io;
use std::pin::pin;
use std::time::Duration;

use blob::{Mismatch, Verifier};
use bytes::Bytes;
use containerd_api::{WriteAction, WriteContentRequest, WriteContentResponse, content};
use futures_util::stream::{self, StreamExt as _};
use http::uri::PathAndQuery;
use oci::Descriptor;
use tokio::sync::mpsc;
use tonic::{Status, Streaming};
use tonic_prost::ProstCodec;

use crate::labels::Labels;
use crate::{Answer, ByteStream, Lease};

/// Bytes in a message: gRPC's limit of 4 MiB is far, and containerd answers each one.
const PIECE: usize = 1 << 20;

/// Messages that wait for the connection.
const QUEUE: usize = 2;

/// The open end of a stream that writes one blob. As long as it is open, nobody else can write the same ingest.
pub(crate) struct Session<'a> {
    descriptor: &'a Descriptor,
    ingest: String,
    messages: mpsc::Sender<WriteContentRequest>,
    answers: Streaming<WriteContentResponse>,
    offset: u64,
    call: Duration,
    commit: Duration,
}

/// Why a stream ended early.
pub(crate) enum Broken {
    /// containerd, or the connection to it.
    Answer(Answer),
    /// The source failed.
    Source(io::Error),
    /// The source has other bytes.
    Content(Mismatch),
}

impl From<Answer> for Broken {
    fn from(answer: Answer) -> Self {
        Self::Answer(answer)
    }
}

/// Name of the ingest of a blob: two programs of this kind share it.
pub(crate) fn ingest(descriptor: &Descriptor) -> String {
    format!("write-{}", descriptor.digest.hex())
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

impl<'a> Session<'a> {
    /// Asks how much of a blob is there, and locks it.
    pub(crate) async fn open(lease: &Lease, descriptor: &'a Descriptor) -> Result<Self, Answer> {
        let patience = lease.client().patience();
        let (messages, receiver) = mpsc::channel(QUEUE);
        let stream = stream::unfold(receiver, async |mut receiver: mpsc::Receiver<WriteContentRequest>| {
            receiver.recv().await.map(|message| (message, receiver))
        });
        let mut request = lease.client().request(stream);
        lease.add_header(&mut request);
        let first = WriteContentRequest {
            action: WriteAction::Stat.into(),
            r#ref: ingest(descriptor),
            total: signed(descriptor.size),
            expected: descriptor.digest.to_string(),
            ..WriteContentRequest::default()
        };
        let open = async {
            messages.try_send(first).map_err(|_| Status::internal("the first message found no place"))?;
            let mut grpc = lease.client().grpc();
            grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
            let path = PathAndQuery::from_static(content::WRITE.path());
            let codec = ProstCodec::<WriteContentRequest, WriteContentResponse>::default();
            let mut answers = grpc.streaming(request, path, codec).await?.into_inner();
            Ok::<_, Status>((answers.message().await?, answers))
        };
        let (answer, answers) =
            tokio::time::timeout(patience.call, open).await.map_err(|_| Answer::Idle(patience.call))??;
        let answer = answer.ok_or(Answer::Protocol("it ended a write at once"))?;
        let offset = u64::try_from(answer.offset).map_err(|_| Answer::Protocol("a negative offset"))?;
        let (call, commit) = (patience.call, patience.commit);
        Ok(Self { descriptor, ingest: ingest(descriptor), messages, answers, offset, call, commit })
    }

    /// How many bytes are there.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Writes the bytes from the offset to the end, which are those of the stream, and makes the whole a blob. From the start
    /// they are checked before that; what goes on in the middle is checked by containerd alone.
    pub(crate) async fn write(self, bytes: Option<ByteStream>, labels: &Labels) -> Result<(), Broken> {
        let Self { descriptor, ingest, messages, answers, offset, call, commit } = self;
        let verifier = (offset == 0).then(|| Verifier::new(descriptor.digest, Some(descriptor.size)));
        let sender = Sender { descriptor, ingest, messages, offset, verifier, call };
        let mut receiving = pin!(receive(answers, descriptor));
        tokio::select! {
            received = &mut receiving => return Ok(received?),
            sent = sender.send(bytes, labels) => sent?,
        }
        // Writing a layer to disk takes its time.
        Ok(tokio::time::timeout(commit, receiving).await.map_err(|_| Answer::Idle(commit))??)
    }
}

/// Takes answers until the blob is there.
async fn receive(
    mut answers: Streaming<WriteContentResponse>,
    descriptor: &Descriptor,
) -> Result<(), Answer> {
    while let Some(answer) = answers.message().await? {
        if answer.action == i32::from(WriteAction::Commit) {
            let is_whole = answer.offset == signed(descriptor.size);
            let is_right = answer.digest.is_empty() || answer.digest == descriptor.digest.to_string();
            return if is_whole && is_right { Ok(()) } else { Err(Answer::Protocol("it took another blob")) };
        }
    }
    Err(Answer::Status { code: tonic::Code::Unavailable, message: "it ended the write early".to_owned() })
}

/// What sends.
struct Sender<'a> {
    descriptor: &'a Descriptor,
    ingest: String,
    messages: mpsc::Sender<WriteContentRequest>,
    offset: u64,
    verifier: Option<Verifier>,
    call: Duration,
}

impl Sender<'_> {
    async fn send(mut self, bytes: Option<ByteStream>, labels: &Labels) -> Result<(), Broken> {
        let mut bytes = bytes.unwrap_or_else(|| stream::empty().boxed());
        while let Some(chunk) = bytes.next().await {
            let mut chunk = chunk.map_err(Broken::Source)?;
            self.check(&chunk).map_err(Broken::Content)?;
            while !chunk.is_empty() {
                let piece = chunk.split_to(chunk.len().min(PIECE));
                self.put(WriteAction::Write, piece, Labels::new()).await?;
            }
        }
        self.check_end().map_err(Broken::Content)?;
        Ok(self.put(WriteAction::Commit, Bytes::new(), labels.clone()).await?)
    }

    fn check(&mut self, chunk: &Bytes) -> Result<(), Mismatch> {
        let Descriptor { digest, size, .. } = *self.descriptor;
        match &mut self.verifier {
            Some(verifier) => verifier.update(chunk),
            None if self.offset + chunk.len() as u64 > size => Err(Mismatch::Long { digest, expected: size }),
            None => Ok(()),
        }
    }

    fn check_end(&mut self) -> Result<(), Mismatch> {
        let Descriptor { digest, size, .. } = *self.descriptor;
        match self.verifier.take() {
            Some(verifier) => verifier.finish().map(|_| ()),
            None if self.offset < size => Err(Mismatch::Short { digest, expected: size, found: self.offset }),
            None => Ok(()),
        }
    }

    async fn put(&mut self, action: WriteAction, data: Bytes, labels: Labels) -> Result<(), Answer> {
        let length = data.len() as u64;
        let mut message = WriteContentRequest {
            action: action.into(),
            r#ref: self.ingest.clone(),
            offset: signed(self.offset),
            data,
            ..WriteContentRequest::default()
        };
        if action == WriteAction::Commit {
            message.total = signed(self.descriptor.size);
            message.expected = self.descriptor.digest.to_string();
            message.labels = labels;
        }
        let sent = tokio::time::timeout(self.call, self.messages.send(message));
        match sent.await.map_err(|_| Answer::Idle(self.call))? {
            Ok(()) => self.offset += length,
            // Nobody takes it any more; why is to be heard on the other way.
            Err(_) => std::future::pending().await,
        }
        Ok(())
    }
}
