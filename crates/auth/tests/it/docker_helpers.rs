//! `docker-credential-*`

use std::time::Duration;

use auth::{Credential, DockerHelper, Error, Secret};

use crate::script::Script;

fn ask(script: &Script) -> Result<Option<Credential>, Error> {
    DockerHelper::program(script.path().to_str().unwrap()).get("ghcr.io")
}

#[test]
fn a_helper_is_asked_for_the_server_and_answers() {
    let script = Script::new(
        r#"[ "$1" = get ] || exit 9
cat > "$(dirname "$0")/asked"
echo '{"ServerURL":"ghcr.io","Username":"me","Secret":"hunter2"}'"#,
    );
    let expected = Credential::Basic { username: "me".to_owned(), password: Secret::new("hunter2") };
    assert_eq!(ask(&script).unwrap(), Some(expected));
    assert_eq!(script.read("asked"), "ghcr.io");
}

#[test]
fn a_token_user_means_an_identity_token() {
    let script = Script::new(r#"echo '{"Username":"<token>","Secret":"t"}'"#);
    assert_eq!(ask(&script).unwrap(), Some(Credential::IdentityToken(Secret::new("t"))));
}

#[test]
fn nothing_found_is_no_failure() {
    for body in
        ["echo 'credentials not found in native keychain'; exit 1", r#"echo '{"Username":"","Secret":""}'"#]
    {
        assert_eq!(ask(&Script::new(body)).unwrap(), None, "{body}");
    }
}

#[test]
fn failures_say_what_happened_and_nothing_secret() {
    let table = [
        ("echo 'no session, log in first' >&2; exit 3", "(exit status: 3): no session, log in first"),
        ("exit 1", "(exit status: 1): it said nothing"),
        (r#"echo '{"Secret":"hunter2"}'; exit 1"#, "it said something that may be secret"),
        ("echo hunter2", "not a JSON object with the strings `Username` and `Secret`"),
        ("echo '[1]'", "not a JSON object with the strings `Username` and `Secret`"),
        ("head -c 1048576 /dev/zero", "more than 64 KiB"),
        ("printf '\\377\\376'", "not UTF-8"),
    ];
    for (body, expected) in table {
        let error = ask(&Script::new(body)).unwrap_err().to_string();
        assert!(error.contains(expected), "{body}: {error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn a_helper_that_hangs_is_killed() {
    let script = Script::new("echo $$ > \"$(dirname \"$0\")/pid\"\nexec sleep 600");
    let helper = DockerHelper::program(script.path().to_str().unwrap());
    let error = helper.with_timeout(Duration::from_secs(1)).get("ghcr.io").unwrap_err();
    assert!(matches!(error, Error::HelperTimeout { .. }), "{error}");
    assert!(error.to_string().contains("did not answer within 1 seconds"), "{error}");
    let process = format!("/proc/{}", script.read("pid").trim());
    assert!(!std::path::Path::new(&process).exists(), "it still runs");
}

#[test]
fn a_helper_need_not_read_the_question() {
    let script = Script::new(r#"exec <&-; echo '{"Username":"me","Secret":"s"}'"#);
    assert!(ask(&script).unwrap().is_some());
}
