use serde_json::json;

use super::*;

fn base() -> ImageConfig {
    let document = json!({
        "zebra": 1,
        "created": "2024-01-01T00:00:00Z",
        "author": "somebody",
        "architecture": "amd64",
        "os": "linux",
        "os.version": "1.2",
        "config": {
            "Shell": ["/bin/sh"],
            "User": "root",
            "Env": ["PATH=/bin", "EMPTY=", "A=1=2"],
            "Entrypoint": ["/entry", "-x"],
            "Cmd": ["one", "two"],
            "ExposedPorts": {"80/tcp": {}},
            "Labels": {"b": "1", "a": "2"},
            "WorkingDir": "/work",
            "StopSignal": "SIGTERM"
        },
        "rootfs": {"type": "layers", "diff_ids": []},
        "history": null
    });
    ImageConfig::from_base(document.to_string().as_bytes()).unwrap()
}

fn linux(architecture: &str, variant: &str) -> Platform {
    Platform::new("linux", architecture, variant)
}

fn strings(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn what_is_inherited_is_written_in_the_order_of_the_specification() {
    assert_eq!(
        String::from_utf8(base().to_json()).unwrap(),
        r#"{"architecture":"amd64","os":"linux","config":{"User":"root","ExposedPorts":{"80/tcp":{}},"Env":["PATH=/bin","EMPTY=","A=1=2"],"Entrypoint":["/entry","-x"],"Cmd":["one","two"],"WorkingDir":"/work","Labels":{"a":"2","b":"1"},"StopSignal":"SIGTERM","Shell":["/bin/sh"]},"rootfs":{"type":"layers","diff_ids":[]},"zebra":1,"os.version":"1.2"}"#
    );
    let scratch = ImageConfig::default();
    assert_eq!(scratch.to_json(), br#"{"rootfs":{"type":"layers","diff_ids":[]}}"#);
}

#[test]
fn null_counts_as_absent() {
    let text =
        br#"{"architecture":null,"os":null,"variant":null,"config":null,"rootfs":null,"history":null}"#;
    assert_eq!(ImageConfig::from_base(text).unwrap(), ImageConfig::default());
    let text =
        br#"{"config":{"Env":null,"Cmd":null,"Labels":null,"Volumes":null,"User":null,"ExposedPorts":null}}"#;
    assert_eq!(ImageConfig::from_base(text).unwrap(), ImageConfig::default());
}

#[test]
fn what_is_no_configuration_is_refused() {
    for text in [
        "",
        "[]",
        "<html>",
        r#"{"config":{"Env":"A=1"}}"#,
        r#"{"config":{"Env":["A"]}}"#,
        r#"{"rootfs":{"diff_ids":["sha256:1"]}}"#,
        r#"{"os":1}"#,
    ] {
        assert!(ImageConfig::from_base(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn platforms_fill_in_and_must_agree() {
    let table = [
        (linux("amd64", ""), None),
        (linux("amd64", "v2"), None),
        (linux("arm64", ""), Some("the architecture is `amd64`, but the image is built for `arm64`")),
        (
            Platform::new("windows", "amd64", ""),
            Some("the operating system is `linux`, but the image is built for `windows`"),
        ),
    ];
    for (platform, message) in table {
        let mut config = base();
        let error = config.set_platform(&platform).err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), message);
        if message.is_none() {
            assert_eq!(config.variant, platform.variant);
            assert_eq!(config.platform().os_version.as_deref(), Some("1.2"));
        }
    }

    // An image for v7 may be built on one for v6.
    let mut config = ImageConfig { variant: Some("v6".to_owned()), ..ImageConfig::default() };
    config.set_platform(&linux("arm", "v7")).unwrap();
    assert_eq!(config.platform(), linux("arm", "v7"));
    assert!(ImageConfig::default().set_platform(&Platform::new("", "", "")).is_err());
}

#[test]
fn entrypoint_and_command_follow_each_other() {
    type List<'a> = &'a [&'a str];
    type Case<'a> = (Option<List<'a>>, Option<List<'a>>, List<'a>, List<'a>);
    let none: Option<List<'_>> = None;
    let table: [Case<'_>; 11] = [
        (none, none, &["/entry", "-x"], &["one", "two"]),
        (Some(&[INHERIT]), Some(&[INHERIT]), &["/entry", "-x"], &["one", "two"]),
        (Some(&["/new"]), none, &["/new"], &[]),
        (Some(&["/new"]), Some(&[INHERIT]), &["/new"], &[]),
        (Some(&["/new"]), Some(&["x"]), &["/new"], &["x"]),
        (Some(&["/new"]), Some(&[INHERIT, "x"]), &["/new"], &["one", "two", "x"]),
        (Some(&["/wrap", INHERIT]), none, &["/wrap", "/entry", "-x"], &[]),
        (Some(&[]), none, &[], &["one", "two"]),
        (none, Some(&[]), &["/entry", "-x"], &[]),
        (none, Some(&["x"]), &["/entry", "-x"], &["x"]),
        (Some(&[]), Some(&[]), &[], &[]),
    ];
    for (entrypoint, cmd, expected_entrypoint, expected_cmd) in table {
        let mut config = base();
        config.apply(&RuntimeChanges {
            entrypoint: entrypoint.map(strings),
            cmd: cmd.map(strings),
            ..RuntimeChanges::default()
        });
        assert_eq!(config.config.entrypoint, expected_entrypoint, "{entrypoint:?} {cmd:?}");
        assert_eq!(config.config.cmd, expected_cmd, "{entrypoint:?} {cmd:?}");
    }
}

#[test]
fn empty_values_remove_and_absent_ones_keep() {
    let mut config = base();
    config.apply(&RuntimeChanges {
        user: Some(String::new()),
        working_dir: Some("/new".to_owned()),
        ..RuntimeChanges::default()
    });
    assert_eq!(config.config.user, "");
    assert_eq!(config.config.working_dir, "/new");
    assert_eq!(config.config.stop_signal, "SIGTERM");
    assert!(!String::from_utf8(config.to_json()).unwrap().contains("User"));
}

#[test]
fn variables_are_changed_in_place_and_new_ones_sorted_behind() {
    let map = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect::<BTreeMap<_, _>>()
    };
    let mut config = base();
    config.apply(&RuntimeChanges {
        file_env: map(&[("A", "file"), ("Y", "file"), ("Z", "file")]),
        env: map(&[("Z", "rule"), ("EMPTY", "no"), ("B", "rule")]),
        labels: map(&[("a", "rule"), ("c", "rule")]),
        ..RuntimeChanges::default()
    });
    assert_eq!(config.config.env, ["PATH=/bin", "EMPTY=no", "A=file", "B=rule", "Y=file", "Z=rule"]);
    assert_eq!(config.config.labels, map(&[("a", "rule"), ("b", "1"), ("c", "rule")]));
}

#[test]
fn a_fragment_is_laid_over() {
    let text = br#"{
        "created": "2020-01-01T00:00:00Z", "author": "me", "variant": "v3", "extra": true,
        "history": [{"created_by": "x"}], "rootfs": {"type": "layers", "diff_ids": ["ignored"]},
        "config": {"Env": ["Q=1", "A=2"], "Labels": {"c": "3"}, "ExposedPorts": {}, "Volumes": {"/data": {}}, "Cmd": ["new"],
                   "Healthcheck": {"Test": ["NONE"]}, "Shell": ["/bin/bash"]}
    }"#;
    let fragment = Fragment::parse(text).unwrap();
    fragment.check_platform(&linux("amd64", "v3")).unwrap();
    fragment.check_platform(&linux("amd64", "")).unwrap();
    assert!(fragment.check_platform(&linux("amd64", "v2")).is_err());
    let mut config = base();
    config.apply_fragment(fragment);
    let written: Value = serde_json::from_slice(&config.to_json()).unwrap();
    assert_eq!(
        written,
        json!({
            "author": "me", "architecture": "amd64", "os": "linux", "variant": "v3",
            "config": {
                "User": "root", "Env": ["PATH=/bin", "EMPTY=", "A=2", "Q=1"], "Entrypoint": ["/entry", "-x"], "Cmd": ["new"],
                "Volumes": {"/data": {}}, "WorkingDir": "/work", "Labels": {"a": "2", "b": "1", "c": "3"},
                "StopSignal": "SIGTERM", "Shell": ["/bin/bash"], "Healthcheck": {"Test": ["NONE"]}
            },
            "rootfs": {"type": "layers", "diff_ids": []}, "zebra": 1, "os.version": "1.2", "extra": true
        })
    );
    assert!(Fragment::parse(br#"{"config":{"Env":["A"]}}"#).is_err());
    assert!(Fragment::parse(b"{").is_err());
}

#[test]
fn layers_come_on_top() {
    let mut config = base();
    let diff_id = DiffId(crate::Digest::from_bytes([1; 32]));
    config.add_layer(Some(diff_id), &[History::created_by("bazel build //:x")]);
    config.add_layer(None, &[]);
    assert_eq!(config.rootfs.diff_ids, [diff_id]);
    assert_eq!(config.history, [json!({"created_by": "bazel build //:x"})]);
}
