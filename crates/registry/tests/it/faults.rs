//! What is tried again, how often, and after how long.

use std::time::Duration;

use registry::{Cause, RetryPolicy};
use testkit::{Action, Fault};

use crate::setup::{Setup, message, tag};

fn seconds(seconds: &[u64]) -> Vec<Duration> {
    seconds.iter().copied().map(Duration::from_secs).collect()
}

#[tokio::test]
async fn what_may_pass_is_tried_again() {
    for fault in [
        "GET manifests 408 2",
        "GET manifests 429 2",
        "GET manifests 500 2",
        "GET manifests 502 2",
        "GET manifests 503 2",
        "GET manifests 504 2",
        "GET manifests drop 2",
        "GET manifests truncate 2",
    ] {
        let setup = Setup::anonymous();
        setup.registry.add_image("a/b", "1", &["linux/amd64"]);
        setup.registry.fault(Fault::parse(fault).unwrap());
        let result = setup.client.get_manifest(&setup.remote("a/b"), tag("1")).await;
        assert!(result.is_ok(), "{fault}: {}", message(&result.unwrap_err()));
        assert_eq!(setup.clock.slept(), seconds(&[1, 2]), "{fault}");
        assert_eq!((setup.client.stats().requests, setup.client.stats().retries), (3, 2), "{fault}");
    }
}

#[tokio::test]
async fn what_will_fail_again_is_not() {
    for status in [400, 403, 404, 405, 410, 501] {
        let setup = Setup::anonymous();
        setup.registry.fault(Fault::new("GET", "", Action::Status(status, None)));
        let error = setup.client.get_manifest(&setup.remote("a/b"), tag("1")).await.unwrap_err();
        assert_eq!(error.cause().status().map(|status| status.as_u16()), Some(status));
        assert_eq!(setup.registry.requests().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn the_budget_ends_and_the_message_says_so() {
    let setup = Setup::anonymous();
    setup.registry.fault(Fault::parse("GET manifests 503").unwrap());
    let error = setup.client.get_manifest(&setup.remote("a/b"), tag("1")).await.unwrap_err();
    assert_eq!(setup.clock.slept(), seconds(&[1, 2, 4, 8, 16]));
    let host = setup.registry.host();
    assert_eq!(
        message(&error),
        format!(
            "error: failed to fetch manifest `1` from `{host}/a/b`: the registry answered 503 Service Unavailable: \
             SERVICE_UNAVAILABLE: service unavailable\nhint: it was tried 6 times"
        )
    );
}

#[tokio::test]
async fn a_registry_s_wish_is_granted_up_to_a_limit() {
    for (asked, slept) in [(0, 1), (5, 5), (3600, 60)] {
        let setup = Setup::anonymous();
        setup.registry.add_image("a/b", "1", &["linux/amd64"]);
        setup.registry.fault(Fault::new("GET", "", Action::Status(429, Some(asked))).times(1));
        setup.client.get_manifest(&setup.remote("a/b"), tag("1")).await.unwrap();
        assert_eq!(setup.clock.slept(), seconds(&[slept]), "Retry-After: {asked}");
    }
}

#[tokio::test]
async fn an_impatient_clone_gives_up_earlier() {
    let setup = Setup::anonymous();
    setup.registry.fault(Fault::parse("GET manifests 503").unwrap());
    let impatient = RetryPolicy { max_attempts: 2, ..setup.client.retry_policy() };
    let client = setup.client.with_retry_policy(impatient);
    let error = client.get_manifest(&setup.remote("a/b"), tag("1")).await.unwrap_err();
    assert_eq!((error.attempts(), setup.registry.requests().len()), (2, 2));
}

#[tokio::test]
async fn a_registry_that_hangs_is_given_up() {
    let idle_timeout = Duration::from_millis(50);
    let retry = RetryPolicy { max_attempts: 2, ..RetryPolicy::default() };
    let setup =
        Setup::with(auth::Keychain::anonymous(), |config| registry::Config { idle_timeout, retry, ..config });
    setup.registry.fault(Fault::parse("GET manifests hang").unwrap());
    let error = setup.client.get_manifest(&setup.remote("a/b"), tag("1")).await.unwrap_err();
    assert!(matches!(error.cause(), Cause::Idle(_)), "{}", message(&error));
    assert!(
        message(&error).contains("nothing happened on the connection for 0.05 seconds"),
        "{}",
        message(&error)
    );
}

#[tokio::test]
async fn fewer_requests_after_too_many() {
    // Without waiting, one task may be refused again and again while the others get through.
    let retry = RetryPolicy { max_attempts: 30, ..RetryPolicy::default() };
    let setup = Setup::with(auth::Keychain::anonymous(), |config| registry::Config { retry, ..config });
    let digest = setup.registry.add_blob("a/b", "content");
    setup.registry.fault(Fault::parse("HEAD blobs 429 20").unwrap());
    let remote = setup.remote("a/b");
    let all = (0..100).map(|_| setup.client.head_blob(&remote, digest));
    let found = futures_util::future::try_join_all(all).await.unwrap();
    assert!(found.into_iter().all(|found| found));
    assert_eq!(setup.registry.requests().len(), 120);
}
