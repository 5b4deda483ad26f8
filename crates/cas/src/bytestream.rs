//! Blobs of any size, streamed.

use std::io;

use bazel_remote_apis::google::bytestream::ReadRequest;
use blob::{Mismatch, Verifier};
use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, BoxStream, StreamExt as _};
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Status, Streaming};
use tonic_prost::ProstCodec;

use crate::budget::Budget;
use crate::decompress::Decompressor;
use crate::payload::{Taken, TakenCodec, Taking};
use crate::{Blob, Cause, Client, Error, Operation};

const SERVICE: &str = "google.bytestream.ByteStream";
const METHOD: &str = "/google.bytestream.ByteStream/Read";

/// Chunks of a blob.
pub type ByteStream = BoxStream<'static, io::Result<Bytes>>;

/// How a blob travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// As it is: for what is compressed already.
    Identity,
    /// In zstd, if the server offers it.
    Zstd,
}

impl Client {
    /// Streams a blob from `offset`, going on where a stream broke. From the start it is verified: wrong content is an
    /// error before the end. Memory does not depend on the size. An error is an [`Error`] inside of an I/O error.
    pub fn stream_blob(&self, blob: Blob, offset: u64, encoding: Encoding) -> ByteStream {
        self.download(blob, offset, encoding).chunks()
    }

    /// The same for whoever checks the bytes anyway: nothing here does.
    pub fn stream_blob_unchecked(&self, blob: Blob, offset: u64, encoding: Encoding) -> ByteStream {
        Download { verifier: None, ..self.download(blob, offset, encoding) }.chunks()
    }

    pub(crate) async fn read_to_end(&self, blob: Blob, encoding: Encoding) -> Result<Bytes, Error> {
        let mut download = self.download(blob, 0, encoding);
        let mut bytes = BytesMut::new();
        while let Some(chunk) = download.next().await? {
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes.freeze())
    }

    fn download(&self, blob: Blob, offset: u64, encoding: Encoding) -> Download {
        Download {
            client: self.clone(),
            budget: Budget::new(self, Operation::Fetch(blob.digest)),
            blob,
            offset,
            encoding,
            verifier: (offset == 0).then(|| Verifier::new(blob.digest, Some(blob.size))),
            stream: None,
        }
    }

    /// Offsets count bytes of the blob, also where it travels compressed (REAPI, "compressed-blobs").
    async fn open(&self, blob: Blob, offset: u64, zstd: bool) -> Result<Streaming<Bytes>, Cause> {
        let Blob { digest, size } = blob;
        let kind = if zstd { "compressed-blobs/zstd" } else { "blobs" };
        let name = format!("{kind}/{}/{size}", digest.hex());
        let instance = &self.config().instance;
        let message = ReadRequest {
            resource_name: if instance.is_empty() { name } else { format!("{instance}/{name}") },
            read_offset: i64::try_from(offset).map_err(|_| Cause::Protocol("a blob of such a size"))?,
            read_limit: 0,
        };
        let request = self.request(SERVICE, message).await?;
        let taken = Taken::default();
        let codec = TakenCodec { taken: taken.clone(), requests: ProstCodec::default() };
        let mut grpc = Grpc::new(Taking(self.channel().await?, taken));
        let call = async {
            grpc.ready().await.map_err(|error| Status::from_error(error.into()))?;
            grpc.server_streaming(request, PathAndQuery::from_static(METHOD), codec).await
        };
        self.answer(self.config().idle_timeout, call).await
    }
}

/// A download that goes on after interruptions.
struct Download {
    client: Client,
    budget: Budget,
    blob: Blob,
    offset: u64,
    encoding: Encoding,
    verifier: Option<Verifier>,
    stream: Option<Chunks>,
}

/// One stream of a download.
struct Chunks {
    messages: Streaming<Bytes>,
    decompressor: Option<Decompressor>,
}

impl Download {
    fn chunks(self) -> ByteStream {
        let chunks = stream::try_unfold(self, |mut download| async move {
            let chunk = download.next().await.map_err(io::Error::other)?;
            Ok::<_, io::Error>(chunk.map(|chunk| (chunk, download)))
        });
        chunks.boxed()
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        // What a server cannot do at all is not the fault of this blob: without SHA-256, all would seem to be missing.
        let zstd = self.client.capabilities().await?.zstd && self.encoding == Encoding::Zstd;
        loop {
            match self.try_next(zstd).await {
                Ok(chunk) => return Ok(chunk),
                Err(cause) => {
                    self.stream = None;
                    self.budget.spend(cause).await?;
                }
            }
        }
    }

    async fn try_next(&mut self, zstd: bool) -> Result<Option<Bytes>, Cause> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None if self.offset == self.blob.size => return self.finish(),
            None => Chunks {
                messages: self.client.open(self.blob, self.offset, zstd).await?,
                decompressor: zstd.then(Decompressor::new).transpose()?,
            },
        };
        let Some(chunk) = stream.next(&self.client).await? else {
            if self.offset < self.blob.size {
                let Blob { digest, size } = self.blob;
                return Err(Mismatch::Short { digest, expected: size, found: self.offset }.into());
            }
            return self.finish();
        };
        if let Some(verifier) = &mut self.verifier {
            verifier.update(&chunk)?;
        }
        self.offset += chunk.len() as u64;
        self.stream = Some(stream);
        Ok(Some(chunk))
    }

    fn finish(&mut self) -> Result<Option<Bytes>, Cause> {
        if let Some(verifier) = self.verifier.take() {
            verifier.finish()?;
        }
        Ok(None)
    }
}

impl Chunks {
    async fn next(&mut self, client: &Client) -> Result<Option<Bytes>, Cause> {
        loop {
            if let Some(chunk) = self.decompressor.as_mut().map_or(Ok(None), Decompressor::pull)? {
                return Ok(Some(chunk));
            }
            let timeout = client.config().idle_timeout;
            let message = tokio::time::timeout(timeout, self.messages.message()).await;
            let Some(bytes) = message.map_err(|_| Cause::Idle(timeout))?? else { return Ok(None) };
            match &mut self.decompressor {
                Some(decompressor) => decompressor.push(bytes),
                None if bytes.is_empty() => {}
                None => return Ok(Some(bytes)),
            }
        }
    }
}
