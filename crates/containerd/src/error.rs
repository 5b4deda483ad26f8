//! Why an import failed: what was done, where, and what can be done about it.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use oci::Digest;

use crate::probe::{Reason, Tried};
use crate::{Answer, probe};

/// What containerd was asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Hold what comes.
    BeginLease,
    /// Hold it no more.
    EndLease,
    /// Say whether it has a blob.
    Look(Digest),
    /// Note what a blob refers to.
    Label(Digest),
    /// Take a blob.
    Write(Digest),
    /// Name an image.
    Name(String),
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BeginLease => f.write_str("get a lease"),
            Self::EndLease => f.write_str("end the lease"),
            Self::Look(digest) => write!(f, "look for blob `{digest}`"),
            Self::Label(digest) => write!(f, "label blob `{digest}`"),
            Self::Write(digest) => write!(f, "write blob `{digest}`"),
            Self::Name(name) => write!(f, "name the image `{name}`"),
        }
    }
}

/// A failed operation.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// This system has no such sockets.
    #[error("containerd is reached through a unix socket, which this system does not have")]
    Unsupported,
    /// No socket has a containerd behind it.
    #[error("no containerd answers: {}", probe::list(tried))]
    Unreachable {
        /// All that was tried.
        tried: Vec<Tried>,
    },
    /// The namespace cannot be one.
    #[error("`{0}` cannot be a namespace of containerd")]
    Namespace(String),
    /// containerd would not do it.
    #[error("failed to {operation} in the containerd at `{}`", socket.display())]
    Call {
        /// What.
        operation: Operation,
        /// Which containerd.
        socket: PathBuf,
        /// How often it was tried.
        attempts: u32,
        /// Why.
        #[source]
        answer: Answer,
    },
    /// Another program writes the blob, and does not get on.
    #[error("another program is writing blob `{digest}` to the containerd at `{}`, without progress for {} seconds",
        socket.display(), waited.as_secs_f64())]
    Locked {
        /// Which blob.
        digest: Digest,
        /// Which containerd.
        socket: PathBuf,
        /// How long nothing happened.
        waited: Duration,
    },
    /// The blob is there, with another size than the image says: the image is wrong.
    #[error("blob `{digest}` has {found} bytes, but the image says {expected}")]
    Size {
        /// Which blob.
        digest: Digest,
        /// What the image says.
        expected: u64,
        /// What containerd has.
        found: u64,
    },
    /// The source of a blob failed.
    #[error("failed to read blob `{digest}`, which is to be written to containerd")]
    Source {
        /// Which blob.
        digest: Digest,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The source of a blob has other bytes. containerd has kept none of them.
    #[error("blob `{digest}` was not written to containerd")]
    Content {
        /// Which blob.
        digest: Digest,
        /// What is wrong.
        #[source]
        mismatch: blob::Mismatch,
    },
}

impl Error {
    /// Whether there is no containerd to speak to, so that another way is to be tried.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unsupported | Self::Unreachable { .. })
    }

    /// Lines that say what to do, most helpful first; may be empty.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Unreachable { tried } => unreachable_hints(tried),
            Self::Call { socket, answer, attempts, .. } => {
                let mut hints = Vec::new();
                if answer.is_full() {
                    let socket = socket.display();
                    hints.push(format!(
                        "the disk of the containerd at `{socket}` is full: remove images, or make it larger"
                    ));
                }
                if *attempts > 1 {
                    hints.push(format!("it was tried {attempts} times"));
                }
                hints
            }
            Self::Locked { .. } => vec!["wait until the other program is done, or end it".to_owned()],
            Self::Size { .. } => vec!["build or pull the image again: its manifest is wrong".to_owned()],
            Self::Unsupported | Self::Namespace(_) | Self::Source { .. } | Self::Content { .. } => Vec::new(),
        }
    }
}

fn unreachable_hints(tried: &[Tried]) -> Vec<String> {
    let refused = tried.iter().find(|tried| tried.reason == Reason::Denied);
    let mut hints: Vec<String> = refused
        .map(|tried| {
            let socket = tried.socket.display();
            format!("only root may use `{socket}`, as a rule: run this as root, or let your user read and write the socket")
        })
        .into_iter()
        .collect();
    if tried.iter().all(|tried| matches!(tried.reason, Reason::Missing | Reason::Refused)) {
        hints.push("is containerd running?".to_owned());
    }
    hints.push("set CONTAINERD_ADDRESS to the socket of your containerd if it is another one".to_owned());
    hints
}
