//! Tables of configs and what they answer.

use super::*;

fn look_up(json: &str, host: &str, repository: &str) -> Shared<Option<Found>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    fs_err::write(&path, json).unwrap();
    DockerConfigFile::required(path).find(Query { host, repository })
}

fn user(json: &str, host: &str, repository: &str) -> Option<String> {
    look_up(json, host, repository).unwrap().map(|found| match found.credential {
        Credential::Basic { username, .. } => username,
        Credential::Bearer(token) => format!("bearer {}", token.expose()),
        Credential::IdentityToken(token) => format!("identity {}", token.expose()),
    })
}

fn auth(user: &str) -> String {
    general_purpose::STANDARD.encode(format!("{user}:secret:with:colons"))
}

#[test]
fn the_most_specific_entry_for_exactly_this_host_answers() {
    let json = format!(
        r#"{{"auths": {{"ghcr.io": {{"auth": "{}"}}, "ghcr.io/me": {{"auth": "{}"}}, "ghcr.io/me/app": {{"auth": "{}"}},
            "localhost:5000": {{"auth": "{}"}}, "https://index.docker.io/v1/": {{"auth": "{}"}}, "https://old.io/v2/": {{"auth": "{}"}},
            "empty.io": {{}}, "token.io": {{"auth": "{}", "identitytoken": "it"}}, "raw.io": {{"registrytoken": "rt"}},
            "plain.io": {{"username": "plain", "password": "p"}}}}}}"#,
        auth("host"),
        auth("group"),
        auth("app"),
        auth("local"),
        auth("hub"),
        auth("old"),
        auth("x"),
    );
    let table = [
        ("ghcr.io", "other/app", Some("host")),
        ("ghcr.io", "me/other", Some("group")),
        ("ghcr.io", "me/app", Some("app")),
        ("ghcr.io", "me/app/sub", Some("app")),
        ("ghcr.io", "me/application", Some("group")),
        ("ghcr.io", "men", Some("host")),
        ("ghcr.io:443", "me/app", None),
        ("evil-ghcr.io", "me/app", None),
        ("ghcr.io.evil.com", "me/app", None),
        ("localhost:5000", "a", Some("local")),
        ("localhost", "a", None),
        ("localhost:50001", "a", None),
        ("index.docker.io", "library/ubuntu", Some("hub")),
        ("old.io", "a", Some("old")),
        ("empty.io", "a", None),
        ("token.io", "a", Some("identity it")),
        ("raw.io", "a", Some("bearer rt")),
        ("plain.io", "a", Some("plain")),
    ];
    for (host, repository, expected) in table {
        assert_eq!(user(&json, host, repository).as_deref(), expected, "{host}/{repository}");
    }
}

#[test]
fn a_password_may_hold_colons_and_lack_padding() {
    let unpadded = auth("me").trim_end_matches('=').to_owned();
    let json = format!(r#"{{"auths": {{"a.io": {{"auth": "{unpadded}"}}}}}}"#);
    let found = look_up(&json, "a.io", "r").unwrap().unwrap();
    let expected =
        Credential::Basic { username: "me".to_owned(), password: Secret::new("secret:with:colons") };
    assert_eq!(found.credential, expected);
    assert!(found.source.starts_with("entry `a.io` of docker config `"), "{}", found.source);
}

#[test]
fn broken_files_are_named_without_quoting_them() {
    let table = [
        ("{", "unexpected end of the file at line 1"),
        ("<html>", "not JSON at line 1"),
        (r#"{"auths": {"a.io": "hunter2"}}"#, "a value of the wrong type at line 1"),
        (r#"{"auths": {"a.io": {"auth": "hunter2!"}}}"#, "`auth` of entry `a.io` is not base64"),
        (
            r#"{"auths": {"a.io": {"auth": "aHVudGVyMg=="}}}"#,
            "`auth` of entry `a.io` is not the base64 of `user:password`",
        ),
        (
            r#"{"credHelpers": {"a.io": "../evil"}}"#,
            "`../evil` is not the name of a docker credential helper",
        ),
        (
            r#"{"credsStore": "no-such-helper-anywhere"}"#,
            "failed to run credential helper `docker-credential-no-such-helper-anywhere`",
        ),
    ];
    for (json, expected) in table {
        let error = look_up(json, "a.io", "r").unwrap_err().to_string();
        assert!(error.contains(expected), "{json}: {error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn a_failing_store_does_not_hide_the_file_s_own_entry() {
    let json = format!(
        r#"{{"credsStore": "no-such-helper-anywhere", "auths": {{"a.io": {{"auth": "{}"}}}}}}"#,
        auth("me")
    );
    assert_eq!(user(&json, "a.io", "r").as_deref(), Some("me"));
}

#[test]
fn only_a_named_file_has_to_exist() {
    let query = Query { host: "a.io", repository: "r" };
    let path = PathBuf::from("/nonexistent/config.json");
    assert!(DockerConfigFile::optional(path.clone()).find(query).unwrap().is_none());
    let error = DockerConfigFile::required(path).find(query).unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("/nonexistent/config.json"), "{cause}");
}
