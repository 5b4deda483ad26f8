//! Whether a containerd is behind a socket.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// A socket, and why it is of no use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Which socket.
    pub socket: PathBuf,
    /// Why.
    pub reason: Reason,
}

/// Why a socket is of no use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// There is no such file.
    #[error("does not exist")]
    Missing,
    /// It may not be used by us.
    #[error("permission denied")]
    Denied,
    /// There is such a file, but it is something else.
    #[error("is no socket")]
    NoSocket,
    /// Nobody listens.
    #[error("nobody listens")]
    Refused,
    /// Somebody listens, but says nothing.
    #[error("does not answer within {} seconds", .0.as_secs_f64())]
    Silent(Duration),
    /// Something else.
    #[error("{0}")]
    Other(String),
}

impl fmt::Display for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Reason::Denied | Reason::Other(_) => write!(f, "`{}`: {}", self.socket.display(), self.reason),
            _ => write!(f, "`{}` {}", self.socket.display(), self.reason),
        }
    }
}

/// All of it in one line.
pub(crate) fn list(tried: &[Tried]) -> String {
    if tried.is_empty() {
        return "there is no socket to try".to_owned();
    }
    tried.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Connects to a socket if a containerd answers there in time.
#[cfg(unix)]
pub(crate) async fn probe(
    socket: &std::path::Path,
    patience: Duration,
) -> Result<tonic::transport::Channel, Reason> {
    tokio::time::timeout(patience, connect(socket)).await.unwrap_or(Err(Reason::Silent(patience)))
}

#[cfg(unix)]
async fn connect(socket: &std::path::Path) -> Result<tonic::transport::Channel, Reason> {
    use std::os::unix::fs::FileTypeExt as _;

    use crate::client::unary;
    use containerd_api::version;

    let metadata = tokio::fs::metadata(socket).await.map_err(|error| reason(&error))?;
    if !metadata.file_type().is_socket() {
        return Err(Reason::NoSocket);
    }
    // Once by hand: what is wrong with a socket is not to be seen in gRPC's errors.
    drop(tokio::net::UnixStream::connect(socket).await.map_err(|error| reason(&error))?);
    let path = socket.to_str().ok_or_else(|| Reason::Other("its path is not UTF-8".to_owned()))?;
    let other = |error: tonic::transport::Error| Reason::Other(error.to_string());
    let dial = tonic::transport::Endpoint::from_shared(format!("unix:{path}")).map_err(other)?;
    let channel = dial.connect().await.map_err(other)?;
    match unary(channel.clone(), &version::VERSION, tonic::Request::new(())).await {
        Ok(_) => Ok(channel),
        Err(status) => Err(Reason::Other(crate::Answer::from(status).to_string())),
    }
}

#[cfg(unix)]
fn reason(error: &std::io::Error) -> Reason {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Reason::Missing,
        ErrorKind::PermissionDenied => Reason::Denied,
        ErrorKind::ConnectionRefused => Reason::Refused,
        _ => Reason::Other(error.to_string()),
    }
}
