//! The bytes of `google.bytestream.ReadResponse`s, out of the frames in which they arrived.
//!
//! tonic gathers a message before it decodes it, which copies every byte once more: an eighth of what a push of a layer
//! takes of the processor. Here the content is taken out of the frames underneath. tonic gets an empty message for each
//! piece, and goes on doing what else there is to a call: its status, its errors, its end.

mod parser;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use tonic::body::Body;
use tonic::codec::{Codec, DecodeBuf, Decoder};
use tonic::codegen::{Service, http};
use tonic::transport::Channel;
use tonic::{Status, transport};
use tonic_prost::ProstCodec;

use parser::Parser;

/// An empty message: not compressed, no bytes.
const EMPTY_MESSAGE: [u8; 5] = [0; 5];

/// What was taken out of a stream, and not asked for yet.
#[derive(Clone, Default)]
pub(crate) struct Taken(Arc<Mutex<VecDeque<Result<Bytes, &'static str>>>>);

impl Taken {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Result<Bytes, &'static str>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the content out of a frame; returns as many empty messages as there are pieces.
    fn take(&self, parser: &mut Parser, frame: Bytes) -> Bytes {
        let mut pieces = self.lock();
        let before = pieces.len();
        parser.parse(frame, &mut pieces);
        EMPTY_MESSAGE.repeat(pieces.len() - before).into()
    }
}

/// A connection whose calls leave what they answer in [`Taken`].
#[derive(Clone)]
pub(crate) struct Taking(pub(crate) Channel, pub(crate) Taken);

impl Service<http::Request<Body>> for Taking {
    type Response = http::Response<Body>;
    type Error = transport::Error;
    type Future = futures_util::future::BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let (answer, taken) = (self.0.call(request), self.1.clone());
        Box::pin(async move {
            let mut parser = Parser::default();
            let mut take = move |frame: Bytes| taken.take(&mut parser, frame);
            let frames = answer.await?.map(|body| body.map_frame(move |frame| frame.map_data(&mut take)));
            Ok(frames.map(Body::new))
        })
    }
}

/// Hands out what was taken.
pub(crate) struct TakenCodec<Request> {
    pub(crate) taken: Taken,
    pub(crate) requests: ProstCodec<Request, ()>,
}

impl<Request: prost::Message + Default + 'static> Codec for TakenCodec<Request> {
    type Encode = Request;
    type Decode = Bytes;
    type Encoder = <ProstCodec<Request, ()> as Codec>::Encoder;
    type Decoder = Self;

    fn encoder(&mut self) -> Self::Encoder {
        self.requests.encoder()
    }

    fn decoder(&mut self) -> Self::Decoder {
        Self { taken: self.taken.clone(), requests: ProstCodec::default() }
    }
}

impl<Request: Send + 'static> Decoder for TakenCodec<Request> {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, _: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        let piece = self.taken.lock().pop_front().transpose();
        piece.map_err(|reason| Status::internal(format!("not a message of ByteStream.Read: {reason}")))
    }
}
