//! Other programs read our layers as we mean them.

use layer::Source;

use crate::support::{Fixture, run};

/// Everything that a header can say.
pub(crate) fn everything() -> Fixture {
    let mut fixture = Fixture::new();
    let long = "n".repeat(120);
    let deep = format!("{}/{}/file", "d".repeat(90), "e".repeat(90));
    fixture
        .file("plain", "1")
        .file("copy", "1")
        .file(&long, "2")
        .file(&deep, "3")
        .file(&format!("{}/{}", "p".repeat(150), "q".repeat(99)), "4")
        .file("ünï cödé/ß", "5")
        .file("line\nfeed", "6")
        .file("owned", "7")
        .file("big ids", "8")
        .file("before", "9")
        .entry("empty", Source::Empty)
        .symlink("short link", "../plain")
        .symlink("long link", &"t/".repeat(80))
        .symlink("ünï link", "zïel")
        .tree("tree", &[("sub/x", "10"), ("void/", "")])
        .metadata("owned", r#"{"mode":"4711","uid":1000,"gid":1001,"uname":"me","gname":"us","mtime":"2024-02-29T01:02:03Z"}"#)
        .metadata("big ids", r#"{"uid":3000000,"gid":4294967294,"uname":"nöbödy","mtime":"2024-02-29T01:02:03.5Z"}"#)
        .metadata("before", r#"{"mtime":"1969-12-31T23:59:58Z","pax_records":{"SCHILY.xattr.user.k":"v"}}"#);
    // A hardlink to a name that needs an extended header.
    fixture.file(&format!("{long}2"), "2");
    fixture
}

const LIST: &str = r#"
import sys, tarfile
kinds = {tarfile.REGTYPE: "file", tarfile.LNKTYPE: "hard", tarfile.SYMTYPE: "link", tarfile.DIRTYPE: "dir"}
for m in tarfile.open(sys.argv[1], errorlevel=2):
    print("|".join([kinds[m.type], m.name.replace("\n", "?"), oct(m.mode), str(m.uid), str(m.gid), m.uname, m.gname, str(m.size),
                    "%.1f" % m.mtime, m.linkname, str(m.pax_headers.get("SCHILY.xattr.user.k"))]))
"#;

#[test]
fn python_lists_what_was_written() {
    let fixture = everything();
    fixture.write("layer.tar", fixture.tar());
    let Some(listed) = run("python3", &["-c", LIST, "layer.tar"], fixture.folder.path()) else { return };
    let long = "n".repeat(120);
    let deep = format!("{}/{}/file", "d".repeat(90), "e".repeat(90));
    let split = format!("{}/{}", "p".repeat(150), "q".repeat(99));
    let target = "t/".repeat(80);
    let mut expected = vec![
        "file|before|0o755|0|0|||1|-2.0||v".to_owned(),
        "file|big ids|0o755|3000000|4294967294|nöbödy||1|1709168523.5||None".to_owned(),
        "file|copy|0o755|0|0|||1|0.0||None".to_owned(),
        format!("file|{deep}|0o755|0|0|||1|0.0||None"),
        "file|empty|0o755|0|0|||0|0.0||None".to_owned(),
        "file|line?feed|0o755|0|0|||1|0.0||None".to_owned(),
        format!("link|long link|0o777|0|0|||0|0.0|{target}|None"),
        format!("file|{long}|0o755|0|0|||1|0.0||None"),
        format!("hard|{long}2|0o755|0|0|||0|0.0|{long}|None"),
        "file|owned|0o4711|1000|1001|me|us|1|1709168523.0||None".to_owned(),
        "hard|plain|0o755|0|0|||0|0.0|copy|None".to_owned(),
        format!("file|{split}|0o755|0|0|||1|0.0||None"),
        "link|short link|0o777|0|0|||0|0.0|../plain|None".to_owned(),
        "dir|tree|0o755|0|0|||0|0.0||None".to_owned(),
        "dir|tree/sub|0o755|0|0|||0|0.0||None".to_owned(),
        "file|tree/sub/x|0o755|0|0|||2|0.0||None".to_owned(),
        "dir|tree/void|0o755|0|0|||0|0.0||None".to_owned(),
        "file|ünï cödé/ß|0o755|0|0|||1|0.0||None".to_owned(),
        "link|ünï link|0o777|0|0|||0|0.0|zïel|None".to_owned(),
    ];
    for line in listed.lines() {
        assert_eq!(line, expected.remove(0));
    }
    assert!(expected.is_empty(), "{expected:?}");
}

#[test]
fn tars_list_the_names_in_order() {
    let fixture = everything();
    fixture.write("layer.tar", fixture.tar());
    let expected: Vec<String> = fixture.outline().iter().map(|line| unescape(line)).collect();
    let expected: Vec<&str> = expected.iter().map(|line| line.split(" \u{1}").next().unwrap()).collect();
    for (program, arguments) in [
        ("tar", ["--quoting-style=literal", "-tf", "layer.tar"].as_slice()),
        ("bsdtar", &["-tf", "layer.tar"]),
    ] {
        let Some(listed) = run(program, arguments, fixture.folder.path()) else { continue };
        let listed: Vec<String> =
            listed.replace("line\nfeed", "line?feed").lines().map(str::to_owned).collect();
        assert_eq!(listed.len(), expected.len(), "{program}");
        for (line, path) in listed.iter().zip(&expected) {
            // bsdtar escapes the line feed itself.
            let line = line.replace("line\\nfeed", "line?feed");
            assert_eq!(line.trim_end_matches('/'), path.trim_start_matches("./"), "{program}");
        }
    }
}

/// The path of an outline without its escapes, and a mark behind it.
fn unescape(line: &str) -> String {
    let (path, rest) = line.split_once(' ').unwrap();
    let mut bytes = Vec::new();
    let mut rest_of_path = path.as_bytes();
    while let Some((&first, more)) = rest_of_path.split_first() {
        if first == b'\\' {
            bytes.push(u8::from_str_radix(str::from_utf8(&more[..3]).unwrap(), 8).unwrap());
            rest_of_path = &more[3..];
        } else {
            bytes.push(first);
            rest_of_path = more;
        }
    }
    format!("{} \u{1}{rest}", String::from_utf8(bytes).unwrap().replace('\n', "?"))
}

#[test]
fn gnu_tar_unpacks_what_was_written() {
    let mut fixture = Fixture::new();
    fixture.file("d/a", "same").file("d/b", "same").symlink("d/l", "a").tree("t", &[("x/y", "1")]);
    fixture.spec.create_parent_directories = true;
    fixture.write("layer.tar", fixture.tar());
    fs_err::create_dir_all(fixture.at("out")).unwrap();
    if run("tar", &["-xf", "layer.tar", "-C", "out"], fixture.folder.path()).is_none() {
        return;
    }
    assert_eq!(fs_err::read(fixture.at("out/d/b")).unwrap(), b"same");
    assert_eq!(fs_err::read(fixture.at("out/d/l")).unwrap(), b"same");
    assert_eq!(fs_err::read(fixture.at("out/t/x/y")).unwrap(), b"1");
}
