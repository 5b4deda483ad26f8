//! Archives that others made: taken faithfully, or refused with a reason.

use std::io::Write as _;
use std::num::NonZeroUsize;
use std::path::Path;

use layer::import::{Problem, inspect, recompress};
use layer::{Archive, Codec, Format, LayerError, WriteOptions, Written};

use crate::readers::everything;
use crate::support::{Fixture, listing, noise};

/// A header block by the book, without help from the code under test.
pub(crate) fn header(name: &str, type_flag: u8, size: u64) -> Vec<u8> {
    with_fields(name, type_flag, size, &[])
}

/// A header block with some bytes replaced.
pub(crate) fn with_fields(name: &str, type_flag: u8, size: u64, fields: &[(usize, &[u8])]) -> Vec<u8> {
    let mut block = vec![0; 512];
    let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, name.as_bytes());
    put(100, b"0000644\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{size:011o}\0").as_bytes());
    put(136, b"00000000000\0");
    put(156, &[type_flag]);
    put(257, b"ustar\x0000");
    for (at, bytes) in fields {
        put(*at, bytes);
    }
    put(148, b"        ");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

/// Content with its padding.
pub(crate) fn padded(content: &[u8]) -> Vec<u8> {
    let mut bytes = content.to_vec();
    bytes.resize(content.len().next_multiple_of(512), 0);
    bytes
}

/// An extended header with these records.
pub(crate) fn pax(type_flag: u8, records: &str) -> Vec<u8> {
    [header("pax", type_flag, records.len() as u64), padded(records.as_bytes())].concat()
}

/// A regular file.
pub(crate) fn file(name: &str, content: &str) -> Vec<u8> {
    [header(name, b'0', content.len() as u64), padded(content.as_bytes())].concat()
}

pub(crate) fn tar(parts: &[Vec<u8>]) -> Vec<u8> {
    [parts.concat(), vec![0; 1024]].concat()
}

fn with_archive<T>(bytes: &[u8], test: impl FnOnce(&Path) -> T) -> T {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("archive");
    fs_err::write(&path, bytes).unwrap();
    test(&path)
}

fn inspect_bytes(bytes: &[u8], format: Format) -> Result<Written, LayerError> {
    with_archive(bytes, |path| inspect(Archive::new(path, format)))
}

fn problem(bytes: &[u8]) -> Problem {
    match inspect_bytes(bytes, Format::None) {
        Err(LayerError::Archive { problem, .. }) => problem,
        other => panic!("{other:?}"),
    }
}

#[test]
fn our_own_layers_are_read_as_they_were_written() {
    let fixture = everything();
    for format in [Format::None, Format::Gzip, Format::Zstd] {
        let (blob, written) = fixture.layer(format, None, 2).unwrap();
        assert_eq!(inspect_bytes(&blob, format).unwrap(), written, "{format}");
        with_archive(&blob, |path| assert_eq!(Archive::detect(path).unwrap().format, format));
    }
}

#[test]
fn compressing_anew_keeps_the_tar() {
    let mut fixture = Fixture::new();
    fixture.file("a", noise(1, 3 << 20)).file("b", "2");
    let (source, _) = fixture.layer(Format::Zstd, Some(1), 1).unwrap();
    let (expected, written) = fixture.layer(Format::Gzip, Some(1), 1).unwrap();
    for jobs in [1, 3] {
        let options = WriteOptions {
            codec: Codec::new(Format::Gzip, Some(1)).unwrap(),
            jobs: layer::Jobs::Exactly(NonZeroUsize::new(jobs).unwrap()),
            seekable: false,
        };
        let mut blob = Vec::new();
        let again =
            with_archive(&source, |path| recompress(Archive::new(path, Format::Zstd), options, &mut blob));
        assert_eq!(again.unwrap(), written);
        assert!(blob == expected);
    }
}

#[test]
fn archives_of_all_writers_are_taken() {
    let old = with_fields("dir/", 0, 0, &[(257, &[0; 8])]);
    let long_name =
        [header("././@LongLink", b'L', 201), padded(&[b"n".repeat(200), vec![0]].concat())].concat();
    let gnu = with_fields("cut", b'0', 0, &[(257, b"ustar  \0"), (345, b"not a prefix")]);
    let archive = tar(&[
        old,
        pax(b'g', "15 comment=x y\n"),
        pax(b'x', "14 path=ünï\n22 SCHILY.xattr.k=\u{1}=\u{2}\n"),
        file("short", "1"),
        long_name,
        gnu,
        header("fifo", b'6', 0),
        with_fields("link", b'2', 0, &[(157, b"dir")]),
        with_fields("hard", b'1', 0, &[(157, "ünï".as_bytes())]),
        with_fields("elsewhere", b'1', 0, &[(157, b"lower/layer")]),
        with_fields(
            "big",
            b'0',
            0,
            &[(108, b"\x80\0\0\0\x01\0\0\0"), (136, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe")],
        ),
    ]);
    let listing = listing(&archive, Format::None);
    let lines: Vec<&str> =
        listing.lines().skip(1).map(|line| line.split(" sha256").next().unwrap()).collect();
    assert_eq!(
        lines,
        [
            "./dir type=dir mode=0644 uid=0 gid=0 time=0",
            r"./\303\274n\303\257 type=file size=1 mode=0644 uid=0 gid=0",
            &format!("./{} type=file size=0 mode=0644 uid=0 gid=0", "n".repeat(200)),
            "./fifo type=fifo mode=0644 uid=0 gid=0 time=0",
            "./link type=link size=3 mode=0644 uid=0 gid=0 time=0 link=dir",
            "./hard type=file size=1 mode=0644 uid=0 gid=0",
            "./elsewhere type=file mode=0644 uid=0 gid=0 time=0 nlink=1",
            "./big type=file size=0 mode=0644 uid=16777216 gid=0",
        ]
    );
    let written = inspect_bytes(&archive, Format::None).unwrap();
    assert_eq!(written.blob.diff_id.0, blob::digest_of(&archive));
}

#[test]
fn an_end_may_be_short_or_long_but_nothing_follows_it() {
    let one = file("a", "1");
    for end in [0, 512, 1024, 10240] {
        assert!(inspect_bytes(&[one.clone(), vec![0; end]].concat(), Format::None).is_ok(), "{end}");
    }
    assert!(inspect_bytes(b"", Format::None).is_ok());
    assert_eq!(problem(&[tar(std::slice::from_ref(&one)), vec![1]].concat()), Problem::BehindEnd);
    assert_eq!(problem(&[one.clone(), vec![0; 512], one].concat()), Problem::BehindEnd);
}

#[test]
fn what_readers_disagree_about_is_refused() {
    let table: Vec<(&str, Vec<u8>)> = vec![
        ("sizes that disagree", [pax(b'x', "9 size=3\n"), file("a", "12")].concat()),
        ("two paths", [pax(b'x', "9 path=a\n9 path=b\n"), file("c", "")].concat()),
        ("two extended headers", [pax(b'x', "9 path=a\n"), pax(b'x', "9 path=b\n"), file("c", "")].concat()),
        (
            "a long name and a path",
            [header("L", b'L', 2), padded(b"b\0"), pax(b'x', "9 path=a\n"), file("c", "")].concat(),
        ),
        ("a size for all", [pax(b'g', "9 size=3\n"), file("a", "123")].concat()),
        ("a hardlink with content", [header("a", b'1', 3), padded(b"123")].concat()),
        ("a folder with content", [header("a/", b'0', 3), padded(b"123")].concat()),
        ("a symlink with content", [header("a", b'2', 3), padded(b"123")].concat()),
        ("a negative size", with_fields("a", b'0', 0, &[(124, &[0xff; 12])])),
        (
            "a size that overflows",
            with_fields("a", b'0', 0, &[(124, b"\x80\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff")]),
        ),
        ("a size that is none", with_fields("a", b'0', 0, &[(124, b"12x\0")])),
        ("a record that is too long", [pax(b'x', "99 path=a\n"), file("c", "")].concat()),
        ("a record without end", [pax(b'x', "8 path=ab"), file("c", "")].concat()),
        ("a size that is text", [pax(b'x', "10 size=+3\n"), file("a", "123")].concat()),
        ("an extended header alone", pax(b'x', "9 path=a\n")),
        ("an entry without name", file("", "1")),
        ("a volume label", header("a", b'V', 0)),
        ("an unknown type", header("a", b'Z', 0)),
        ("an endless name", header("a", b'L', 0o7777_7777)),
        ("a broken header", [file("a", "1"), vec![b'x'; 512]].concat()),
    ];
    for (what, bytes) in table {
        let error = inspect_bytes(&tar(&[bytes]), Format::None).err();
        assert!(matches!(error, Some(LayerError::Archive { .. })), "{what}: {error:?}");
    }
}

#[test]
fn every_truncation_is_noticed() {
    let archive = [pax(b'x', "9 path=a\n"), file("a", "123"), file("b", &"x".repeat(1000))].concat();
    // All lengths around the ends of blocks, and a sample of the others.
    for length in
        (1..archive.len()).filter(|length| length % 512 < 2 || length % 512 == 511 || length % 37 == 0)
    {
        let result = inspect_bytes(&archive[..length], Format::None);
        // Between two entries an archive without end marker is whole.
        assert_eq!(result.is_ok(), length == 2048, "{length}");
    }
    for format in [Format::Gzip, Format::Zstd] {
        let mut fixture = Fixture::new();
        fixture.file("a", noise(1, 3000));
        let (blob, _) = fixture.layer(format, None, 1).unwrap();
        for length in (0..blob.len()).filter(|length| length % 11 == 0 || blob.len() - length < 12) {
            assert!(inspect_bytes(&blob[..length], format).is_err(), "{format} {length}");
        }
        let longer = [blob, b"garbage".to_vec()].concat();
        assert!(matches!(inspect_bytes(&longer, format), Err(LayerError::Damaged(_))), "{format}");
    }
}

#[test]
fn something_else_is_named_for_what_it_looks_like() {
    let html = inspect_bytes(b"<!DOCTYPE html><html>", Format::None).unwrap_err();
    assert!(html.to_string().ends_with("is not a tar: it begins with `<!DOCTYPE html><`"), "{html}");
    let wrong = inspect_bytes(b"\x1f\x8b\x08...", Format::None).unwrap_err();
    assert_eq!(wrong.hints(), ["it looks like gzip data; name it with the ending `.tar.gz` or `.tgz`"]);
    let wrong = inspect_bytes(b"plain", Format::Zstd).unwrap_err();
    assert!(wrong.to_string().ends_with("is not zstd data: it begins with `plain`"), "{wrong}");

    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&[b'x'; 1000]).unwrap();
    let text = inspect_bytes(&gzip.finish().unwrap(), Format::Gzip).unwrap_err();
    assert!(
        text.to_string().contains("is not a tar in gzip data: it begins with `xxxxxxxxxxxxxxxx`"),
        "{text}"
    );
}

#[test]
fn a_bomb_does_not_fill_memory() {
    // 2 GiB of zeros in one entry, compressed a thousand times, streamed through constant memory.
    let size = 2_u64 << 30;
    let mut blob = zstd::stream::Encoder::new(Vec::new(), 1).unwrap();
    blob.write_all(&header("bomb", b'0', size)).unwrap();
    let zeros = vec![0; 1 << 20];
    for _ in 0..size >> 20 {
        blob.write_all(&zeros).unwrap();
    }
    let blob = blob.finish().unwrap();
    assert!(blob.len() < 1 << 20);
    let stopped = inspect_bytes(&blob, Format::Zstd).unwrap_err();
    assert!(matches!(&stopped, LayerError::Bomb(bomb) if bomb.size < (1 << 30) + (1 << 20)), "{stopped}");
    assert!(stopped.is_usage() && !stopped.hints().is_empty());
    let written =
        with_archive(&blob, |path| inspect(Archive { any_ratio: true, ..Archive::new(path, Format::Zstd) }));
    assert_eq!(written.unwrap().blob.uncompressed_size, size + 512);
}

#[test]
fn random_damage_never_panics() {
    let archive = tar(&[
        pax(b'x', "9 path=a\n"),
        file("a", "123"),
        header("d/", b'5', 0),
        with_fields("l", b'2', 0, &[(157, b"dir")]),
        with_fields("s", b'S', 0, &[(257, b"ustar  \0"), (482, &[0])]),
    ]);
    let random = noise(99, 12 * 1500);
    for chunk in random.chunks_exact(12) {
        let mut damaged = archive.clone();
        for at in chunk[..6].chunks_exact(3) {
            let place = usize::from(at[0]) << 8 | usize::from(at[1]);
            let length = damaged.len();
            damaged[place % length] = at[2];
        }
        // Half of the time the sums are made right again, so that the damage gets further.
        if chunk[6] % 2 == 0 {
            for block in damaged.chunks_exact_mut(512) {
                block[148..156].copy_from_slice(b"        ");
                let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
                block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
            }
        }
        let _ = inspect_bytes(&damaged, Format::None);
    }
}
