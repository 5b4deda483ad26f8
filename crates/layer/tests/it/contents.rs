//! What becomes an entry, and what is refused.

use layer::{LayerError, Source, TreeArtifacts};

use crate::support::{Fixture, metadata};

#[test]
fn entries_are_sorted_and_equal_files_are_one() {
    let mut fixture = Fixture::new();
    fixture
        .file("usr/b", "same")
        .file("usr/a", "same")
        .file("usr/c", "else")
        .file("app", "same")
        .symlink("usr/link", "/abs/../x")
        .entry("empty1", Source::Empty)
        .file("empty2", "");
    assert_eq!(
        fixture.outline(),
        [
            "./app file x3",
            "./empty1 file",
            "./empty2 file",
            "./usr/a file x3",
            "./usr/b file x3",
            "./usr/c file",
            "./usr/link link -> /abs/../x",
        ]
    );
}

#[test]
fn files_with_other_metadata_are_no_hardlinks() {
    let mut fixture = Fixture::new();
    fixture.file("a", "same").file("b", "same").file("c", "same").metadata("b", r#"{"mode":"0600"}"#);
    let listing = fixture.listing();
    assert!(listing[0].contains("mode=0755") && listing[0].ends_with("nlink=2"), "{listing:?}");
    assert!(listing[1].contains("mode=0600") && listing[1].ends_with("nlink=1"), "{listing:?}");
    assert!(listing[2].contains("mode=0755") && listing[2].ends_with("nlink=2"), "{listing:?}");
}

#[test]
fn large_files_are_compared_too() {
    let mut fixture = Fixture::new();
    let large = vec![b'x'; 300_000];
    let mut other = large.clone();
    other[299_999] = b'y';
    fixture.file("a", &large).file("b", &other).file("c", &large).file("d", &other);
    assert_eq!(fixture.outline(), ["./a file x2", "./b file x2", "./c file x2", "./d file x2"]);
    assert!(fixture.tar().len() < 610_000);
}

#[test]
fn trees_keep_their_folders() {
    let mut fixture = Fixture::new();
    fixture
        .tree("/opt/t", &[("b/f", "1"), ("b.txt", "2"), ("b/empty/", ""), ("a", "1")])
        .file("opt/t/more", "3");
    assert_eq!(
        fixture.outline(),
        [
            "./opt/t dir",
            "./opt/t/a file x2",
            "./opt/t/b dir",
            "./opt/t/b.txt file",
            "./opt/t/b/empty dir",
            "./opt/t/b/f file x2",
            "./opt/t/more file",
        ]
    );
}

#[test]
fn a_folder_that_is_announced_as_a_file_is_a_tree() {
    let mut fixture = Fixture::new();
    fixture.write("folder/x", "1");
    let source = fixture.at("folder");
    fixture.entry("a", Source::File(source));
    assert_eq!(fixture.outline(), ["./a dir", "./a/x file"]);
}

#[cfg(unix)]
#[test]
fn symlinks_in_trees_are_what_they_lead_to() {
    let mut fixture = Fixture::new();
    fixture.tree("t", &[("d/f", "1")]);
    let tree = fixture.at("trees/0");
    std::os::unix::fs::symlink("d/f", tree.join("inside")).unwrap();
    std::os::unix::fs::symlink(fixture.write("outside", "2"), tree.join("outside")).unwrap();
    assert_eq!(
        fixture.outline(),
        ["./t dir", "./t/d dir", "./t/d/f file x2", "./t/inside file x2", "./t/outside file"]
    );
}

#[cfg(unix)]
#[test]
fn a_symlink_artifact_keeps_its_text() {
    let mut fixture = Fixture::new();
    let link = fixture.at("link");
    std::os::unix::fs::symlink("../any where", &link).unwrap();
    fixture.entry("l", Source::LinkOnDisk(link));
    assert_eq!(fixture.outline(), [r"./l link -> ../any\040where"]);

    let mut fixture = Fixture::new();
    let file = fixture.write("file", "");
    fixture.entry("l", Source::LinkOnDisk(file));
    assert!(matches!(fixture.error(), LayerError::NotALink(_)));
}

#[test]
fn copies_of_trees_become_symlinks_when_asked() {
    let files = [("a/f", "1"), ("g", "2")];
    let mut fixture = Fixture::new();
    fixture
        .tree("x/first", &files)
        .tree("x/second", &files)
        .tree("third", &files)
        .tree("y/other", &[("g", "2")]);
    fixture.spec.tree_artifacts = TreeArtifacts::DeduplicateSymlink;
    assert_eq!(
        fixture.outline(),
        [
            "./third dir",
            "./third/a dir",
            "./third/a/f file",
            "./third/g file x2",
            "./x/first link -> ../third",
            "./x/second link -> ../third",
            "./y/other dir",
            "./y/other/g file x2",
        ]
    );

    // Where something else reaches into a copy, a symlink would show it in both.
    fixture.file("x/first/new", "3");
    let outline = fixture.outline();
    assert!(outline.contains(&"./x/first/g file x3".to_owned()), "{outline:?}");
    assert!(outline.contains(&"./x/second link -> ../third".to_owned()), "{outline:?}");
}

#[test]
fn parents_are_made_once_and_come_first() {
    let mut fixture = Fixture::new();
    fixture.file("a/b/c/f", "1").symlink("a/b/l", "x").tree("a/b/t", &[]).file("top", "2");
    fixture.spec.create_parent_directories = true;
    assert_eq!(
        fixture.outline(),
        [
            "./a dir",
            "./a/b dir",
            "./a/b/c dir",
            "./a/b/c/f file",
            "./a/b/l link -> x",
            "./a/b/t dir",
            "./top file"
        ]
    );
}

#[test]
fn metadata_is_applied_where_it_belongs() {
    let mut fixture = Fixture::new();
    fixture
        .file("f", "1")
        .tree("t", &[("g", "2")])
        .symlink("l", "f")
        .entry("e", Source::Empty)
        .metadata("t/g", r#"{"uid":7,"mtime":"2000-01-01T00:00:00Z"}"#)
        .metadata("t", r#"{"mode":"1777","uname":"me"}"#);
    fixture.spec.default_metadata = metadata(r#"{"mode":"0640","gid":5,"gname":"staff"}"#);
    let listing = fixture.listing();
    let starts = [
        "./e type=file size=0 mode=0640 uid=0 gid=5 gname=staff",
        "./f type=file size=1 mode=0640 uid=0 gid=5 gname=staff",
        "./l type=link size=1 mode=0777 uid=0 gid=0 time=0",
        "./t type=dir mode=01777 uid=0 uname=me gid=0 time=0",
        "./t/g type=file size=1 mode=0640 uid=7 gid=5 gname=staff",
    ];
    for (line, start) in listing.iter().zip(starts) {
        assert!(line.starts_with(start), "{line}\n{start}");
    }
    assert!(listing[4].contains(" time=946684800 "), "{listing:?}");
}

#[test]
fn metadata_for_nothing_is_refused_with_near_entries() {
    let mut fixture = Fixture::new();
    fixture.file("app/bin/server", "1").file("etc/conf", "2").metadata("/app/server", "{}");
    let error = fixture.error();
    assert_eq!(error.to_string(), "`file_metadata` for a path that the layer does not have: `/app/server`");
    assert_eq!(error.hints(), ["entries with similar paths: `/app/bin/server`"]);
    assert!(error.is_usage());
}

#[test]
fn two_sources_for_one_path_are_refused_unless_they_are_the_same() {
    let mut fixture = Fixture::new();
    fixture.file("a", "same").file("a", "same");
    assert_eq!(fixture.outline(), ["./a file"]);

    fixture.file("a", "othr");
    let (first, second) = (fixture.at("sources/0"), fixture.at("sources/2"));
    assert_eq!(
        fixture.error().to_string(),
        format!("two sources for `/a`: `{}` and `{}`", first.display(), second.display())
    );

    for other in [Source::Empty, Source::Symlink("x".into()), Source::Tree(fixture.at("sources"))] {
        let mut fixture = Fixture::new();
        fs_err::create_dir_all(fixture.at("sources")).unwrap();
        let other = if let Source::Tree(_) = other { Source::Tree(fixture.at("sources")) } else { other };
        fixture.file("a", "1").entry("a", other);
        assert!(matches!(fixture.error(), LayerError::Conflict { .. }));
    }
}

#[test]
fn trees_for_one_path_are_merged() {
    let mut fixture = Fixture::new();
    fixture.tree("t", &[("a", "1"), ("d/x", "2")]).tree("t", &[("b", "3"), ("d/x", "2")]);
    assert_eq!(fixture.outline(), ["./t dir", "./t/a file", "./t/b file", "./t/d dir", "./t/d/x file"]);
    fixture.tree("t", &[("a", "4")]);
    assert!(matches!(fixture.error(), LayerError::Conflict { .. }));
}

#[test]
fn nothing_lies_below_a_file_or_a_symlink() {
    let mut fixture = Fixture::new();
    fixture.file("a", "1").file("a-b", "2").file("a/b/c", "3");
    let error = fixture.error().to_string();
    assert!(
        error.starts_with("`/a/b/c` (`") && error.contains("lies below `/a`, which is not a folder"),
        "{error}"
    );

    let mut fixture = Fixture::new();
    fixture.symlink("lib", "usr/lib").file("lib/x", "1");
    let error = fixture.error().to_string();
    assert!(error.ends_with("which is not a folder: a symlink to `usr/lib`"), "{error}");
}

#[test]
fn a_missing_source_is_named() {
    let mut fixture = Fixture::new();
    fixture.entry("a", Source::File("/no/such/file".into()));
    let error = fixture.error();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("/no/such/file"), "{cause}");
}
