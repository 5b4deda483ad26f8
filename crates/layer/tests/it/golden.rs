//! Bytes that must not change by accident: digests of small trees under each codec, and their listings.
//!
//! `UPDATE_GOLDEN=1 cargo test -p layer` writes them anew. A difference in the digests of compressed layers alone means that a
//! compressor changed: every user's layers get other digests with it, so say so in the changelog.

use std::fmt::Write as _;
use std::path::PathBuf;

use layer::{Format, ListingStyle, Source, TreeArtifacts};

use crate::readers::everything;
use crate::support::{Fixture, noise};

const CODECS: [(Format, Option<i32>); 9] = [
    (Format::None, None),
    (Format::Gzip, Some(0)),
    (Format::Gzip, Some(1)),
    (Format::Gzip, Some(6)),
    (Format::Gzip, Some(9)),
    (Format::Zstd, Some(1)),
    (Format::Zstd, Some(3)),
    (Format::Zstd, Some(9)),
    (Format::Zstd, Some(19)),
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
    ]
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
    for (name, fixture) in trees() {
        for (format, level) in CODECS {
            let (_, written) = fixture.layer(format, level, 2).unwrap();
            let codec = level.map_or_else(|| format.to_string(), |level| format!("{format}-{level}"));
            writeln!(digests, "{name} {codec} {} {}", written.blob.digest.hex(), written.blob.size).unwrap();
            if format == Format::None {
                check(&format!("{name}.mtree"), &written.listing.unwrap().render(&ListingStyle::default()));
            }
        }
    }
    check("digests.txt", &digests);
}
