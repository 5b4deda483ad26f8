//! A client that sends what tests want: the events of a build, in any order, as often as they like.

use googleapis_tonic_google_devtools_build_v1::google::devtools::build::v1 as api;
use prost::Message as _;
use tokio::sync::mpsc;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Status, Streaming};

use api::build_event::{BuildComponentStreamFinished, Event};
use api::publish_build_event_client::PublishBuildEventClient;

use crate::events::{
    BuildEvent, BuildEventId, File, Id, NamedSetOfFiles, NamedSetOfFilesId, OutputGroup, Payload,
    TargetComplete, TargetCompletedId,
};
use crate::server::Server;

/// One connection of a build.
pub(crate) struct Stream {
    requests: Option<mpsc::Sender<api::PublishBuildToolEventStreamRequest>>,
    answers: Streaming<api::PublishBuildToolEventStreamResponse>,
    id: api::StreamId,
}

pub(crate) async fn connect(server: &Server) -> PublishBuildEventClient<Channel> {
    PublishBuildEventClient::new(dial(server).connect().await.unwrap())
}

fn dial(server: &Server) -> Endpoint {
    let dial = Endpoint::from_shared(server.endpoint.clone()).unwrap();
    let Some(pem) = &server.authority else { return dial };
    dial.tls_config(ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem))).unwrap()
}

impl Stream {
    /// Begins, or begins again, to report a build.
    pub(crate) async fn open(server: &Server, build: &str) -> Self {
        let (requests, mut receiver) = mpsc::channel(64);
        let outgoing = futures_util::stream::poll_fn(move |context| receiver.poll_recv(context));
        let answers = connect(server).await.publish_build_tool_event_stream(outgoing).await.unwrap();
        let id = api::StreamId { build_id: "b".into(), invocation_id: build.into(), component: 3 };
        Self { requests: Some(requests), answers: answers.into_inner(), id }
    }

    pub(crate) async fn send(&self, number: i64, event: Event) {
        let event = api::BuildEvent { event_time: None, event: Some(event) };
        let ordered = api::OrderedBuildEvent {
            stream_id: Some(self.id.clone()),
            sequence_number: number,
            event: Some(event),
        };
        let request = api::PublishBuildToolEventStreamRequest {
            ordered_build_event: Some(ordered),
            ..Default::default()
        };
        // The server may have ended the stream; its answer says so.
        let _ = self.requests.as_ref().unwrap().send(request).await;
    }

    /// Events with the numbers from `first` on.
    pub(crate) async fn send_all(&self, first: i64, events: Vec<Event>) {
        for (number, event) in (first..).zip(events) {
            self.send(number, event).await;
        }
    }

    /// The next acknowledgement.
    pub(crate) async fn acknowledged(&mut self) -> i64 {
        self.answers.message().await.unwrap().unwrap().sequence_number
    }

    /// Ends the requests; returns the numbers that are acknowledged from now on, and how the stream ends.
    pub(crate) async fn finish(mut self) -> (Vec<i64>, Result<(), Status>) {
        self.requests = None;
        self.ended().await
    }

    /// The same of a stream that the server ends: there could be more requests.
    pub(crate) async fn ended(mut self) -> (Vec<i64>, Result<(), Status>) {
        let mut numbers = Vec::new();
        loop {
            match self.answers.message().await {
                Ok(Some(answer)) => numbers.push(answer.sequence_number),
                Ok(None) => return (numbers, Ok(())),
                Err(status) => return (numbers, Err(status)),
            }
        }
    }
}

/// An event of Bazel's.
pub(crate) fn bazel(id: Id, payload: Payload) -> Event {
    let event = BuildEvent { id: Some(BuildEventId { id: Some(id) }), payload: Some(payload) };
    Event::BazelEvent(prost_types::Any {
        type_url: "type.googleapis.com/build_event_stream.BuildEvent".into(),
        value: event.encode_to_vec(),
    })
}

pub(crate) fn set(id: &str, files: &[&File]) -> Event {
    let files = files.iter().map(|file| (*file).clone()).collect();
    let id = NamedSetOfFilesId { id: id.into() };
    bazel(Id::NamedSet(id), Payload::NamedSetOfFiles(NamedSetOfFiles { files, file_sets: Vec::new() }))
}

/// A target is complete that has this set in a group.
pub(crate) fn complete(label: &str, group: &str, set: &str) -> Event {
    let output_group = vec![OutputGroup {
        name: group.into(),
        file_sets: vec![NamedSetOfFilesId { id: set.into() }],
        incomplete: false,
        inline_files: Vec::new(),
    }];
    let id = TargetCompletedId { label: label.into(), aspect: String::new() };
    bazel(Id::TargetCompleted(id), Payload::Completed(TargetComplete { success: true, output_group }))
}

/// Something that the server knows nothing of.
pub(crate) fn other() -> Event {
    Event::BazelEvent(prost_types::Any {
        type_url: "type.googleapis.com/build_event_stream.BuildEvent".into(),
        // Field 1000, two bytes.
        value: vec![0xc2, 0x3e, 2, 7, 7],
    })
}

pub(crate) fn last() -> Event {
    Event::ComponentStreamFinished(BuildComponentStreamFinished { r#type: 1 })
}

/// The events of a build of one push target.
pub(crate) fn events(name: &str, file: &File) -> Vec<Event> {
    vec![
        other(),
        set("0", &[file]),
        complete(&format!("//pkg:{name}"), "deploy_manifest", "0"),
        other(),
        last(),
    ]
}
