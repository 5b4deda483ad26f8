//! The call that writes blobs.

use containerd_api::{WriteAction, WriteContentRequest, WriteContentResponse, content};
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use tonic::server::StreamingService;
use tonic::{Code, Request, Response, Status, Streaming};

use super::serve::lease;
use super::{Blob, Failure, Shared};

type Answers = BoxStream<'static, Result<WriteContentResponse, Status>>;

pub(super) struct Writes(pub(super) Shared);

impl StreamingService<WriteContentRequest> for Writes {
    type Response = WriteContentResponse;
    type ResponseStream = Answers;
    type Future = BoxFuture<'static, Result<Response<Answers>, Status>>;

    fn call(&mut self, request: Request<Streaming<WriteContentRequest>>) -> Self::Future {
        let shared = self.0.clone();
        Box::pin(async move {
            let failure = shared.note(content::WRITE.path(), request.metadata())?;
            let lease = lease(request.metadata());
            let mut messages = request.into_inner();
            match failure {
                Some(Failure::Code(code, message)) => return Err(Status::new(Code::from(code), message)),
                Some(Failure::Hang) => std::future::pending::<()>().await,
                _ => {}
            }
            let first = messages.message().await?.ok_or_else(|| Status::invalid_argument("nothing came"))?;
            let writing = Writing::begin(shared, lease, failure, &first)?;
            let answers = stream::try_unfold((writing, messages, Some(first)), |state| async {
                let (mut writing, mut messages, first) = state;
                if writing.is_done {
                    return Ok(None);
                }
                let message = match first {
                    Some(message) => Some(message),
                    None => messages.message().await?,
                };
                let Some(message) = message else { return Ok(None) };
                let answer = writing.take(&message)?;
                Ok(answer.map(|answer| (answer, (writing, messages, None))))
            });
            Ok(Response::new(answers.boxed()))
        })
    }
}

/// One write. Nobody else may write the same ingest meanwhile.
struct Writing {
    shared: Shared,
    lease: Option<String>,
    name: String,
    failure: Option<Failure>,
    taken: usize,
    is_done: bool,
}

impl Writing {
    fn begin(
        shared: Shared,
        lease: Option<String>,
        failure: Option<Failure>,
        first: &WriteContentRequest,
    ) -> Result<Self, Status> {
        let mut state = shared.lock();
        let name = first.r#ref.clone();
        if state.blobs.contains_key(&first.expected) {
            hold(&mut state, lease.as_ref(), &first.expected);
            return Err(Status::already_exists("there is such a blob"));
        }
        if state.others.contains_key(&name) || !state.locked.insert(name.clone()) {
            return Err(Status::unavailable(format!(
                "ref moby/1/{name} locked for 1s (since now): unavailable"
            )));
        }
        state.ingests.entry(name.clone()).or_default();
        drop(state);
        Ok(Self { shared, lease, name, failure, taken: 0, is_done: false })
    }

    /// Answers a part; nothing if the stream is to end.
    fn take(&mut self, message: &WriteContentRequest) -> Result<Option<WriteContentResponse>, Status> {
        let shared = self.shared.clone();
        let mut state = shared.lock();
        state.sent += message.data.len();
        let Some(ingest) = state.ingests.get_mut(&self.name) else {
            return Err(Status::not_found("the ingest was thrown away"));
        };
        let mut offset = size(ingest.len());
        if message.action == i32::from(WriteAction::Stat) {
            if let Some(Failure::Offset(wrong)) = self.failure {
                offset = wrong;
            }
            return Ok(Some(WriteContentResponse { action: message.action, offset, ..Default::default() }));
        }
        if message.offset == 0 {
            ingest.clear();
        } else if message.offset != offset {
            return Err(Status::out_of_range(format!(
                "write @{} must occur at current offset {offset}",
                message.offset
            )));
        }
        let room = match self.failure {
            Some(Failure::Break(limit) | Failure::End(limit)) => limit.saturating_sub(self.taken),
            _ => usize::MAX,
        };
        let taken = room.min(message.data.len());
        ingest.extend_from_slice(&message.data[..taken]);
        self.taken += taken;
        match self.failure {
            Some(Failure::Break(_)) if taken == room => return Err(Status::unavailable("told to break")),
            Some(Failure::End(_)) if taken == room => return Ok(None),
            _ => {}
        }
        let offset = size(ingest.len());
        let mut digest = String::new();
        if message.action == i32::from(WriteAction::Commit) {
            digest = crate::digest_of(ingest).to_string();
            self.commit(&mut state, message, &digest, offset)?;
        }
        Ok(Some(WriteContentResponse { action: message.action, offset, digest, ..Default::default() }))
    }

    fn commit(
        &mut self,
        state: &mut super::State,
        message: &WriteContentRequest,
        digest: &str,
        offset: i64,
    ) -> Result<(), Status> {
        self.is_done = true;
        if message.total > 0 && message.total != offset {
            return Err(Status::failed_precondition(format!(
                "unexpected commit size {offset}, expected {}",
                message.total
            )));
        }
        if message.expected != digest {
            return Err(Status::failed_precondition(format!(
                "unexpected commit digest {digest}, expected {}",
                message.expected
            )));
        }
        hold(state, self.lease.as_ref(), digest);
        let bytes = state.ingests.remove(&self.name).unwrap_or_default();
        state.blobs.insert(digest.to_owned(), Blob { bytes, labels: message.labels.clone() });
        match self.failure {
            Some(Failure::CodeAfter(code)) => {
                Err(Status::new(Code::from(code), "done, but nobody shall know"))
            }
            _ => Ok(()),
        }
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.shared.lock().locked.remove(&self.name);
    }
}

fn hold(state: &mut super::State, lease: Option<&String>, digest: &str) {
    if let Some(held) = lease.and_then(|lease| state.leases.get_mut(lease)) {
        held.insert(digest.to_owned());
    }
}

fn size(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
