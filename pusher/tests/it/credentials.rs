//! Credentials: found where docker keeps them, asked for once, never printed.

use testkit::{FakeRegistry, Fault, Guard};

use crate::target::{Target, image};

/// base64 of `me:hunter2`
const AUTH: &str = "bWU6aHVudGVyMg==";

fn guarded() -> (FakeRegistry, Target) {
    let registry = FakeRegistry::start();
    registry.guard(Guard::bearer("me", "hunter2"));
    let target = Target::image(&registry.host(), &image(&["layer"]), &["v1"]);
    (registry, target)
}

fn log_in(registry: &FakeRegistry, target: &Target, auth: &str) {
    let config = format!(r#"{{"auths": {{"{}": {{"auth": "{auth}"}}}}}}"#, registry.host());
    target.file("home/.docker/config.json", &config);
}

#[test]
fn one_token_for_a_whole_push() {
    let (registry, target) = guarded();
    log_in(&registry, &target, AUTH);
    target.pushes(&[]);
    assert_eq!(registry.counts()["GET token"], 1);
    let refused = registry.requests().iter().filter(|record| record.status == 401).count();
    assert_eq!(refused, 1, "only the first request learns what the registry wants");
}

#[test]
fn a_token_that_expires_in_the_middle_is_renewed() {
    let (registry, target) = guarded();
    let user = Some(("me".to_owned(), "hunter2".to_owned()));
    registry.guard(Guard::Bearer { realm: String::new(), user, anonymous_pull: false, uses: 3 });
    log_in(&registry, &target, AUTH);
    target.pushes(&[]);
}

#[test]
fn a_mount_asks_for_the_right_to_read_the_base() {
    let (registry, _) = guarded();
    let image = image(&["base layer", "own layer"]);
    registry.add_blob("base", image.layers[0].bytes.clone());
    let host = registry.host();
    let target = Target::with_base(&host, &image, &["v1"], &[(&host, "base")]);
    log_in(&registry, &target, AUTH);
    let line = target.pushes(&[]);
    assert!(line.contains(", 1 mounted, "), "{line}");
    let tokens: Vec<String> = registry
        .requests()
        .into_iter()
        .filter(|record| record.kind == testkit::Kind::Token)
        .map(|record| record.path)
        .collect();
    assert_eq!(tokens.len(), 1, "{tokens:?}");
    assert!(tokens[0].contains("base%3Apull"), "{tokens:?}");
}

#[test]
fn status_401_without_credentials() {
    let (registry, target) = guarded();
    target.fails(
        &registry,
        "error: failed to push `//:push`: failed to look for manifest `v1` in `HOST/me/app`: no token from `HOST`: the registry answered 401 Unauthorized: incorrect username or password\n\
         hint: no credentials for `HOST` in docker config `DIR/home/.docker/config.json`, docker config `DIR/home/.config/containers/auth.json`; run `docker login HOST`\n",
    );
}

#[test]
fn status_401_with_the_wrong_password() {
    let (registry, target) = guarded();
    log_in(&registry, &target, "bWU6d3Jvbmc=");
    target.fails(
        &registry,
        "error: failed to push `//:push`: failed to look for manifest `v1` in `HOST/me/app`: no token from `HOST`: the registry answered 401 Unauthorized: incorrect username or password\n\
         hint: the credentials came from entry `HOST` of docker config `DIR/home/.docker/config.json`; run `docker login HOST` to renew them\n",
    );
}

#[test]
fn reading_is_not_writing() {
    let (registry, target) = guarded();
    let user = Some(("me".to_owned(), "hunter2".to_owned()));
    registry.guard(Guard::Bearer { realm: String::new(), user, anonymous_pull: true, uses: usize::MAX });
    let ran = target.run(&[]);
    assert_eq!(ran.status, 1);
    assert!(ran.stderr.contains("the registry answered 401 Unauthorized"), "{}", ran.stderr);
    assert!(ran.stderr.contains("hint: no credentials for `"), "{}", ran.stderr);
    target.assert_nothing_pushed(&registry);
}

#[test]
fn no_secret_is_ever_printed() {
    for fault in ["GET nothing 200", "PUT uploads 403", "PUT manifests 500"] {
        let (registry, target) = guarded();
        log_in(&registry, &target, AUTH);
        registry.fault(Fault::parse(fault).unwrap());
        let target = target.env("IMG_LOG", "trace");
        let ran = target.run(&["--json"]);
        assert!(ran.stderr.lines().count() > 5, "nothing was logged: {}", ran.stderr);
        for secret in ["hunter2", AUTH, "push-1", "state=s"] {
            for text in [&ran.stdout, &ran.stderr] {
                assert!(!text.contains(secret), "{fault}: `{secret}` in {text}");
            }
        }
    }
}
