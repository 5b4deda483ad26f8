//! The same inputs give the same bytes, whatever else is different.

use layer::Format;

use crate::support::{Fixture, decompress, noise};

const FORMATS: [(Format, Option<i32>); 3] =
    [(Format::None, None), (Format::Gzip, Some(1)), (Format::Zstd, Some(1))];

fn mixed() -> Fixture {
    let mut fixture = Fixture::new();
    fixture.file("large", noise(1, 3 << 20)).file("exact", noise(2, 1 << 20)).file("copy", noise(1, 3 << 20));
    for number in 0..300_usize {
        fixture.file(&format!("small/{number:03}"), noise(number as u64 % 200, number * 37 % 5000));
    }
    fixture.tree("tree", &[("x/y", "1"), ("z", "2")]).symlink("link", "large");
    fixture
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let fixture = mixed();
    for (format, level) in FORMATS {
        let (expected, written) = fixture.layer(format, level, 1).unwrap();
        for jobs in [2, 3, 8] {
            let (blob, other) = fixture.layer(format, level, jobs).unwrap();
            assert_eq!(other, written, "{format} with {jobs} jobs");
            assert!(blob == expected, "{format} with {jobs} jobs");
        }
    }
}

#[test]
fn the_order_of_entries_changes_nothing() {
    let mut fixture = mixed();
    let (expected, _) = fixture.layer(Format::Gzip, Some(1), 2).unwrap();
    for step in [1, 7, 100] {
        fixture.spec.entries.rotate_left(step);
        fixture.spec.entries.reverse();
        let (blob, _) = fixture.layer(Format::Gzip, Some(1), 2).unwrap();
        assert!(blob == expected, "after {step}");
    }
}

#[cfg(unix)]
#[test]
fn folder_permissions_and_times_change_nothing() {
    use std::os::unix::fs::PermissionsExt as _;
    let (first, second) = (mixed(), mixed());
    let path = second.at("sources/5");
    fs_err::set_permissions(&path, std::fs::Permissions::from_mode(0o400)).unwrap();
    let file = fs_err::OpenOptions::new().read(true).open(&path).unwrap();
    file.file().set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    assert!(first.layer(Format::Zstd, None, 2).unwrap() == second.layer(Format::Zstd, None, 2).unwrap());
}

#[test]
fn digests_are_those_of_the_bytes() {
    let fixture = mixed();
    let tar = fixture.tar();
    assert_eq!(tar.len() % 512, 0);
    assert!(tar.ends_with(&[0; 1024]));
    for (format, level) in FORMATS {
        let (blob, written) = fixture.layer(format, level, 2).unwrap();
        assert!(decompress(format, &blob) == tar, "{format}");
        assert_eq!(written.blob.digest, blob::digest_of(&blob));
        assert_eq!(written.blob.size, blob.len() as u64);
        assert_eq!(written.blob.diff_id.0, blob::digest_of(&tar));
        assert_eq!(written.blob.uncompressed_size, tar.len() as u64);
    }
}

#[test]
fn a_gzip_header_tells_nothing_about_the_machine() {
    let mut fixture = Fixture::new();
    fixture.file("a", noise(1, 1 << 20));
    let (blob, _) = fixture.layer(Format::Gzip, Some(6), 2).unwrap();
    // RFC 1952, 2.3: magic, method 8, no flags, no time, no extra flags, operating system unknown.
    assert_eq!(blob[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
}
