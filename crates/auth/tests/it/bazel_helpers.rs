//! Bazel's credential helpers.

use std::sync::Arc;

use auth::{BazelHelper, Credential, Error, Query, Secret, Source as _};

use crate::script::Script;

fn ask(script: &Script) -> Result<Option<Credential>, Arc<Error>> {
    let query = Query { host: "ghcr.io:5000", repository: "me/app" };
    BazelHelper::new(script.path()).find(query).map(|found| found.map(|found| found.credential))
}

#[test]
fn headers_become_credentials() {
    let script = Script::new(
        r#"[ "$1" = get ] || exit 9
cat > "$(dirname "$0")/asked"
echo '{"headers":{"authorization":["Bearer t0k3n"]},"expires":"2030-01-01T00:00:00Z"}'"#,
    );
    assert_eq!(ask(&script).unwrap(), Some(Credential::Bearer(Secret::new("t0k3n"))));
    assert_eq!(script.read("asked"), r#"{"uri":"ghcr.io:5000"}"#);

    let basic = Script::new(r#"echo '{"headers":{"Authorization":["Basic bWU6cGE6c3M="]}}'"#);
    let expected = Credential::Basic { username: "me".to_owned(), password: Secret::new("pa:ss") };
    assert_eq!(ask(&basic).unwrap(), Some(expected));
}

#[test]
fn nothing_is_no_failure_and_nonsense_is() {
    for body in ["true", "echo '{}'", r#"echo '{"headers":{"X-Other":["x"]}}'"#] {
        assert_eq!(ask(&Script::new(body)).unwrap(), None, "{body}");
    }
    for body in ["echo nonsense", r#"echo '{"headers":{"Authorization":["Digest hunter2"]}}'"#, "exit 1"] {
        let error = ask(&Script::new(body)).unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn it_is_asked_once_for_each_host() {
    let script = Script::new(r#"echo x >> "$(dirname "$0")/calls"; echo '{}'"#);
    let helper = BazelHelper::new(script.path());
    for (host, repository) in [("a.io", "x"), ("a.io", "y"), ("b.io", "x"), ("a.io", "x")] {
        assert!(helper.find(Query { host, repository }).unwrap().is_none());
    }
    assert_eq!(script.read("calls"), "x\nx\n");
}

#[test]
fn all_headers_of_a_uri() {
    let script = Script::new(
        r#"cat > "$(dirname "$0")/asked"; echo '{"headers":{"Authorization":["Bearer t"],"X-Key":["a","b"]}}'"#,
    );
    let answer = BazelHelper::new(script.path()).headers("https://cache/service").unwrap();
    let headers: Vec<_> =
        answer.headers.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
    assert_eq!(headers, [("Authorization", "Bearer t"), ("X-Key", "a"), ("X-Key", "b")]);
    assert_eq!(script.read("asked"), r#"{"uri":"https://cache/service"}"#);
    let silent = Script::new("true");
    assert!(BazelHelper::new(silent.path()).headers("https://cache/service").unwrap().headers.is_empty());
}
