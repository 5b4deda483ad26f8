//! One connection of a build: events in, acknowledgements out.

use std::io;

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use googleapis_tonic_google_devtools_build_v1::google::devtools::build::v1 as api;
use prost::Message as _;
use tokio::sync::{mpsc, watch};
use tonic::{Status, Streaming};

use crate::build::{Build, Found, Meaning};
use crate::cli::CommitMode;
use crate::events::BuildEvent;
use crate::log::{Outcome, say};
use crate::pushes::{Pushes, Running};
use crate::sequence::{Arrival, Sequence};
use crate::serve::asked_to_end;

use api::build_event::Event;

/// What a client is answered with.
pub(crate) type Answer = Result<api::PublishBuildToolEventStreamResponse, Status>;

/// Acknowledgements on their way; a client that does not read them is not read from.
const ANSWERS: usize = 256;
/// Clients take no more than 8 KiB of headers, of which a status is one.
const MAX_STATUS: usize = 3000;

/// What all connections share.
#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) pushes: Pushes,
    pub(crate) mode: CommitMode,
    /// Becomes true when the server is asked to end.
    pub(crate) ending: watch::Receiver<bool>,
}

struct Connection {
    service: Service,
    answers: mpsc::Sender<Answer>,
    id: Option<api::StreamId>,
    build: Build,
    sequence: Sequence,
    running: Vec<Running>,
    problems: Vec<String>,
}

/// Whether to go on.
enum Next {
    Event,
    /// The build is over, and all of its events came.
    Settle,
}

impl Service {
    /// Takes a connection over; it is worked on also when nobody reads the answers any more.
    pub(crate) fn accept(
        &self,
        requests: Streaming<api::PublishBuildToolEventStreamRequest>,
    ) -> BoxStream<'static, Answer> {
        let (answers, receiver) = mpsc::channel(ANSWERS);
        let connection = Connection {
            service: self.clone(),
            answers,
            id: None,
            build: Build::default(),
            sequence: Sequence::default(),
            running: Vec::new(),
            problems: Vec::new(),
        };
        tokio::spawn(connection.run(requests));
        stream::unfold(receiver, async |mut receiver| Some((receiver.recv().await?, receiver))).boxed()
    }
}

impl Connection {
    async fn run(mut self, mut requests: Streaming<api::PublishBuildToolEventStreamRequest>) {
        let mut ending = self.service.ending.clone();
        loop {
            let request = tokio::select! {
                request = requests.message() => request,
                // Another server, or this one after its restart, gets what was not acknowledged.
                () = asked_to_end(&mut ending) => {
                    return self.refuse(Status::unavailable("the server ends; connect again")).await;
                }
            };
            let next = match request {
                Ok(Some(request)) => self.event(request).await,
                Ok(None) => Ok(Next::Settle),
                Err(status) => {
                    tracing::info!("build {}: the connection ended: {status}", self.name());
                    return;
                }
            };
            match next {
                Ok(Next::Event) => {}
                Ok(Next::Settle) => break,
                Err(status) => return self.refuse(status).await,
            }
        }
        self.settle().await;
    }

    async fn event(&mut self, request: api::PublishBuildToolEventStreamRequest) -> Result<Next, Status> {
        let event = request
            .ordered_build_event
            .ok_or_else(|| Status::invalid_argument("a request without an event"))?;
        if self.id.is_none() {
            self.id.clone_from(&event.stream_id);
        } else if self.id != event.stream_id {
            return Err(Status::invalid_argument("events of two builds in one stream"));
        }
        match self.sequence.arrive(event.sequence_number) {
            Arrival::Next => {}
            Arrival::Again => return Ok(Next::Event),
            // The client begins again with what was not acknowledged.
            Arrival::Gap(expected) => {
                return Err(Status::aborted(format!(
                    "event {} came, and event {expected} did not",
                    event.sequence_number
                )));
            }
        }
        let content = event.event.and_then(|event| event.event);
        let last = matches!(content, Some(Event::ComponentStreamFinished(_)));
        let meaning = match content {
            Some(Event::BazelEvent(any)) => self.observe(&any),
            _ => Meaning::default(),
        };
        let matters = meaning.matters;
        for problem in meaning.problems {
            self.problem(format!("{}: {}", problem.label, problem.text));
        }
        for found in meaning.found {
            self.start(found)
                .map_err(|error| Status::unavailable(format!("failed to write to the journal: {error}")))?;
        }
        // The last event says that all was done.
        let matters = matters || (last && !self.running.is_empty());
        if let Some(number) = self.sequence.acknowledge(matters) {
            self.answer(number).await?;
        }
        Ok(if last { Next::Settle } else { Next::Event })
    }

    fn observe(&mut self, any: &prost_types::Any) -> Meaning {
        if !any.type_url.ends_with("/build_event_stream.BuildEvent") {
            return Meaning::default();
        }
        match BuildEvent::decode(any.value.as_slice()) {
            Ok(event) => self.build.observe(event),
            Err(error) => {
                tracing::warn!("build {}: an event cannot be read and is skipped: {error}", self.name());
                Meaning::default()
            }
        }
    }

    fn start(&mut self, found: Found) -> io::Result<()> {
        let running = self.service.pushes.start(self.name(), found)?;
        self.running.push(running);
        Ok(())
    }

    fn problem(&mut self, text: String) {
        let outcome = Outcome::failed(text.clone());
        self.service.pushes.setup().log.target(self.name(), "", &outcome);
        self.problems.push(text);
    }

    /// The build is over: waits for its pushes, or has them go on by themselves, and acknowledges the rest.
    async fn settle(mut self) {
        let running = std::mem::take(&mut self.running);
        let mut failures = std::mem::take(&mut self.problems);
        let (pushes, name) = (self.service.pushes.clone(), self.name().to_owned());
        let wait = async move {
            let mut count = 0;
            for running in running {
                let outcome = running.await;
                count += outcome.pushes.len();
                failures.extend(outcome.failures.iter().cloned());
            }
            pushes.setup().log.build(&name, count, failures.len());
            failures
        };
        let failures = match self.service.mode {
            CommitMode::PerStream => wait.await,
            CommitMode::Background => {
                tokio::spawn(wait);
                Vec::new()
            }
        };
        for number in self.sequence.release() {
            if self.answer(number).await.is_err() {
                return;
            }
        }
        if !failures.is_empty() {
            self.refuse(status(&failures)).await;
        }
    }

    async fn answer(&self, sequence_number: i64) -> Result<(), Status> {
        let answer = api::PublishBuildToolEventStreamResponse { stream_id: self.id.clone(), sequence_number };
        self.answers.send(Ok(answer)).await.map_err(|_| Status::cancelled("the client is gone"))
    }

    /// Ends the connection with an error.
    async fn refuse(&self, status: Status) {
        if status.code() == tonic::Code::InvalidArgument || status.code() == tonic::Code::Aborted {
            say(self.name(), &format!("error: {}", status.message()));
        }
        // A client that is gone needs no answer.
        let _ = self.answers.send(Err(status)).await;
    }

    /// What the build is called in messages.
    fn name(&self) -> &str {
        self.id.as_ref().map_or("", |id| &id.invocation_id)
    }
}

/// Failures as the end of a stream. Bazel does not try again after this code, which is right: each push was tried often enough.
fn status(failures: &[String]) -> Status {
    let mut text = failures.join("; ");
    if text.len() > MAX_STATUS {
        let end = text.floor_char_boundary(MAX_STATUS);
        text.truncate(end);
        text.push_str(" ... (the server's log has all of it)");
    }
    Status::failed_precondition(text)
}
