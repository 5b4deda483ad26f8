//! The command line, the plan, and what is printed.

use serde_json::{Value, json};
use testkit::FakeRegistry;

use crate::target::{REPOSITORY, Target, asked, image};

#[test]
fn a_dry_run_asks_and_changes_nothing() {
    let registry = FakeRegistry::start();
    let image = image(&["base layer", "own layer"]);
    registry.add_blob("base", image.layers[0].bytes.clone());
    registry.add_blob(REPOSITORY, image.layers[1].bytes.clone());
    let host = registry.host();
    let target = Target::with_base(&host, &image, &["v1"], &[(&host, "base")]);
    let ran = target.run(&["--dry-run"]);
    let size = image.config.bytes.len();
    let expected = format!(
        "would push {host}/me/app:v1: 1 blob already there, 1 mounted, 1 to upload ({size} B), 1 manifest\n"
    );
    assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr), (0, "", expected));
    assert!(registry.requests().iter().all(|record| record.method == "HEAD"), "{:?}", asked(&registry));
    target.assert_nothing_pushed(&registry);

    target.pushes(&[]);
    registry.forget_requests();
    let ran = target.run(&["-n"]);
    assert_eq!(ran.stderr, format!("unchanged {host}/me/app:v1: the registry has it already\n"));
    assert_eq!(asked(&registry), ["HEAD manifest v1"]);
}

#[test]
fn json_for_programs() {
    let registry = FakeRegistry::start();
    let image = image(&["layer"]);
    let target = Target::image(&registry.host(), &image, &["v1", "a"]);
    let ran = target.run(&["--json"]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    let mut printed: Value = serde_json::from_str(&ran.stdout).unwrap();
    let seconds = printed["pushes"]["//:push"].as_object_mut().unwrap().remove("seconds").unwrap();
    assert!(seconds.is_f64(), "{seconds}");
    let (host, digest) = (registry.host(), image.manifest.digest());
    let bytes = image.config.bytes.len() + image.layers[0].bytes.len();
    let expected = json!({"pushes": {"//:push": {
        "label": "//:push",
        "references": [
            format!("{host}/me/app@{digest}"), format!("{host}/me/app:a"), format!("{host}/me/app:v1"),
        ],
        "unchanged": false,
        "dry_run": false,
        "present": {"blobs": 0, "bytes": 0},
        "mounted": {"blobs": 0, "bytes": 0},
        "uploaded": {"blobs": 2, "bytes": bytes},
        "manifests": 2,
    }}});
    assert_eq!(printed, expected);

    registry.fault(testkit::Fault::parse("HEAD manifests 403").unwrap());
    let ran = target.run(&["--json"]);
    let printed: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        (ran.status, &printed["pushes"], &printed["failed"][0]["label"]),
        (1, &json!({}), &json!("//:push"))
    );
    assert!(
        printed["failed"][0]["error"].as_str().unwrap().ends_with(": the registry answered 403 Forbidden")
    );
}

#[test]
fn tags_are_added_and_the_destination_is_replaced() {
    let (planned, registry) = (FakeRegistry::start(), FakeRegistry::start());
    let image = image(&["layer"]);
    let target = Target::image(&planned.host(), &image, &["v1"]);
    let host = registry.host();
    let arguments =
        ["--registry", &host, "--repository", "other/place", "--tag", "b", "-t", "a", "--tag", "v1"];
    let ran = target.run(&arguments);
    let name = format!("{host}/other/place");
    let stdout = format!("{name}@{}\n{name}:a\n{name}:b\n{name}:v1\n", image.manifest.digest());
    assert_eq!((ran.status, ran.stdout), (0, stdout), "{}", ran.stderr);
    assert_eq!(planned.requests().len(), 0);
    for tag in ["a", "b", "v1"] {
        assert!(registry.manifest("other/place", tag).is_some());
    }
}

#[test]
fn a_line_for_each_blob() {
    let registry = FakeRegistry::start();
    let image = image(&["base layer", "own layer"]);
    registry.add_blob("base", image.layers[0].bytes.clone());
    let host = registry.host();
    let target = Target::with_base(&host, &image, &["v1"], &[(&host, "base")]);
    let ran = target.run(&["--progress", "log"]);
    let mut lines: Vec<&str> = ran.stderr.lines().collect();
    assert!(lines.pop().unwrap().starts_with("pushed "), "{}", ran.stderr);
    lines.sort_unstable();
    let line = |verb: &str, document: &testkit::Document| {
        format!("{verb} sha256:{} ({} B)", &document.digest().hex()[..12], document.bytes.len())
    };
    let mut expected = vec![
        line("mounted", &image.layers[0]),
        line("uploaded", &image.layers[1]),
        line("uploaded", &image.config),
    ];
    expected.sort();
    assert_eq!(lines, expected);
}

#[test]
fn one_transfer_at_a_time_is_enough() {
    let registry = FakeRegistry::start();
    let image = image(&["base layer", "b", "c", "d"]);
    registry.add_blob("base", image.layers[0].bytes.clone());
    let host = registry.host();
    let mut target = Target::with_base(&host, &image, &["v1"], &[(&host, "base")]);
    target.push().cross_mount = plan::CrossMount::Disabled;
    target.pushes(&["--jobs", "1"]);
    assert!(registry.manifest(REPOSITORY, "v1").is_some());
}

#[test]
fn the_runfiles_may_be_a_list() {
    let registry = FakeRegistry::start();
    let image = image(&["layer"]);
    let target = Target::image(&registry.host(), &image, &["list"]);
    let mut list = Vec::new();
    for document in [&image.manifest, &image.config, &image.layers[0]] {
        let name = document.digest().hex();
        let moved = target.file(&format!("moved/{name}"), "");
        fs_err::rename(target.runfile(document), &moved).unwrap();
        list.push(format!("rules_img_blobs/k8-fastbuild/bin/{name} {}", moved.display()));
    }
    let list = target.file("MANIFEST", &list.join("\n"));
    target.env("RUNFILES_MANIFEST_FILE", list.to_str().unwrap()).pushes(&[]);
    assert!(registry.manifest(REPOSITORY, "list").is_some());
}

#[test]
fn no_plan_beside_the_program() {
    let registry = FakeRegistry::start();
    let target = Target::image(&registry.host(), &image(&["layer"]), &["v1"]);
    let ran = target.run_as_it_is(&[]);
    let expected = "error: failed to read the plan `DIR/push.json`: failed to open file `DIR/push.json`: No such file or directory (os error 2)\n\
                    hint: this program is started as a deploy target, such as `bazel run //:push`; its plan is written by the build\n";
    assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.as_str()), (2, "", expected));
}

#[test]
fn plans_that_are_none() {
    let registry = FakeRegistry::start();
    let target = Target::image(&registry.host(), &image(&["layer"]), &["v1"]);
    let table = [
        ("", "not a plan of a deploy target: EOF while parsing a value at line 1 column 0"),
        ("{\"operations\": [], \"blobs\": {}}", "it has no operations"),
        (
            "{\"operations\": [{\"command\": \"fly\"}], \"blobs\": {}}",
            "not a plan of a deploy target: unknown variant `fly`, expected `push` or `load` at line 1 column 33",
        ),
    ];
    for (text, expected) in table {
        target.file("push.json", text);
        let ran = target.run_as_it_is(&[]);
        let expected = format!(
            "error: failed to read the plan `DIR/push.json`: {expected}\n\
             hint: this program is started as a deploy target, such as `bazel run //:push`; its plan is written by the build\n"
        );
        assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr), (2, "", expected));
    }
}

#[test]
fn a_plan_from_elsewhere() {
    let registry = FakeRegistry::start();
    let target = Target::image(&registry.host(), &image(&["layer"]), &["v1"]);
    let plan = target.file("elsewhere/plan.json", &target.plan.to_json());
    let ran = target.run_as_it_is(&["--plan", plan.to_str().unwrap()]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
}

#[test]
fn wrong_usage_is_exit_code_2() {
    let registry = FakeRegistry::start();
    let target = Target::image(&registry.host(), &image(&["layer"]), &["v1"]);
    let table: &[(&[&str], &str)] = &[
        (&["--tag", "a/b"], "error: failed to push `//:push`: tag: `a/b` is not a tag"),
        (
            &["--repository", "Me/app"],
            "error: failed to push `//:push`: repository: `Me/app` is not a repository",
        ),
        (
            &["--registry", "http://x"],
            "error: failed to push `//:push`: registry: `http://x` is not a registry",
        ),
        (&["--jobs", "0"], "error: invalid value '0' for '--jobs <N>'"),
        (&["--progress", "loud"], "error: invalid value 'loud' for '--progress <HOW>'"),
        (&["--nonsense"], "error: unexpected argument '--nonsense'"),
    ];
    for (arguments, expected) in table {
        let ran = target.run(arguments);
        assert!(ran.stderr.starts_with(expected), "{arguments:?}: {}", ran.stderr);
        assert_eq!((ran.status, ran.stdout.as_str()), (2, ""), "{arguments:?}");
    }
    assert_eq!(registry.requests().len(), 0);
}

#[test]
fn a_plan_with_a_bad_tag_is_wrong_usage_as_well() {
    let registry = FakeRegistry::start();
    let target = Target::image(&registry.host(), &image(&["layer"]), &["-1"]);
    let ran = target.run(&[]);
    assert!(
        ran.stderr.starts_with("error: failed to push `//:push`: tag: `-1` is not a tag"),
        "{}",
        ran.stderr
    );
    assert_eq!(ran.status, 2);
}
