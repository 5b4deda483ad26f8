//! What is said with every call: who we are, and what proves it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use auth::Secret;
use bazel_remote_apis::build::bazel::remote::execution::v2::{RequestMetadata, ToolDetails};
use prost::Message as _;
use tonic::metadata::{AsciiMetadataKey, AsciiMetadataValue, MetadataMap, MetadataValue};

use crate::{Cause, Config, Endpoint};

/// How long a helper's answer is used, as Bazel does it where the helper does not say.
const FRESH: Duration = Duration::from_mins(5);

type Pairs = Arc<Vec<(AsciiMetadataKey, AsciiMetadataValue)>>;

pub(crate) struct Headers {
    endpoint: Endpoint,
    fixed: Vec<(String, Secret)>,
    helper: Option<Arc<auth::BazelHelper>>,
    answers: Mutex<BTreeMap<String, (Instant, Pairs)>>,
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
        }
    }

    /// Adds what a call of a service needs.
    pub(crate) async fn add(&self, service: &str, metadata: &mut MetadataMap) -> Result<(), Cause> {
        metadata.insert_bin(
            "build.bazel.remote.execution.v2.requestmetadata-bin",
            MetadataValue::from_bytes(&request_metadata()),
        );
        for (name, value) in pairs(&self.fixed)? {
            metadata.append(name, value);
        }
        for (name, value) in self.ask_helper(service).await.iter() {
            metadata.append(name.clone(), value.clone());
        }
        Ok(())
    }

    /// Forgets what the helper said; `false` where no other answer is to be expected.
    pub(crate) fn forget(&self) -> bool {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let known = answers.values().any(|(_, pairs)| !pairs.is_empty());
        answers.clear();
        known
    }

    /// A helper that fails is reported, and the call goes out without its headers: the cache may be open to all.
    async fn ask_helper(&self, service: &str) -> Pairs {
        let (Some(helper), Some(uri)) = (&self.helper, self.endpoint.credential_uri(service)) else {
            return Pairs::default();
        };
        if let Some(known) = self.known(&uri) {
            return known;
        }
        let (helper, asked) = (Arc::clone(helper), uri.clone());
        let answer = tokio::task::spawn_blocking(move || helper.headers(&asked)).await;
        let found = match answer.map(|answer| answer.map(|headers| pairs(&headers))) {
            Ok(Ok(Ok(pairs))) => Arc::new(pairs),
            Ok(Ok(Err(cause))) => warn(&cause),
            Ok(Err(error)) => warn(&error),
            Err(error) => warn(&error),
        };
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.insert(uri, (Instant::now(), Arc::clone(&found)));
        found
    }

    fn known(&self, uri: &str) -> Option<Pairs> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let (asked, pairs) = answers.get(uri)?;
        (asked.elapsed() < FRESH).then(|| Arc::clone(pairs))
    }
}

fn warn(error: &dyn std::error::Error) -> Pairs {
    tracing::warn!("the remote cache is asked without credentials: {error}");
    Pairs::default()
}

fn pairs(headers: &[(String, Secret)]) -> Result<Vec<(AsciiMetadataKey, AsciiMetadataValue)>, Cause> {
    let pair = |(name, value): &(String, Secret)| {
        let name = AsciiMetadataKey::from_bytes(name.to_ascii_lowercase().as_bytes()).ok()?;
        let mut value = AsciiMetadataValue::try_from(value.expose()).ok()?;
        value.set_sensitive(true);
        Some((name, value))
    };
    let pairs: Option<_> = headers.iter().map(pair).collect();
    pairs.ok_or(Cause::Protocol("a header for it has a name or value that HTTP does not allow"))
}

/// What Bazel says with its own calls, for the server's logs.
fn request_metadata() -> Vec<u8> {
    let tool_details = Some(ToolDetails {
        tool_name: "rules_img".to_owned(),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
    });
    RequestMetadata { tool_details, ..RequestMetadata::default() }.encode_to_vec()
}
