//! Who gets to see credentials, and how often tokens are asked for.

use std::sync::Arc;
use std::time::Duration;

use auth::{Credential, Secret};
use futures_util::future::try_join_all;
use registry::{BlobPush, CredentialUse, MemoryContent};
use testkit::{Action, FakeRegistry, Fault, Guard, Kind, TokenPolicy, digest_of};

use crate::setup::{PASSWORD, Setup, USER, message, tag};

fn tokens(setup: &Setup) -> Vec<String> {
    let requests = setup.registry.requests();
    requests.into_iter().filter(|record| record.kind == Kind::Token).map(|record| record.path).collect()
}

#[tokio::test]
async fn nothing_is_sent_before_it_is_asked_for() {
    let setup = Setup::with_password();
    setup.registry.add_image("a/b", "1", &["linux/amd64"]);
    setup.client.get_manifest(&setup.remote("a/b"), tag("1")).await.unwrap();
    assert_eq!(setup.registry.requests()[0].authorization, None);
}

#[tokio::test]
async fn basic_costs_one_more_request_once() {
    let setup = Setup::with_password();
    setup.registry.add_image("a/b", "1", &["linux/amd64"]);
    setup.registry.guard(Guard::Basic(USER.to_owned(), PASSWORD.to_owned()));
    for _ in 0..3 {
        setup.client.get_manifest(&setup.remote("a/b"), tag("1")).await.unwrap();
    }
    assert_eq!(setup.statuses("GET"), [401, 200, 200, 200]);
}

#[tokio::test]
async fn many_tasks_ask_for_one_token() {
    let setup = Setup::with_password();
    setup.registry.add_image("a/b", "1", &["linux/amd64"]);
    setup.registry.guard(Guard::bearer(USER, PASSWORD));
    let remote = setup.remote("a/b");
    try_join_all((0..50).map(|_| setup.client.get_manifest(&remote, tag("1")))).await.unwrap();
    assert_eq!(tokens(&setup), ["/token?service=fake&scope=repository%3Aa%2Fb%3Apull"]);
    let refused = setup.statuses("GET").into_iter().filter(|status| *status == 401).count();
    assert_eq!(refused, 1, "the others waited for the first answer");
}

#[tokio::test]
async fn anonymous_tokens_and_refresh_tokens() {
    let anonymous = Setup::anonymous();
    anonymous.registry.add_image("a/b", "1", &["linux/amd64"]);
    anonymous.registry.guard(Guard::anonymous());
    anonymous.client.get_manifest(&anonymous.remote("a/b"), tag("1")).await.unwrap();
    assert_eq!(anonymous.statuses("GET"), [401, 200, 200]);

    let refresh = Setup::with_credential(Credential::IdentityToken(Secret::new(PASSWORD)));
    refresh.registry.add_image("a/b", "1", &["linux/amd64"]);
    refresh.registry.guard(Guard::bearer(USER, PASSWORD));
    refresh.client.get_manifest(&refresh.remote("a/b"), tag("1")).await.unwrap();
    assert_eq!(refresh.statuses("POST"), [200]);
}

#[tokio::test]
async fn a_token_of_the_user_s_own_is_not_exchanged() {
    let setup = Setup::with_credential(Credential::Bearer(Secret::new("push-own")));
    setup.registry.add_image("a/b", "1", &["linux/amd64"]);
    setup.registry.guard(Guard::bearer(USER, PASSWORD));
    setup.client.get_manifest(&setup.remote("a/b"), tag("1")).await.unwrap();
    assert_eq!(setup.statuses("GET"), [401, 200]);
}

#[tokio::test]
async fn a_token_that_expires_is_renewed() {
    let setup = Setup::with_password();
    setup.registry.add_image("a/b", "1", &["linux/amd64"]);
    let user = Some((USER.to_owned(), PASSWORD.to_owned()));
    setup.registry.guard(Guard::Bearer { realm: String::new(), user, anonymous_pull: false, uses: 2 });
    let remote = setup.remote("a/b");
    for _ in 0..4 {
        setup.client.get_manifest(&remote, tag("1")).await.unwrap();
    }
    assert_eq!(tokens(&setup).len(), 2, "refused after two uses, unexpectedly");

    // Known to expire: renewed before it is refused. The token server says 300 seconds.
    registry::Clock::sleep(&*setup.clock, Duration::from_secs(280)).await;
    setup.registry.guard(Guard::bearer(USER, PASSWORD));
    setup.registry.forget_requests();
    setup.client.get_manifest(&remote, tag("1")).await.unwrap();
    assert_eq!(setup.statuses("GET"), [200, 200]);
}

#[tokio::test]
async fn a_push_has_one_token_with_the_right_to_mount() {
    let setup = Setup::with_password();
    let digest = setup.registry.add_blob("base", "content");
    setup.registry.guard(Guard::bearer(USER, PASSWORD));
    let (remote, base) = (setup.remote("a/b"), "base".parse().unwrap());
    setup.client.expect_push(&remote, std::slice::from_ref(&base));
    setup.client.head_manifest(&remote, tag("1")).await.unwrap();
    setup.client.mount_blob(&remote, digest, &base).await.unwrap();
    assert_eq!(
        tokens(&setup),
        ["/token?service=fake&scope=repository%3Aa%2Fb%3Apull%2Cpush&scope=repository%3Abase%3Apull"]
    );
}

/// Pushes a blob into each of 20 repositories.
async fn push_to_many(setup: &Setup) {
    let remotes: Vec<_> = (0..20).map(|number| setup.remote(&format!("app{number}"))).collect();
    for remote in &remotes {
        setup.client.expect_push(remote, &[]);
    }
    let blob = BlobPush {
        digest: digest_of(b"content"),
        size: 7,
        begun: None,
        content: Arc::new(MemoryContent("content".into())),
    };
    let pushes = remotes.iter().map(|remote| setup.client.push_blob(remote, &blob));
    try_join_all(pushes).await.map_err(|error| message(&error)).unwrap();
}

#[tokio::test]
async fn several_repositories_share_a_token_where_servers_allow_it() {
    for (policy, expected) in [
        (TokenPolicy::AsAsked, 2),
        // Two in vain, then one for each repository.
        (TokenPolicy::OneScope(403), 22),
        // Two that open the first repository only, then one for each of the others.
        (TokenPolicy::FirstScope(401), 20),
        (TokenPolicy::FirstScope(403), 20),
    ] {
        let setup = Setup::with_password();
        setup.registry.guard(Guard::bearer(USER, PASSWORD));
        setup.registry.tokens(policy);
        push_to_many(&setup).await;
        assert_eq!(tokens(&setup).len(), expected, "{policy:?}");
    }
}

#[tokio::test]
async fn wrong_passwords_are_reported_with_their_source() {
    let setup = Setup::with_password();
    setup.registry.guard(Guard::bearer(USER, "another"));
    let error = setup.client.get_manifest(&setup.remote("a/b"), tag("1")).await.unwrap_err();
    let host = setup.registry.host();
    assert_eq!(
        message(&error),
        format!(
            "error: failed to fetch manifest `1` from `{host}/a/b`: no token from `{host}`: \
             the registry answered 401 Unauthorized: incorrect username or password\n\
             hint: the credentials came from the test; run `docker login {host}` to renew them"
        )
    );
    assert!(!format!("{error:?}").contains(PASSWORD));

    let anonymous = Setup::anonymous();
    anonymous.registry.guard(Guard::Basic(USER.to_owned(), PASSWORD.to_owned()));
    let error = anonymous.client.get_manifest(&anonymous.remote("a/b"), tag("1")).await.unwrap_err();
    assert_eq!(*error.credential(), CredentialUse::NoneFound(Vec::new()));
    assert_eq!(anonymous.registry.requests().len(), 1, "the same request is not sent twice");
}

#[tokio::test]
async fn a_foreign_token_server_gets_no_credentials() {
    for realm in ["https://evil.invalid/token", "http://evil.invalid/token", "https://10.1.2.3/token"] {
        let setup = Setup::with_password();
        let guard = Guard::Bearer { realm: realm.to_owned(), user: None, anonymous_pull: true, uses: 9 };
        setup.registry.guard(guard);
        let error = setup.client.get_manifest(&setup.remote("a/b"), tag("1")).await.unwrap_err();
        let text = message(&error);
        assert!(!text.contains(PASSWORD), "{text}");
        if realm.starts_with("https://evil") {
            let withheld =
                CredentialUse::Withheld { source: "the test".to_owned(), realm: "evil.invalid".to_owned() };
            assert_eq!(*error.credential(), withheld, "{text}");
        } else {
            assert!(text.contains(", which is not asked: "), "{text}");
        }
    }
}

#[tokio::test]
async fn an_upload_elsewhere_gets_no_credentials() {
    let setup = Setup::with_password();
    let elsewhere = FakeRegistry::start();
    setup.registry.guard(Guard::bearer(USER, PASSWORD));
    setup.registry.upload_elsewhere(&elsewhere.url());
    let content = Arc::new(MemoryContent("content".into()));
    let blob = BlobPush { digest: digest_of(b"content"), size: 7, begun: None, content };
    elsewhere.fault(Fault::new("PUT", "", Action::Status(201, None)));
    setup.client.push_blob(&setup.remote("a/b"), &blob).await.unwrap();
    let upload = elsewhere.requests().pop().unwrap();
    assert_eq!((upload.method.as_str(), upload.authorization), ("PUT", None));
}
