//! What is said with every call: who we are, and what proves it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use auth::{HelperHeaders, Secret};
use bazel_remote_apis::build::bazel::remote::execution::v2::{RequestMetadata, ToolDetails};
use prost::Message as _;
use tonic::metadata::{AsciiMetadataKey, AsciiMetadataValue, MetadataMap, MetadataValue};

use crate::{Cause, Config, Endpoint};

/// How long a helper's answer is used, as Bazel does it where the helper does not say.
const FRESH: Duration = Duration::from_mins(5);

type Pairs = Arc<Vec<(AsciiMetadataKey, AsciiMetadataValue)>>;

/// What the helper said about one service; locked while it is asked, so that it is asked once however many calls wait.
type Answer = Arc<tokio::sync::Mutex<Option<(Instant, Pairs)>>>;

pub(crate) struct Headers {
    endpoint: Endpoint,
    fixed: Vec<(String, Secret)>,
    helper: Option<Arc<auth::BazelHelper>>,
    answers: Mutex<BTreeMap<String, Answer>>,
    /// Whether the helper had anything to say.
    helped: AtomicBool,
    warned: AtomicBool,
}

impl Headers {
    pub(crate) fn new(config: &Config) -> Self {
        let basic =
            config.endpoint.basic().map(|basic| ("authorization".to_owned(), basic.clone())).into_iter();
        Self {
            endpoint: config.endpoint.clone(),
            fixed: basic.chain(config.headers.iter().cloned()).collect(),
            helper: config.credential_helper.clone(),
            answers: Mutex::default(),
            helped: AtomicBool::default(),
            warned: AtomicBool::default(),
        }
    }

    /// Adds what a call of a service needs.
    pub(crate) async fn add(&self, service: &str, metadata: &mut MetadataMap) -> Result<(), Cause> {
        metadata.insert_bin(
            "build.bazel.remote.execution.v2.requestmetadata-bin",
            MetadataValue::from_bytes(&request_metadata()),
        );
        let (fixed, answered) = (pairs(&self.fixed)?, self.ask_helper(service).await);
        if self.endpoint.is_exposed() && !(fixed.is_empty() && answered.is_empty()) {
            self.warn_of_exposure();
        }
        for (name, value) in fixed.iter().chain(answered.iter()) {
            metadata.append(name.clone(), value.clone());
        }
        Ok(())
    }

    /// From now on the helper is asked anew; `false` where no other answer is to be expected.
    pub(crate) fn forget(&self) -> bool {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        // One that is locked is being renewed already.
        for mut known in answers.values().filter_map(|slot| slot.try_lock().ok()) {
            *known = None;
        }
        self.helped.load(Ordering::Relaxed)
    }

    /// A helper that fails is reported, and the call goes out without its headers: the cache may be open to all.
    async fn ask_helper(&self, service: &str) -> Pairs {
        let (Some(helper), Some(uri)) = (&self.helper, self.endpoint.credential_uri(service)) else {
            return Pairs::default();
        };
        let slot = {
            let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(answers.entry(uri.clone()).or_default())
        };
        let mut known = slot.lock().await;
        if let Some((_, pairs)) = known.as_ref().filter(|(until, _)| Instant::now() < *until) {
            return Arc::clone(pairs);
        }
        let helper = Arc::clone(helper);
        let answer = tokio::task::spawn_blocking(move || helper.headers(&uri)).await;
        let (fresh, found) =
            match answer.map(|answer| answer.map(|said| (fresh(&said), pairs(&said.headers)))) {
                Ok(Ok((fresh, Ok(pairs)))) => (fresh, Arc::new(pairs)),
                Ok(Ok((_, Err(cause)))) => warn(&cause),
                Ok(Err(error)) => warn(&error),
                Err(error) => warn(&error),
            };
        self.helped.fetch_or(!found.is_empty(), Ordering::Relaxed);
        *known = Some((Instant::now() + fresh, Arc::clone(&found)));
        found
    }

    fn warn_of_exposure(&self) {
        if !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "credentials are sent to the remote cache `{}` in the clear, for everyone on the way to read; does it speak `grpcs://`?",
                self.endpoint
            );
        }
    }
}

fn warn(error: &dyn std::error::Error) -> (Duration, Pairs) {
    tracing::warn!("the remote cache is asked without credentials: {error}");
    (FRESH, Pairs::default())
}

/// How long an answer may be used. One that has ended already is used once.
#[expect(clippy::disallowed_methods, reason = "only decides when the helper is asked again")]
fn fresh(answer: &HelperHeaders) -> Duration {
    answer.expires.map_or(FRESH, |end| end.duration_since(SystemTime::now()).unwrap_or_default())
}

fn pairs(headers: &[(String, Secret)]) -> Result<Vec<(AsciiMetadataKey, AsciiMetadataValue)>, Cause> {
    let pair = |(name, value): &(String, Secret)| {
        let name = AsciiMetadataKey::from_bytes(name.to_ascii_lowercase().as_bytes()).ok()?;
        let mut value = AsciiMetadataValue::try_from(value.expose()).ok()?;
        value.set_sensitive(true);
        Some((name, value))
    };
    let pairs: Option<_> = headers.iter().map(pair).collect();
    pairs.ok_or(Cause::Header)
}

/// What Bazel says with its own calls, for the server's logs.
fn request_metadata() -> Vec<u8> {
    let tool_details = Some(ToolDetails {
        tool_name: "rules_img".to_owned(),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
    });
    RequestMetadata { tool_details, ..RequestMetadata::default() }.encode_to_vec()
}
