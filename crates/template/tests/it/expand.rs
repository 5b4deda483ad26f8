//! What is not Go's: where variables come from, and our functions.

use serde_json::json;
use template::Variables;

fn stamped() -> Variables {
    let mut variables = Variables::new();
    variables.define_document(
        "base",
        &json!({"config": {"Config": {"Env": ["PATH=/usr/bin:/bin", "E=a=b"], "Cmd": null}}, "Manifest": {"layers": [{"size": 7}]}}),
    );
    variables.define_status("BUILD_USER volatile\nBUILD_TIMESTAMP 1700000000\nVERSION volatile\n").unwrap();
    variables.define_status("BUILD_USER stable me\nONLY_STABLE\n").unwrap();
    variables.define("VERSION", &json!("setting"));
    variables.define_global("PATH", "/usr/bin:/bin");
    variables.define_global("QUOTES", "a\"b\\c\nd\té");
    variables.define_global("not-a-name", "x");
    variables
}

#[test]
fn later_definitions_count() {
    let table = [
        ("{{.BUILD_USER}}", "stable me"),
        ("{{.ONLY_STABLE}}|", "|"),
        ("{{.VERSION}}", "setting"),
        ("{{.BUILD_TIMESTAMP_RFC3339}}", "2023-11-14T22:13:20Z"),
        ("{{.base.config.config.env}}", "[PATH=/usr/bin:/bin E=a=b]"),
        ("{{(index .base.manifest.layers 0).size}}", "7"),
        ("{{$PATH}}:/app", "/usr/bin:/bin:/app"),
        ("{{if $PATH}}{{$QUOTES}}{{end}}", "a\"b\\c\nd\té"),
        ("costs $PATH", "costs $PATH"),
    ];
    for (template, expected) in table {
        assert_eq!(stamped().expand(template).unwrap(), expected, "{template}");
    }
    assert_eq!(Variables::new().expand("<{{.BUILD_TIMESTAMP_RFC3339}}>").unwrap(), "<>");
}

#[test]
fn functions() {
    let table = [
        ("{{getkv .base.config.config.env \"E\"}}", "a=b"),
        ("{{getkv .base.config.config.env \"NONE\"}}", ""),
        ("{{getkv .base.config.config.cmd \"NONE\"}}", ""),
        ("{{appendkv .base.config.config.env \"PATH\" \":/app\"}}", "/usr/bin:/bin:/app"),
        ("{{appendkv .base.config.config.env \"NONE\" \":/app\"}}", ":/app"),
        ("{{prependkv .base.config.config.env \"PATH\" \"/app:\"}}", "/app:/usr/bin:/bin"),
        ("{{range split \"a,b\" \",\"}}<{{.}}>{{end}}", "<a><b>"),
        ("{{join (split \"a,b\" \",\") \"+\"}}", "a+b"),
        ("{{len (split \"äb\" \"\")}}", "2"),
        ("{{hasprefix \"v1\" \"v\"}} {{hassuffix \"v1\" \"v\"}}", "true false"),
        ("{{trimprefix \"v1\" \"v\"}} {{trimprefix \"1\" \"v\"}} {{trimsuffix \"a.git\" \".git\"}}", "1 1 a"),
        (
            "{{rfc3339 \"0\"}} {{rfc3339 1700000000}} <{{rfc3339 \"\"}}>",
            "1970-01-01T00:00:00Z 2023-11-14T22:13:20Z <>",
        ),
    ];
    for (template, expected) in table {
        assert_eq!(stamped().expand(template).unwrap(), expected, "{template}");
    }
}

fn message(template: &str) -> String {
    let error = stamped().expand(template).unwrap_err();
    format!("{error}: {}", std::error::Error::source(&error).unwrap())
}

#[test]
fn errors_name_template_and_cause() {
    let table = [
        ("{{getkv \"x\" \"y\"}}", "getkv: expected a list, found string `x`"),
        ("{{getkv .base.config.config.env}}", "getkv expects 2, got 1"),
        ("{{join .base.manifest.layers \"\"}}", "join: expected a string, found map"),
        ("{{split 1 \"\"}}", "split: expected a string, found int `1`"),
        (
            "{{rfc3339 \"yesterday\"}}",
            "rfc3339: expected seconds since 1970 such as `1700000000`, found `yesterday`",
        ),
        ("{{rfc3339 999999999999}}", "the year of `999999999999` does not have four digits"),
        ("{{.VERSION | nothing}}", "nothing"),
        ("{{range $i := 1000000}}x{{end}}", "range iteration budget exhausted"),
    ];
    for (template, part) in table {
        let message = message(template);
        assert!(message.starts_with(&format!("the template `{template}` cannot be expanded: ")), "{message}");
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn positions_are_those_of_the_users_text() {
    let plain = message("{{.VERSION}} {{.VERSION | | }}");
    let with_global = message("{{$PATH   }} {{.VERSION | | }}");
    let position = |text: &str| text.rsplit("template: ").next().unwrap().to_owned();
    assert_eq!(position(&plain), position(&with_global));
}

#[test]
fn a_broken_status_file_is_an_error() {
    assert!(Variables::new().define_status("BUILD_TIMESTAMP now\n").is_err());
}
