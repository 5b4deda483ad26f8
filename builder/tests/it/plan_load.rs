//! `builder plan load`.

use plan::{Daemon, Load, Name, Plan, Strategy};

use crate::support::{Workspace, lines, make_image, make_layer};

fn image() -> Workspace {
    let workspace = Workspace::new();
    make_layer(&workspace, "layer", "hello");
    make_image(&workspace, "image", &["layer"], &[], r#"{"os":"linux","architecture":"amd64"}"#);
    workspace.write(
        "list",
        lines(&[
            &["manifest", "image_manifest", "blobs/manifest"],
            &["config", "image_config", "blobs/config"],
            &["layer", "layer.json", "blobs/layer", "//x:layer"],
        ]),
    );
    workspace
}

const FLAGS: [&str; 7] =
    ["--output", "plan", "--root-descriptor", "image_descriptor", "--entries=list", "--names", "names"];

fn run(workspace: &Workspace, more: &[&str], values: &str) -> (i32, String) {
    let values = format!(r#"{{"label":"//x:load","strategy":"eager",{values}}}"#);
    let ended = workspace.run(&["plan", "load"], &[&FLAGS[..], more, &["--values", &values]].concat());
    (ended.code, ended.stderr)
}

fn load(workspace: &Workspace) -> Load {
    let plan = Plan::from_json(workspace.read("plan").as_bytes()).unwrap();
    plan.operations[0].as_load().unwrap().clone()
}

#[test]
fn whole_names() {
    let workspace = image();
    workspace
        .write("tags", "{{.VERSION}}\n\n my/app \n{{if .NOBODY}}never{{end}}\n")
        .write("status", "USER me\n");
    let values = r#""daemon":"docker","tags":["my/app:latest","{{.USER}}/{{.image_target_name}}"],"image_target_name":"app",
        "build_settings":{"VERSION":"x:1"},"original":{"registries":["ghcr.io"],"repository":"base"}"#
        .replace('\n', "");
    let flags = ["--tag-file", "tags", "--stamp", "status"];
    assert_eq!(run(&workspace, &flags, &values), (0, String::new()));
    let load = load(&workspace);
    let names = ["my/app:latest", "me/app:latest", "x:1"];
    assert_eq!(load.name, Name::Whole(names.map(str::to_owned).to_vec()));
    assert_eq!((load.daemon, load.strategy), (Daemon::Docker, Strategy::Eager));
    assert_eq!(load.root.digest.to_string(), workspace.read("image_digest"));
    assert_eq!(load.original.unwrap().repository, "base");
    assert_eq!(workspace.read("names"), names.map(|name| format!("{name}\n")).concat());
}

#[test]
fn names_in_parts_stay_as_they_are_typed() {
    let workspace = image();
    let values = r#""daemon":"podman","registry":"docker.io","repository":"me/app","tags":["a","b","a"]"#;
    assert_eq!(run(&workspace, &[], values), (0, String::new()));
    let tags = vec!["a".to_owned(), "b".to_owned()];
    let parts = |tags| Name::Parts { registry: "docker.io".into(), repository: "me/app".into(), tags };
    assert_eq!(load(&workspace).name, parts(tags));
    assert_eq!(workspace.read("names"), "docker.io/me/app:a\ndocker.io/me/app:b\n");

    let values = r#""daemon":"tar","registry":"docker.io","repository":"me/app""#;
    assert_eq!(run(&workspace, &[], values), (0, String::new()));
    assert_eq!(load(&workspace).name, parts(Vec::new()));
    assert_eq!(workspace.read("names"), "docker.io/me/app:latest\n");
}

#[test]
fn says_what_is_no_name() {
    let table = [
        (r#""tags":["Upper/case"]"#, "error: //x:load: `tag`: `Upper/case` is not a repository"),
        (r#""tags":["a:b:c"]"#, "error: //x:load: `tag`: "),
        (
            r#""registry":"ghcr.io","repository":"a","tags":["ghcr.io/a:b"]"#,
            "`tag`: `ghcr.io/a:b` is not a tag",
        ),
        (
            r#""registry":"ghcr.io","repository":"{{if .NOBODY}}a{{end}}""#,
            "`repository` is empty, but `registry` is not",
        ),
        (r#""registry":"","repository":"a""#, "`registry` is empty, but `repository` is not"),
        (r#""spec":"//x:spec","tags":["-"]"#, "error: //x:load: //x:spec: `tag`: "),
    ];
    for (values, message) in table {
        let workspace = image();
        let (code, stderr) = run(&workspace, &[], &format!(r#""daemon":"docker",{values}"#));
        assert_eq!(code, 2, "{values}: {stderr}");
        assert!(stderr.contains(message), "{values}: {stderr}");
        assert!(!workspace.at("plan").exists());
    }
    let (code, stderr) = run(&image(), &[], r#""daemon":"rkt""#);
    assert_eq!(code, 2);
    assert!(stderr.contains("`rkt`"), "{stderr}");
}
