//! A forwarder before any server on loopback that breaks connections at a byte, whatever they carry, and that answers some
//! itself as an HTTP/2 server that goes away would.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::background::{Background, listen};

/// How to break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// Cuts the connection after so many bytes of answers went through, all connections together.
    Answers(u64),
    /// Cuts the connection after so many bytes of requests went through, all connections together.
    Requests(u64),
    /// Passes so many bytes of answers, all connections together, and nothing more on the connection at hand.
    Stall(u64),
    /// Refuses the next so many calls of a new connection (HTTP/2, `REFUSED_STREAM`), then ends it with `GOAWAY`.
    RefuseStreams(usize),
}

#[derive(Default)]
struct State {
    breaks: VecDeque<Break>,
    answers: u64,
    requests: u64,
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<State>>);

/// A forwarder on loopback; it ends when this is dropped.
pub struct Breaker {
    shared: Shared,
    address: SocketAddr,
    _background: Background,
}

/// Which way bytes go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Answer,
    Request,
}

/// What to do with bytes that arrived.
struct Verdict {
    pass: usize,
    then: Option<Break>,
}

impl Breaker {
    /// Starts before a server, given as `host:port`.
    pub fn start(server: &str) -> Self {
        let shared = Shared::default();
        let (state, server) = (shared.clone(), server.to_owned());
        let (background, address) = Background::start(async || {
            let (listener, address) = listen().await;
            (address, serve(listener, state, server))
        });
        Self { shared, address, _background: background }
    }

    /// `127.0.0.1:port`
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// Breaks in these ways, one after the other; bytes are counted from the break before.
    pub fn breaks(&self, breaks: impl IntoIterator<Item = Break>) {
        self.shared.lock().breaks.extend(breaks);
    }

    /// Whether it broke in all the ways that it was told to.
    pub fn is_done(&self) -> bool {
        self.shared.lock().breaks.is_empty()
    }

    /// Bytes of requests and of answers that went through since the last break.
    pub fn passed(&self) -> (u64, u64) {
        let state = self.shared.lock();
        (state.requests, state.answers)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The calls to refuse on a new connection.
    fn to_refuse(&self) -> Option<usize> {
        let mut state = self.lock();
        match state.breaks.front() {
            Some(Break::RefuseStreams(number)) => {
                let number = *number;
                state.begin_anew();
                Some(number)
            }
            _ => None,
        }
    }

    /// Counts bytes that arrived; says how many of them pass, and what happens after them.
    fn judge(&self, way: Way, length: usize) -> Verdict {
        let mut state = self.lock();
        let (limit, passed) = match (way, state.breaks.front().copied()) {
            (Way::Answer, Some(Break::Answers(limit) | Break::Stall(limit))) => (limit, state.answers),
            (Way::Request, Some(Break::Requests(limit))) => (limit, state.requests),
            _ => (u64::MAX, 0),
        };
        let pass = usize::try_from(limit - passed.min(limit)).unwrap_or(usize::MAX).min(length);
        match way {
            Way::Answer => state.answers += pass as u64,
            Way::Request => state.requests += pass as u64,
        }
        let then = (pass < length).then(|| state.begin_anew()).flatten();
        Verdict { pass, then }
    }
}

impl State {
    fn begin_anew(&mut self) -> Option<Break> {
        (self.answers, self.requests) = (0, 0);
        self.breaks.pop_front()
    }
}

async fn serve(listener: TcpListener, shared: Shared, server: String) {
    loop {
        let Ok((client, _)) = listener.accept().await else { continue };
        drop(client.set_nodelay(true));
        let (shared, server) = (shared.clone(), server.clone());
        tokio::spawn(async move {
            // That a connection breaks is the point.
            match shared.to_refuse() {
                Some(number) => drop(refuse(client, number).await),
                None => drop(forward(client, &server, &shared).await),
            }
        });
    }
}

/// Both ways at once, until either ends.
async fn forward(client: TcpStream, server: &str, shared: &Shared) -> io::Result<()> {
    let server = TcpStream::connect(server).await?;
    server.set_nodelay(true)?;
    let ((client_reads, client_writes), (server_reads, server_writes)) =
        (client.into_split(), server.into_split());
    tokio::select! {
        ended = pump(client_reads, server_writes, shared, Way::Request) => ended,
        ended = pump(server_reads, client_writes, shared, Way::Answer) => ended,
    }
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    shared: &Shared,
    way: Way,
) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        let Verdict { pass, then } = shared.judge(way, length);
        to.write_all(&buffer[..pass]).await?;
        match then {
            None => {}
            Some(Break::Stall(_)) => std::future::pending().await,
            Some(_) => return Ok(()),
        }
    }
}

/// A server that has no room for any call: RFC 9113, sections 4.1 (frames), 6.4 (`RST_STREAM`) and 6.8 (`GOAWAY`).
async fn refuse(mut client: TcpStream, number: usize) -> io::Result<()> {
    const PREFACE: usize = 24;
    const HEADERS: u8 = 1;
    const RST_STREAM: u8 = 3;
    const SETTINGS: u8 = 4;
    const GOAWAY: u8 = 7;
    const REFUSED_STREAM: [u8; 4] = [0, 0, 0, 7];
    client.read_exact(&mut [0; PREFACE]).await?;
    client.write_all(&frame(SETTINGS, 0, [0; 4], &[])).await?;
    let mut refused = 0;
    while refused < number {
        let mut head = [0; 9];
        client.read_exact(&mut head).await?;
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        client.read_exact(&mut vec![0; length]).await?;
        let (kind, flags, stream) = (head[3], head[4], [head[5], head[6], head[7], head[8]]);
        if kind == SETTINGS && flags == 0 {
            client.write_all(&frame(SETTINGS, 1, [0; 4], &[])).await?;
        }
        if kind == HEADERS {
            refused += 1;
            client.write_all(&frame(RST_STREAM, 0, stream, &REFUSED_STREAM)).await?;
        }
    }
    // The last stream that was looked at: none. No error.
    client.write_all(&frame(GOAWAY, 0, [0; 4], &[0; 8])).await
}

fn frame(kind: u8, flags: u8, stream: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap_or(u8::MAX);
    [&[0, 0, length, kind, flags], &stream[..], payload].concat()
}
