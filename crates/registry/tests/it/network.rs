//! When there is no registry at all.

use std::net::TcpListener;

use registry::Cause;

use crate::setup::{Setup, message, remote, tag};

#[tokio::test]
async fn nobody_listens() {
    let setup = Setup::anonymous();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = setup.client.get_manifest(&remote(&free.to_string(), "a/b"), tag("1")).await.unwrap_err();
    assert!(matches!(error.cause(), Cause::Refused { .. }), "{error:?}");
    let expected = format!(
        "error: failed to fetch manifest `1` from `{free}/a/b`: `{free}` refused the connection: \
         Connection refused (os error 111)\nhint: is a registry running at `{free}`?"
    );
    assert_eq!(message(&error), expected);
    assert!(setup.clock.slept().is_empty(), "a registry that never answered is not waited for");
}

#[tokio::test]
async fn nobody_knows_the_name() {
    let setup = Setup::anonymous();
    let error = setup.client.get_manifest(&remote("registry.invalid", "a/b"), tag("1")).await.unwrap_err();
    assert!(matches!(error.cause(), Cause::UnknownHost { .. }), "{error:?}");
    let message = message(&error);
    assert!(message.contains(": host `registry.invalid` is unknown: "), "{message}");
    assert!(
        message.ends_with("hint: check the spelling of `registry.invalid` and that the network is up"),
        "{message}"
    );
    assert!(setup.clock.slept().is_empty());
}

#[tokio::test]
async fn a_registry_that_answered_before_is_waited_for() {
    let setup = Setup::anonymous();
    setup.registry.add_image("a/b", "1", &["linux/amd64"]);
    let remote = setup.remote("a/b");
    setup.client.get_manifest(&remote, tag("1")).await.unwrap();
    let Setup { registry, client, clock } = setup;
    let address = registry.host();
    drop(registry);
    // The server's thread ends when it notices; its port is refused from then on.
    while std::net::TcpStream::connect(&address).is_ok() {
        tokio::task::yield_now().await;
    }
    let error = client.get_manifest(&remote, tag("1")).await.unwrap_err();
    assert_eq!(error.attempts(), 6, "{}", message(&error));
    assert_eq!(clock.slept().len(), 5);
}
