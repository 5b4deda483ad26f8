//! The client: connections, what the server can do, and how a call is made.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::OnceCell;
use tonic::transport::{Channel, Endpoint as Dial};
use tonic::{Request, Response, Status};

use crate::capabilities::Capabilities;
use crate::endpoint::Transport;
use crate::headers::Headers;
use crate::tls::classify;
use crate::{Cause, Config};

/// A message may be this large: the largest batch, and what wraps it.
pub(crate) const MAX_MESSAGE_SIZE: usize = (4 << 20) + (64 << 10);

/// Bytes of a blob that a server may send in one go. HTTP/2's own default of 16 KiB costs a fifth more processor time:
/// measured with BuildGrid and a blob of 512 MiB, from the cache to a registry.
const FRAME_SIZE: u32 = 1 << 20;

/// Bytes that may be on their way in one stream: the largest message, so that a server can send the next one while this
/// one is sent on.
const STREAM_WINDOW: u32 = 4 << 20;

/// The same for all streams of a connection together. It bounds the memory, however many layers are read at a time.
const CONNECTION_WINDOW: u32 = 8 << 20;

/// A client of one remote cache. Cheap to clone; any number of tasks may use it.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    config: Config,
    headers: Headers,
    channels: Vec<OnceCell<Channel>>,
    next: AtomicUsize,
    answered: AtomicBool,
    capabilities: OnceCell<Capabilities>,
}

impl Client {
    /// A client; connects when it is first used.
    pub fn new(config: Config) -> Self {
        let shared = Shared {
            headers: Headers::new(&config),
            channels: (0..config.connections.max(1)).map(|_| OnceCell::new()).collect(),
            next: AtomicUsize::new(0),
            answered: AtomicBool::new(false),
            capabilities: OnceCell::new(),
            config,
        };
        Self { shared: Arc::new(shared) }
    }

    /// How it behaves.
    pub fn config(&self) -> &Config {
        &self.shared.config
    }

    pub(crate) fn capabilities_cell(&self) -> &OnceCell<Capabilities> {
        &self.shared.capabilities
    }

    pub(crate) fn has_answered(&self) -> bool {
        self.shared.answered.load(Ordering::Relaxed)
    }

    pub(crate) fn forget_headers(&self) -> bool {
        self.shared.headers.forget()
    }

    /// One of the connections.
    pub(crate) async fn channel(&self) -> Result<Channel, Cause> {
        let position = self.shared.next.fetch_add(1, Ordering::Relaxed) % self.shared.channels.len();
        let channel = self.shared.channels[position].get_or_try_init(|| self.dial()).await?;
        Ok(channel.clone())
    }

    async fn dial(&self) -> Result<Channel, Cause> {
        let config = self.config();
        let dial = match config.endpoint.transport() {
            Transport::Plain(host) => Dial::from_shared(format!("http://{host}")),
            Transport::Tls(host) => Dial::from_shared(format!("https://{host}"))
                .and_then(|dial| dial.tls_config(config.tls.config())),
            Transport::Unix(path) => Dial::from_shared(format!("unix:{path}")),
        };
        let dial = dial
            .map_err(classify)?
            .connect_timeout(config.connect_timeout)
            .max_frame_size(FRAME_SIZE)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            // Only while calls are open: idle connections end as the server likes.
            .http2_keep_alive_interval(Duration::from_mins(5))
            .keep_alive_timeout(Duration::from_secs(20));
        dial.connect().await.map_err(classify)
    }

    /// A request with its headers.
    pub(crate) async fn request<T>(&self, service: &str, message: T) -> Result<Request<T>, Cause> {
        let mut request = Request::new(message);
        self.shared.headers.add(service, request.metadata_mut()).await?;
        Ok(request)
    }

    /// Waits for an answer, but not for ever.
    pub(crate) async fn answer<T>(
        &self,
        timeout: Duration,
        call: impl Future<Output = Result<Response<T>, Status>>,
    ) -> Result<T, Cause> {
        let answer = tokio::time::timeout(timeout, call).await.map_err(|_| Cause::Idle(timeout))??;
        self.shared.answered.store(true, Ordering::Relaxed);
        Ok(answer.into_inner())
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("endpoint", &self.config().endpoint).finish_non_exhaustive()
    }
}
