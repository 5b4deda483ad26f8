//! Where credentials come from, and what is said when they do not.

use testkit::{FakeRegistry, Guard};

use crate::command::Folder;

/// base64 of `me:hunter2`
const AUTH: &str = "bWU6aHVudGVyMg==";

fn guarded() -> FakeRegistry {
    let registry = FakeRegistry::start();
    registry.add_image("a/b", "1", &["linux/amd64"]);
    registry.guard(Guard::bearer("me", "hunter2"));
    registry
}

fn config(host: &str) -> String {
    format!(r#"{{"auths": {{"{host}": {{"auth": "{AUTH}"}}}}}}"#)
}

#[test]
fn from_the_home_folder_or_from_a_named_file() {
    let registry = guarded();
    let folder = Folder::new();
    folder.file("home/.docker/config.json", &config(&registry.host()));
    folder.pull_silently(&registry, "1");

    let folder = Folder::new();
    let file = folder.file("auth.json", &config(&registry.host()));
    folder.file("home/.docker/config.json", &config(&registry.host()).replace(AUTH, "bWU6d3Jvbmc="));
    let folder = folder.env("REGISTRY_AUTH_FILE", file.to_str().unwrap());
    folder.pull_silently(&registry, "1");
}

#[test]
fn from_helpers() {
    let registry = guarded();
    let folder = Folder::new();
    folder.script("bin/docker-credential-fake", "echo '{\"Username\":\"me\",\"Secret\":\"hunter2\"}'");
    let json = format!(r#"{{"credHelpers": {{"{}": "fake"}}}}"#, registry.host());
    folder.file("home/.docker/config.json", &json);
    let path = format!("{}:/usr/bin:/bin", folder.path("bin").display());
    folder.env("PATH", path).pull_silently(&registry, "1");

    let folder = Folder::new();
    let body = format!("echo '{{\"headers\":{{\"Authorization\":[\"Basic {AUTH}\"]}}}}'");
    let helper = folder.script("helper", &body);
    folder.env("IMG_CREDENTIAL_HELPER", helper.to_str().unwrap()).pull_silently(&registry, "1");
}

#[test]
fn status_401_without_credentials() {
    let registry = guarded();
    let folder = Folder::new();
    let home = folder.path("home");
    let home = home.display();
    folder.fails(
        &registry.host(),
        "1",
        &format!(
            "error: failed to fetch manifest `1` from `HOST/a/b`: no token from `HOST`: the registry answered 401 Unauthorized: incorrect username or password\n\
             hint: no credentials for `HOST` in docker config `{home}/.docker/config.json`, docker config `{home}/.config/containers/auth.json`; run `docker login HOST`\n"
        ),
    );
}

#[test]
fn status_401_with_the_wrong_password() {
    let registry = guarded();
    let folder = Folder::new();
    let file =
        folder.file("home/.docker/config.json", &config(&registry.host()).replace(AUTH, "bWU6d3Jvbmc="));
    folder.fails(
        &registry.host(),
        "1",
        &format!(
            "error: failed to fetch manifest `1` from `HOST/a/b`: no token from `HOST`: the registry answered 401 Unauthorized: incorrect username or password\n\
             hint: the credentials came from entry `HOST` of docker config `{}`; run `docker login HOST` to renew them\n",
            file.display()
        ),
    );
}

#[test]
fn a_broken_config_is_reported_and_a_public_image_still_comes() {
    let registry = guarded();
    registry.guard(Guard::anonymous());
    let folder = Folder::new();
    let file = folder.file("home/.docker/config.json", "{\"auths\": [");
    let ran = folder.pull(&[&registry.host()], "1");
    let expected = format!(
        "warning: docker config `{}` is broken: a value of the wrong type at line 1 column 10; expected an object with `auths`, `credHelpers` or `credsStore`\n",
        file.display()
    );
    assert_eq!((ran.status, ran.stderr), (0, expected));
}

#[test]
fn an_unreadable_config_is_reported_and_a_public_image_still_comes() {
    let registry = guarded();
    registry.guard(Guard::anonymous());
    let folder = Folder::new();
    let missing = folder.path("missing.json");
    fs_err::create_dir_all(folder.path("home/.docker/config.json")).unwrap();
    let folder = folder.env("REGISTRY_AUTH_FILE", missing.to_str().unwrap());
    let ran = folder.pull(&[&registry.host()], "1");
    let expected = format!(
        "warning: failed to read a docker config: failed to open file `{}`: No such file or directory (os error 2)\n\
         warning: failed to read a docker config: failed to read from file `{}`: Is a directory (os error 21)\n",
        missing.display(),
        folder.path("home/.docker/config.json").display(),
    );
    assert_eq!((ran.status, ran.stderr), (0, expected));
}

#[test]
fn a_registry_that_asks_nothing_never_makes_anybody_read_a_config() {
    let registry = guarded();
    registry.guard(Guard::Open);
    let folder = Folder::new();
    folder.file("home/.docker/config.json", "broken");
    folder.pull_silently(&registry, "1");
}

#[test]
fn no_secret_is_ever_printed() {
    let registry = guarded();
    let folder = Folder::new().env("IMG_LOG", "trace").env("IMG_AUTH_DEBUG", "1");
    folder.file("home/.docker/config.json", &config(&registry.host()));
    registry.fault(testkit::Fault::parse("GET blobs 403").unwrap());
    let ran = folder.pull(&[&registry.host()], "1");
    assert_eq!(ran.status, 1);
    assert!(ran.stderr.contains("warning: credentials from "), "{}", ran.stderr);
    for secret in ["hunter2", AUTH, "push-1"] {
        assert!(!ran.stderr.contains(secret), "`{secret}` in {}", ran.stderr);
    }
}
