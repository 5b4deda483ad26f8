//! Retries and concurrency from the environment. A value that cannot be read is reported and the default is used:
//! a typing error in a variable must not break every build.

use registry::{Config, RetryPolicy};
use tool::env;

pub(crate) fn retry_policy(default: RetryPolicy) -> RetryPolicy {
    RetryPolicy {
        max_attempts: env::IMG_REGISTRY_RETRY_MAX_ATTEMPTS
            .parse("a number", |text| text.parse().ok())
            .map_or(default.max_attempts, |attempts: u32| attempts.max(1)),
        base_delay: env::IMG_REGISTRY_RETRY_BASE_DELAY.duration().unwrap_or(default.base_delay),
        max_delay: env::IMG_REGISTRY_RETRY_MAX_DELAY.duration().unwrap_or(default.max_delay),
    }
}

/// Zero and below mean: no limit.
pub(crate) fn in_flight(config: Config) -> Config {
    let variable = &env::IMG_REGISTRY_MAX_CONCURRENT_REQUESTS;
    match variable.parse("a number", |text| text.parse::<i64>().ok()) {
        Some(limit) if limit > 0 => {
            Config { max_in_flight: usize::try_from(limit).unwrap_or(usize::MAX), ..config }
        }
        Some(_) => Config { max_in_flight: usize::MAX, ..config },
        None => config,
    }
}
