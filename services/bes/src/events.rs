//! The few messages of Bazel's build event stream (`build_event_stream.proto`) that matter here. Numbers are those of Bazel
//! 7 to 9; what is not declared is skipped when a message is read.

/// `BuildEvent`
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct BuildEvent {
    #[prost(message, optional, tag = "1")]
    pub(crate) id: Option<BuildEventId>,
    #[prost(oneof = "Payload", tags = "8, 15")]
    pub(crate) payload: Option<Payload>,
}

/// `BuildEvent.payload`
#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum Payload {
    #[prost(message, tag = "8")]
    Completed(TargetComplete),
    #[prost(message, tag = "15")]
    NamedSetOfFiles(NamedSetOfFiles),
}

/// `BuildEventId`
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct BuildEventId {
    #[prost(oneof = "Id", tags = "5, 13")]
    pub(crate) id: Option<Id>,
}

/// `BuildEventId.id`
#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum Id {
    #[prost(message, tag = "5")]
    TargetCompleted(TargetCompletedId),
    #[prost(message, tag = "13")]
    NamedSet(NamedSetOfFilesId),
}

/// `BuildEventId.TargetCompletedId`
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct TargetCompletedId {
    #[prost(string, tag = "1")]
    pub(crate) label: String,
    /// Not empty: the event is about an aspect of the target.
    #[prost(string, tag = "2")]
    pub(crate) aspect: String,
}

/// `BuildEventId.NamedSetOfFilesId`
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct NamedSetOfFilesId {
    #[prost(string, tag = "1")]
    pub(crate) id: String,
}

/// `TargetComplete`
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct TargetComplete {
    #[prost(bool, tag = "1")]
    pub(crate) success: bool,
    #[prost(message, repeated, tag = "2")]
    pub(crate) output_group: Vec<OutputGroup>,
}

/// `OutputGroup`
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct OutputGroup {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(message, repeated, tag = "3")]
    pub(crate) file_sets: Vec<NamedSetOfFilesId>,
    /// Some of it could not be built.
    #[prost(bool, tag = "4")]
    pub(crate) incomplete: bool,
    /// Instead of sets, or beside them (Bazel 8 and later).
    #[prost(message, repeated, tag = "5")]
    pub(crate) inline_files: Vec<File>,
}

/// `NamedSetOfFiles`
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct NamedSetOfFiles {
    #[prost(message, repeated, tag = "1")]
    pub(crate) files: Vec<File>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) file_sets: Vec<NamedSetOfFilesId>,
}

/// `File`
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct File {
    /// Path below `bin`.
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) uri: String,
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) contents: Vec<u8>,
    /// In hex, without an algorithm.
    #[prost(string, tag = "5")]
    pub(crate) digest: String,
    /// In bytes.
    #[prost(int64, tag = "6")]
    pub(crate) length: i64,
}
