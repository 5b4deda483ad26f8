//! Retries and concurrency from the environment. A value that cannot be read is reported and the default is used:
//! a typing error in a variable must not break every build.

use std::time::Duration;

use registry::{Config, RetryPolicy};
use tool::env::{self, Variable};

pub(crate) fn retry_policy(default: RetryPolicy) -> RetryPolicy {
    RetryPolicy {
        max_attempts: read(&env::IMG_REGISTRY_RETRY_MAX_ATTEMPTS, "a number", |text| text.parse().ok())
            .map_or(default.max_attempts, |attempts: u32| attempts.max(1)),
        base_delay: duration(&env::IMG_REGISTRY_RETRY_BASE_DELAY).unwrap_or(default.base_delay),
        max_delay: duration(&env::IMG_REGISTRY_RETRY_MAX_DELAY).unwrap_or(default.max_delay),
    }
}

/// Zero and below mean: no limit.
pub(crate) fn in_flight(config: Config) -> Config {
    let variable = &env::IMG_REGISTRY_MAX_CONCURRENT_REQUESTS;
    match read(variable, "a number", |text| text.parse::<i64>().ok()) {
        Some(limit) if limit > 0 => {
            Config { max_in_flight: usize::try_from(limit).unwrap_or(usize::MAX), ..config }
        }
        Some(_) => Config { max_in_flight: usize::MAX, ..config },
        None => config,
    }
}

/// A duration such as `500ms`, `1s` or `2m`.
pub fn duration(variable: &Variable) -> Option<Duration> {
    read(variable, "a duration such as `500ms`, `1s` or `2m`", tool::duration::parse)
}

/// A value that `parse` understands; `expected` says what it would understand.
pub fn read<T>(variable: &Variable, expected: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
    let text = variable.text()?;
    let value = parse(text.trim());
    if value.is_none() {
        tracing::warn!("`{text}` is ignored as {}: expected {expected}", variable.name);
    }
    value
}
