//! Bytes that must not change by accident: digests of small trees under each codec, and their listings.
//!
//! `UPDATE_GOLDEN=1 cargo test -p layer` writes them anew. A difference in the digests of compressed layers alone means that a
//! compressor changed: every user's layers get other digests with it, so say so in the changelog.

use std::fmt::Write as _;
use std::path::PathBuf;

use layer::{Format, Source, TreeArtifacts};

use crate::readers::everything;
use crate::support::{Fixture, listing, noise};

/// Name, format, level, and whether the layer is seekable.
const CODECS: [(&str, Format, Option<i32>, bool); 11] = [
    ("none", Format::None, None, false),
    ("gzip-0", Format::Gzip, Some(0), false),
    ("gzip-1", Format::Gzip, Some(1), false),
    ("gzip-6", Format::Gzip, Some(6), false),
    ("gzip-9", Format::Gzip, Some(9), false),
    ("zstd-1", Format::Zstd, Some(1), false),
    ("zstd-3", Format::Zstd, Some(3), false),
    ("zstd-9", Format::Zstd, Some(9), false),
    ("zstd-19", Format::Zstd, Some(19), false),
    ("estargz-6", Format::Gzip, Some(6), true),
    ("zstd-chunked-3", Format::Zstd, Some(3), true),
];

fn trees() -> Vec<(&'static str, Fixture)> {
    let mut one = Fixture::new();
    one.file("app/bin", "#!/bin/sh\necho hello\n");

    let mut duplicates = Fixture::new();
    for number in 0..40 {
        duplicates.file(&format!("d/{number:02}"), noise(number % 7, 2000));
    }

    let mut trees = Fixture::new();
    let files = [("lib/a.txt", "aaaa"), ("lib/b/c.txt", "cccc"), ("none/", "")];
    trees.tree("opt/x", &files).tree("opt/y", &files).tree("opt/z", &files).file("opt/z/own", "own");
    trees.spec.tree_artifacts = TreeArtifacts::DeduplicateSymlink;

    let mut parents = Fixture::new();
    parents.file("a/b/c", "1").entry("a/d/e", Source::Empty).symlink("bin", "usr/bin");
    parents.spec.create_parent_directories = true;

    let mut large = Fixture::new();
    large
        .file("large", noise(11, (3 << 20) + 77))
        .file("zeros", vec![0; 2 << 20])
        .file("small", noise(12, 500));

    vec![
        ("nothing", Fixture::new()),
        ("one", one),
        ("duplicates", duplicates),
        ("trees", trees),
        ("parents", parents),
        ("everything", everything()),
        ("large", large),
        ("chunks", chunks()),
        ("names", names()),
        ("owners", owners()),
        ("links", links()),
        ("empties", empties()),
        ("metadata", metadata_of_copies()),
    ]
}

/// Files whose ends lie at, before and behind that of a chunk.
fn chunks() -> Fixture {
    let mut fixture = Fixture::new();
    for (number, extra) in [-1025_i64, -512, -1, 0, 1, 512].into_iter().enumerate() {
        let size = usize::try_from((1 << 20) + extra).unwrap();
        fixture.file(&format!("{number}"), noise(20 + number as u64, size));
    }
    fixture
}

/// Names around what ustar can hold, in ASCII and not.
fn names() -> Fixture {
    let mut fixture = Fixture::new();
    for (number, length) in [99, 100, 101, 155, 255, 256, 257, 300].into_iter().enumerate() {
        fixture.file(&format!("{number}{}", "n".repeat(length - 1)), format!("{number}"));
        fixture.file(&format!("{number}d/{}/f", "d".repeat(length - 5)), format!("{number} below"));
    }
    for name in ["日本語/ファイル", "ß", "e\u{301}", "é", "tab\there", "\u{1f980}", " ", "-rf", "a*b?[c]"]
    {
        fixture.file(name, name);
    }
    fixture
}

/// Owners, times and records that need extended headers, and those that just do not.
fn owners() -> Fixture {
    let mut fixture = Fixture::new();
    for (name, json) in [
        ("largest", r#"{"uid":2097151,"gid":2097151,"mtime":"2242-03-16T12:56:31Z"}"#),
        ("larger", r#"{"uid":2097152,"gid":2097152,"mtime":"2242-03-16T12:56:32Z"}"#),
        ("early", r#"{"mtime":"1969-12-31T23:59:59.25Z"}"#),
        ("fraction", r#"{"mtime":"2001-09-09T01:46:40.123456789Z"}"#),
        ("named", r#"{"uname":"oooooooooooooooooooooooooooooooo","gname":"gruppe-ß"}"#),
        ("set", r#"{"mode":"7777"}"#),
        ("xattrs", r#"{"pax_records":{"SCHILY.xattr.user.a":"1","SCHILY.xattr.user.b":"2","comment":"c"}}"#),
    ] {
        fixture.file(name, name).metadata(name, json);
    }
    fixture
}

/// Symlinks and groups of hardlinks, with names and targets that need extended headers.
fn links() -> Fixture {
    let mut fixture = Fixture::new();
    for target in ["a", "/etc/passwd", "../..", "ü", &"t".repeat(100), &"t".repeat(101)] {
        fixture.symlink(&format!("to {}", target.replace('/', "_")), target);
    }
    for (number, name) in ["one", "zwölf", &"z".repeat(150)].into_iter().enumerate() {
        for copy in 0..3 {
            fixture.file(&format!("{copy}/{name}"), noise(40 + number as u64, 1500));
        }
    }
    fixture
}

/// Nothing, in all its forms.
fn empties() -> Fixture {
    let mut fixture = Fixture::new();
    fixture.entry("none", Source::Empty).file("also", "").tree("void", &[("a/b/", ""), ("c", "")]);
    fixture
}

/// Equal contents that differ in what the header says.
fn metadata_of_copies() -> Fixture {
    let mut fixture = Fixture::new();
    for name in ["a", "b", "c", "d"] {
        fixture.file(name, "same");
    }
    fixture
        .metadata("b", r#"{"mode":"0600"}"#)
        .metadata("c", r#"{"mode":"0600"}"#)
        .metadata("d", r#"{"uid":1}"#);
    fixture
}

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden").join(name)
}

#[expect(clippy::disallowed_methods, reason = "the switch that rewrites what tests expect")]
fn check(name: &str, actual: &str) {
    if std::env::var("UPDATE_GOLDEN").is_ok() {
        fs_err::write(golden(name), actual).unwrap();
    }
    let expected = fs_err::read_to_string(golden(name)).unwrap_or_default();
    assert!(actual == expected, "{name} differs; UPDATE_GOLDEN=1 writes it anew:\n{actual}");
}

#[test]
fn digests_and_listings_stay() {
    let mut digests = String::new();
    for (name, mut fixture) in trees() {
        for (codec, format, level, seekable) in CODECS {
            fixture.seekable = seekable;
            let (blob, written) = fixture.layer(format, level, 2).unwrap();
            writeln!(digests, "{name} {codec} {} {}", written.blob.digest.hex(), written.blob.size).unwrap();
            if format == Format::None {
                check(&format!("{name}.mtree"), &listing(&blob, format));
            }
        }
    }
    check("digests.txt", &digests);
}
