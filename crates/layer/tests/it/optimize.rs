//! Archives that are rewritten with equal files stored once: still the same files after unpacking.

use std::num::NonZeroUsize;

use layer::import::optimize;
use layer::{Archive, Codec, Format, WriteOptions};

use crate::import::{file, header, pax, tar, with_fields};
use crate::support::{listing, outline, run};

/// The listing's outline after optimizing, and the new archive.
fn optimized(parts: &[Vec<u8>]) -> (Vec<String>, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("archive");
    fs_err::write(&path, tar(parts)).unwrap();
    let options = WriteOptions {
        codec: Codec::new(Format::None, None).unwrap(),
        jobs: layer::Jobs::Exactly(NonZeroUsize::MIN),
        seekable: false,
    };
    let mut blob = Vec::new();
    let written = optimize(Archive::new(&path, Format::None), options, &mut blob).unwrap();
    assert_eq!(written.blob.diff_id.0, blob::digest_of(&blob));
    (listing(&blob, Format::None).lines().skip(1).map(outline).collect(), blob)
}

fn symlink(name: &str, target: &str) -> Vec<u8> {
    with_fields(name, b'2', 0, &[(157, target.as_bytes())])
}

#[test]
fn copies_become_hardlinks_where_they_are() {
    let parts = [
        header("d/", b'5', 0),
        file("d/a", "same"),
        file("d/other", "else"),
        symlink("d/l", "a"),
        file("./e", "same"),
        file("empty1", ""),
        file("empty2", ""),
        with_fields("mode", b'0', 4, &[(100, b"0000600\0")]),
        b"same".iter().copied().chain([0; 508]).collect(),
    ];
    let (outline, blob) = optimized(&parts);
    assert_eq!(
        outline,
        [
            "./d dir",
            "./d/a file x2",
            "./d/other file",
            "./d/l link -> a",
            "./e file x2",
            "./empty1 file",
            "./empty2 file",
            "./mode file"
        ]
    );
    assert_eq!(blob.len(), tar(&parts).len() - 512);
}

#[test]
fn what_has_no_copies_stays_byte_for_byte() {
    let parts = [
        pax(b'g', "15 comment=x y\n"),
        pax(b'x', "22 SCHILY.xattr.u.k=v\n"),
        file("a", "1"),
        header("b", b'6', 0),
        with_fields("c", b'3', 0, &[(329, b"0000001\0"), (337, b"0000005\0")]),
        file(".wh.gone", ""),
        file("d/.wh..wh..opq", ""),
    ];
    assert_eq!(optimized(&parts).1, tar(&parts));
}

#[test]
fn a_file_that_is_replaced_later_is_no_target() {
    for (what, parts) in [
        ("another file", vec![file("a", "same"), file("a", "else"), file("b", "same")]),
        ("a folder in its place", vec![file("a", "same"), header("a/", b'5', 0), file("b", "same")]),
        ("a symlink above", vec![file("d/a", "same"), symlink("d", "x"), file("b", "same")]),
        ("a whiteout", vec![file("a", "same"), file(".wh.a", ""), file("b", "same")]),
        ("a whiteout above", vec![file("d/a", "same"), file(".wh.d", ""), file("b", "same")]),
        ("an opaque folder", vec![file("d/a", "same"), file("d/.wh..wh..opq", ""), file("b", "same")]),
        ("itself", vec![file("a", "same"), file("./a", "same")]),
        ("the copy above it", vec![file("a/b", "same"), file("a", "same")]),
        (
            "through a symlink",
            vec![file("r/a", "same"), symlink("s", "r"), file("s/a", "else"), file("b", "same")],
        ),
        ("behind a symlink", vec![symlink("s", "r"), file("s/a", "same"), file("b", "same")]),
        ("outside", vec![file("../a", "same"), file("b", "same")]),
    ] {
        let (outline, blob) = optimized(&parts);
        assert_eq!(blob, tar(&parts), "{what}: {outline:?}");
    }
}

#[test]
fn links_to_the_latest_of_several() {
    let parts =
        [file("a", "same"), file("a", "else"), file("b", "same"), file("c", "same"), file("d", "else")];
    let (outline, _) = optimized(&parts);
    assert_eq!(outline, ["./a file", "./a file x2", "./b file x2", "./c file x2", "./d file x2"]);
}

#[test]
fn unpacks_to_the_same_files() {
    let parts = [
        file("d/a", "same"),
        file("d/b", "same"),
        file("d/a", "else"),
        file("d/c", "else"),
        file("e", "same"),
    ];
    let (_, blob) = optimized(&parts);
    let folder = tempfile::tempdir().unwrap();
    fs_err::write(folder.path().join("new.tar"), blob).unwrap();
    if run("tar", &["-xf", "new.tar"], folder.path()).is_none() {
        return;
    }
    for (name, content) in [("d/a", "else"), ("d/b", "same"), ("d/c", "else"), ("e", "same")] {
        assert_eq!(fs_err::read_to_string(folder.path().join(name)).unwrap(), content, "{name}");
    }
}
