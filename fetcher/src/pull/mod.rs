//! Pulling an image without its layers: three waves of requests, each sent all at once, and not one request more than
//! there are documents to read.

mod error;
mod graph;
mod sources;
mod store;

pub(crate) use error::PullError;
pub(crate) use graph::pull;
pub(crate) use sources::Sources;
pub(crate) use store::{Report, Store};
