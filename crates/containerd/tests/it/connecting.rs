//! Which containerd is spoken to, and what is said of those that are none.

use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::time::Duration;

use containerd::{Client, Error, Patience, Reason};
use testkit::fake_containerd::{Failure, FakeContainerd};

/// Waits for nothing that does not come soon.
fn impatience() -> Patience {
    Patience { probe: Duration::from_millis(300), dial: Duration::from_millis(600), ..Patience::default() }
}

#[tokio::test]
async fn the_first_that_answers() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs_err::write(path("file"), "").unwrap();
    drop(UnixListener::bind(path("dead")).unwrap());
    let _silent = UnixListener::bind(path("silent")).unwrap();
    let sockets = ["none", "file/none", "file", "dead", "silent"].map(path);

    let error = Client::connect_with(&sockets, "moby", impatience()).await.unwrap_err();
    assert!(error.is_unreachable());
    let Error::Unreachable { tried } = &error else { panic!("{error:?}") };
    let reasons: Vec<_> = tried.iter().map(|tried| tried.reason.clone()).collect();
    let silent = Reason::Silent(impatience().dial);
    assert_eq!(reasons, [Reason::Missing, Reason::Missing, Reason::NoSocket, Reason::Refused, silent]);
    let message = error.to_string().replace(&folder.path().display().to_string(), "");
    assert_eq!(
        message,
        "no containerd answers: `/none` does not exist, `/file/none` does not exist, `/file` is no socket, \
         `/dead` nobody listens, `/silent` does not answer within 0.6 seconds"
    );
    assert_eq!(
        error.hints(),
        ["set CONTAINERD_ADDRESS to the socket of your containerd if it is another one"]
    );

    let _containerd = FakeContainerd::start(&path("good"));
    let _other = FakeContainerd::start(&path("other"));
    let sockets: Vec<_> = sockets.into_iter().chain(["good", "other"].map(path)).collect();
    let patience = Patience::default();
    let client = Client::connect_with(&sockets, "moby", patience).await.unwrap();
    assert_eq!(client.socket(), path("good"));
}

#[tokio::test]
async fn nothing_is_tried_twice() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs_err::create_dir(path("run")).unwrap();
    symlink(path("run"), path("link")).unwrap();
    drop(UnixListener::bind(path("run/containerd.sock")).unwrap());
    let sockets = ["run/containerd.sock", "link/containerd.sock"].map(path);
    let error = Client::connect_with(&sockets, "moby", impatience()).await.unwrap_err();
    let Error::Unreachable { tried } = &error else { panic!("{error:?}") };
    assert_eq!(tried.len(), 1);
    assert_eq!(error.hints()[0], "is containerd running?");
    let error = Client::connect_with(&[], "moby", impatience()).await.unwrap_err();
    assert_eq!(error.to_string(), "no containerd answers: there is no socket to try");
}

#[tokio::test]
async fn one_that_takes_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("containerd.sock");
    let containerd = FakeContainerd::start(&socket);
    containerd.fail("Version", Failure::Hang, 1);
    let sockets = [folder.path().join("none"), socket.clone()];
    let patience = Patience { dial: Duration::from_secs(10), ..impatience() };
    let client = Client::connect_with(&sockets, "moby", patience).await.unwrap();
    assert_eq!(client.socket(), socket);
}

#[tokio::test]
async fn one_that_is_something_else() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("containerd.sock");
    let containerd = FakeContainerd::start(&socket);
    containerd.fail("Version", Failure::Code(12, "unknown service"), 1);
    let error = Client::connect_with(&[socket], "moby", impatience()).await.unwrap_err();
    assert!(error.is_unreachable());
    assert!(error.to_string().ends_with(": it answered Unimplemented: unknown service"), "{error}");
}

#[tokio::test]
async fn a_namespace_that_is_none() {
    let error = Client::connect_with(&[], "a\nb", impatience()).await.unwrap_err();
    assert!(matches!(error, Error::Namespace(_)) && !error.is_unreachable(), "{error:?}");
}
