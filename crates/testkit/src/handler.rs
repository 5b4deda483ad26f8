//! What happens to each request of a fake registry: faults first, then credentials, then the protocol.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, HOST};
use hyper::http::request::Parts;
use hyper::{Request, Response};

use crate::answer::{Answer, Body};
use crate::fault::{Action, Faults};
use crate::guard::{Guard, TokenPolicy};
use crate::log::{Kind, Log, ORIGINAL_HOST, Record};
use crate::server::Handler;
use crate::store::Store;

/// What the registry's connections share.
#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) store: Mutex<Store>,
    pub(crate) settings: Mutex<Settings>,
    pub(crate) faults: Faults,
    pub(crate) log: Log,
    tokens: Mutex<Tokens>,
}

#[derive(Default)]
struct Tokens {
    /// How often each was used.
    uses: BTreeMap<String, usize>,
    /// The scopes that each was asked for, in the order in which they were handed out.
    scopes: Vec<Vec<String>>,
}

/// How the registry behaves when it behaves.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) guard: Guard,
    pub(crate) max_body: Option<usize>,
    pub(crate) upload_host: Option<String>,
    pub(crate) latency: Duration,
    pub(crate) tokens: TokenPolicy,
    pub(crate) without_referrers: bool,
    pub(crate) without_mounts: bool,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A request whose body was read.
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: hyper::HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) own_url: String,
}

impl Asked {
    /// Reads the body of a request, or so many bytes of it; says whether the connection broke meanwhile.
    async fn read(parts: Parts, mut body: Incoming, enough: u64) -> (Self, bool) {
        let mut read = BytesMut::new();
        let mut broke = false;
        while !broke
            && (read.len() as u64) < enough
            && let Some(frame) = body.frame().await
        {
            match frame {
                Ok(frame) => read.extend_from_slice(&frame.into_data().unwrap_or_default()),
                Err(_) => broke = true,
            }
        }
        let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let asked = Self {
            own_url: format!("http://{host}"),
            path: parts.uri.path().to_owned(),
            query: query(parts.uri.query().unwrap_or_default()),
            headers: parts.headers,
            body: read.freeze(),
            method: parts.method.as_str().to_owned(),
        };
        (asked, broke)
    }

    /// What is remembered of it, before it is answered.
    fn record(&self, full_path: String) -> Record {
        Record {
            kind: Kind::of(&self.path),
            method: self.method.clone(),
            path: full_path,
            status: 0,
            authorization: self.header(AUTHORIZATION).map(str::to_owned),
            original_host: self.header(ORIGINAL_HOST).map(str::to_owned),
            request_bytes: self.body.len() as u64,
            response_bytes: 0,
        }
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn header(&self, name: hyper::header::HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl Shared {
    /// Whether the credentials are right; counts the use of a token.
    fn admits(&self, guard: &Guard, asked: &Asked) -> bool {
        let authorization = asked.header(AUTHORIZATION);
        let writes = !matches!(asked.method.as_str(), "GET" | "HEAD");
        let mut tokens = lock(&self.tokens);
        let used = tokens.uses.entry(authorization.unwrap_or_default().to_owned()).or_default();
        let admitted = guard.admits(authorization, writes, *used);
        *used += 1;
        admitted
    }

    /// What a token server says that gives away few rights at a time, or a registry whose token has too few.
    fn denies(&self, asked: &Asked) -> Option<Answer> {
        let policy = lock(&self.settings).tokens;
        let is_token = Kind::of(&asked.path) == Kind::Token;
        match policy {
            TokenPolicy::AsAsked => None,
            TokenPolicy::OneScope(status) => {
                let several = asked.query.iter().filter(|(name, _)| name == "scope").count() > 1;
                (is_token && several).then(|| Answer::error(status, "DENIED"))
            }
            TokenPolicy::FirstScope(status) => {
                let serial = asked.header(AUTHORIZATION)?.rsplit_once('-')?.1.parse::<usize>().ok()?;
                let scopes = lock(&self.tokens).scopes.get(serial.checked_sub(1)?)?.clone();
                let repository = crate::routes::repository(&asked.path)?;
                let opened = scopes.first()?.split(':').nth(1) == Some(repository);
                if opened {
                    return None;
                }
                let guard = lock(&self.settings).guard.clone();
                let challenge =
                    || guard.challenge(&asked.own_url, &crate::routes::scope(&asked.path, &asked.method));
                Some(if status == 401 { challenge() } else { Answer::error(status, "DENIED") })
            }
        }
    }

    fn answer(&self, asked: &Asked) -> Answer {
        let guard = lock(&self.settings).guard.clone();
        if let Some(denied) = self.denies(asked) {
            return denied;
        }
        if Kind::of(&asked.path) == Kind::Token {
            let scopes = asked.query.iter().filter(|(name, _)| name == "scope");
            let mut tokens = lock(&self.tokens);
            tokens.scopes.push(scopes.map(|(_, scope)| scope.clone()).collect());
            let form = query(std::str::from_utf8(&asked.body).unwrap_or_default());
            let refresh =
                form.iter().find(|(key, _)| key == "refresh_token").map(|(_, value)| value.as_str());
            return guard.token(asked.header(AUTHORIZATION), refresh, tokens.scopes.len());
        }
        if !self.admits(&guard, asked) {
            return guard.challenge(&asked.own_url, &crate::routes::scope(&asked.path, &asked.method));
        }
        crate::routes::answer(self, asked)
    }
}

impl Handler for Shared {
    async fn handle(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Body>, io::Error> {
        let (parts, body) = request.into_parts();
        let method = parts.method.as_str().to_owned();
        let full_path = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
        let latency = lock(&self.settings).latency;
        tokio::time::sleep(latency).await;
        let fault = self.faults.take(&method, &full_path);
        let enough = match &fault {
            Some(Action::Drop(bytes)) => *bytes,
            _ => u64::MAX,
        };
        let (asked, broke) = Asked::read(parts, body, enough).await;
        let mut record = asked.record(full_path);
        if broke {
            crate::routes::keep_part(&self, &asked);
            self.log.add(record);
            return Err(io::Error::from(io::ErrorKind::ConnectionAborted));
        }
        match &fault {
            Some(Action::Drop(_)) => {
                crate::routes::keep_part(&self, &asked);
                self.log.add(record);
                return Err(io::Error::from(io::ErrorKind::ConnectionAborted));
            }
            Some(Action::Hang) => {
                self.log.add(record);
                return std::future::pending().await;
            }
            Some(Action::LoseUploads) => lock(&self.store).forget_uploads(),
            _ => {}
        }
        let answer = match &fault {
            Some(action @ (Action::Status(..) | Action::Html | Action::Redirect(_))) => {
                Answer::new(200).spoil(action)
            }
            Some(action) => self.answer(&asked).spoil(action),
            None => self.answer(&asked),
        };
        if fault == Some(Action::DropAnswer) {
            self.log.add(record);
            return Err(io::Error::from(io::ErrorKind::ConnectionAborted));
        }
        record.status = answer.status.as_u16();
        let head = asked.method == "HEAD";
        record.response_bytes = if head { 0 } else { answer.body.len() as u64 };
        self.log.add(record);
        Ok(answer.finish(head, fault == Some(Action::Truncate)))
    }
}

fn query(text: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}
