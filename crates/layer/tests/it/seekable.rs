//! Layers of which single files can be fetched: read back by the rules of their formats, without our own code.

use std::collections::BTreeMap;
use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use layer::seekable::annotation;
use layer::{Archive, Codec, Format, LayerError, WriteOptions, Written};
use serde_json::Value;

use crate::readers::everything;
use crate::support::{Fixture, decompress, listing, noise};

fn fixture() -> Fixture {
    let mut fixture = everything();
    fixture
        .file("large", noise(21, (2 << 20) + 12_345))
        .file("exact", noise(22, 1 << 20))
        .file("nearly", noise(23, (1 << 20) - 100))
        .file("medium", noise(24, 200_000))
        .file("large copy", noise(21, (2 << 20) + 12_345));
    for number in 0..50 {
        fixture.file(&format!("small/{number:02}"), noise(number % 40 + 100, 700));
    }
    fixture.seekable = true;
    fixture
}

fn number(value: &Value) -> usize {
    value.as_u64().map_or(0, |number| usize::try_from(number).unwrap())
}

fn le(bytes: &[u8]) -> usize {
    usize::try_from(u64::from_le_bytes(bytes.try_into().unwrap())).unwrap()
}

/// The content of each file, put together from the members that a table names. Checks every digest on the way.
fn contents(toc: &Value, member: impl Fn(usize, usize) -> Vec<u8>) -> BTreeMap<String, Vec<u8>> {
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut digests: BTreeMap<String, String> = BTreeMap::new();
    let mut sizes: BTreeMap<String, usize> = BTreeMap::new();
    for entry in toc["entries"].as_array().unwrap() {
        let name = entry["name"].as_str().unwrap().to_owned();
        match entry["type"].as_str().unwrap() {
            "reg" => {
                sizes.insert(name.clone(), number(&entry["size"]));
                digests.insert(name.clone(), entry["digest"].as_str().unwrap_or_default().to_owned());
                assert!(files.insert(name.clone(), Vec::new()).is_none(), "{name} is there twice");
                if number(&entry["size"]) == 0 {
                    continue;
                }
            }
            "chunk" => {}
            _ => continue,
        }
        let content = files.get_mut(&name).unwrap();
        assert_eq!(content.len(), number(&entry["chunkOffset"]), "{name}");
        let left = sizes[&name] - content.len();
        let size = Some(number(&entry["chunkSize"])).filter(|size| *size > 0).unwrap_or(left);
        let chunk = member(number(&entry["offset"]), size);
        if let Some(digest) = entry["chunkDigest"].as_str() {
            assert_eq!(blob::digest_of(&chunk).to_string(), digest, "{name}");
        }
        content.extend(chunk);
    }
    for (name, content) in &files {
        assert_eq!(content.len(), sizes[name], "{name}");
        if !content.is_empty() {
            assert_eq!(blob::digest_of(content).to_string(), digests[name], "{name}");
        }
    }
    files
}

/// The regular files of a tar, as another library reads it.
fn files_of_tar(tar: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut archive = tar::Archive::new(tar);
    let mut files = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry.header().entry_type().is_file() {
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            files.insert(String::from_utf8(entry.path_bytes().into_owned()).unwrap(), content);
        }
    }
    files
}

fn check_blob(format: Format, blob: &[u8], written: &Written) -> Vec<u8> {
    let tar = decompress(format, blob);
    assert_eq!(written.blob.digest, blob::digest_of(blob));
    assert_eq!(written.blob.diff_id.0, blob::digest_of(&tar), "the diff id is that of the whole stream");
    assert_eq!(written.blob.uncompressed_size, tar.len() as u64);
    assert!(tar.ends_with(&[0; 1024]));
    tar
}

fn check_estargz(blob: &[u8], written: &Written) -> BTreeMap<String, Vec<u8>> {
    let tar = check_blob(Format::Gzip, blob, written);
    assert_eq!(written.annotations[annotation::UNCOMPRESSED_SIZE], tar.len().to_string());

    let (body, footer) = blob.split_at(blob.len() - 51);
    assert_eq!(&footer[32..38], b"STARGZ");
    let offset = usize::from_str_radix(str::from_utf8(&footer[16..32]).unwrap(), 16).unwrap();
    // A reader may stop at the end of the first member.
    let mut table = Vec::new();
    flate2::read::GzDecoder::new(&body[offset..]).read_to_end(&mut table).unwrap();
    let json = files_of_tar(&table).remove("stargz.index.json").unwrap();
    assert_eq!(written.annotations[annotation::TOC_DIGEST], blob::digest_of(&json).to_string());
    let listing = listing(blob, Format::Gzip);
    assert!(listing.contains(&format!("./stargz.index.json type=file size={} ", json.len())), "{listing}");

    let toc: Value = serde_json::from_slice(&json).unwrap();
    let files = contents(&toc, |offset, size| {
        let mut chunk = vec![0; size];
        flate2::read::MultiGzDecoder::new(&body[offset..]).read_exact(&mut chunk).unwrap();
        chunk
    });
    let mut expected = files_of_tar(&tar);
    expected.remove("stargz.index.json");
    assert!(files == expected, "table and tar hold the same files");
    files
}

fn check_zstd_chunked(blob: &[u8], written: &Written) -> BTreeMap<String, Vec<u8>> {
    let tar = check_blob(Format::Zstd, blob, written);
    let footer = &blob[blob.len() - 64..];
    assert!(footer.ends_with(b"GNUlInUx"));
    let numbers: Vec<usize> = footer[..56].chunks(8).map(le).collect();
    let [toc_at, toc_size, toc_full, 1, split_at, split_size, split_full] = numbers[..] else {
        panic!("{numbers:?}");
    };
    let packed = |at: usize, size: usize, full: usize| {
        assert_eq!(blob[at - 8..at - 4], [0x50, 0x2a, 0x4d, 0x18]);
        let bytes = zstd::stream::decode_all(&blob[at..at + size]).unwrap();
        assert_eq!(bytes.len(), full);
        bytes
    };
    assert_eq!(
        written.annotations[annotation::CHUNKED_POSITION],
        format!("{toc_at}:{toc_size}:{toc_full}:1")
    );
    assert_eq!(
        written.annotations[annotation::CHUNKED_TAR_SPLIT],
        format!("{split_at}:{split_size}:{split_full}")
    );
    let checksum = blob::digest_of(&blob[toc_at..toc_at + toc_size]).to_string();
    assert_eq!(written.annotations[annotation::CHUNKED_CHECKSUM], checksum);

    let toc: Value = serde_json::from_slice(&packed(toc_at, toc_size, toc_full)).unwrap();
    let split_digest = blob::digest_of(&blob[split_at..split_at + split_size]).to_string();
    assert_eq!(toc["tarSplitDigest"], Value::String(split_digest));
    let files = contents(&toc, |offset, size| {
        let mut chunk = vec![0; size];
        zstd::stream::read::Decoder::new(&blob[offset..]).unwrap().read_exact(&mut chunk).unwrap();
        chunk
    });
    assert!(files == files_of_tar(&tar), "table and tar hold the same files");
    let again = unsplit(&packed(split_at, split_size, split_full), &files);
    assert!(again == tar, "the tar can be made again from the headers and the files");
    files
}

/// Makes a tar from tar-split's lines and the contents of its files.
fn unsplit(lines: &[u8], files: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let mut tar = Vec::new();
    for (position, line) in str::from_utf8(lines).unwrap().lines().enumerate() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(number(&line["position"]), position);
        let payload = line["payload"].as_str().map(|text| STANDARD.decode(text).unwrap());
        match (number(&line["type"]), payload) {
            (2, Some(bytes)) => tar.extend(bytes),
            (1, None) => assert_eq!(line["size"], Value::Null),
            (1, Some(checksum)) => {
                let content = &files[line["name"].as_str().unwrap()];
                assert_eq!(content.len(), number(&line["size"]));
                assert_eq!(crc64(content).to_be_bytes().to_vec(), checksum);
                tar.extend(content);
            }
            other => panic!("{other:?}"),
        }
    }
    tar
}

/// CRC-64 as ISO 3309 has it, bit by bit.
fn crc64(bytes: &[u8]) -> u64 {
    !bytes.iter().fold(!0_u64, |crc, byte| {
        (0..8).fold(crc ^ u64::from(*byte), |crc, _| {
            if crc & 1 == 1 { crc >> 1 ^ 0xd800_0000_0000_0000 } else { crc >> 1 }
        })
    })
}

#[test]
fn estargz_holds_every_file_at_its_place() {
    let (blob, written) = fixture().layer(Format::Gzip, Some(6), 2).unwrap();
    let files = check_estargz(&blob, &written);
    assert_eq!(files["large"], noise(21, (2 << 20) + 12_345));
}

#[test]
fn zstd_chunked_holds_every_file_at_its_place() {
    let (blob, written) = fixture().layer(Format::Zstd, None, 2).unwrap();
    let files = check_zstd_chunked(&blob, &written);
    assert_eq!(files["exact"], noise(22, 1 << 20));
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let fixture = fixture();
    for format in [Format::Gzip, Format::Zstd] {
        let expected = fixture.layer(format, Some(1), 1).unwrap();
        for jobs in [2, 3, 8] {
            assert!(fixture.layer(format, Some(1), jobs).unwrap() == expected, "{format} with {jobs} jobs");
        }
    }
}

#[test]
fn an_empty_layer_can_be_seekable() {
    let mut fixture = Fixture::new();
    fixture.seekable = true;
    let (blob, written) = fixture.layer(Format::Gzip, None, 2).unwrap();
    assert!(check_estargz(&blob, &written).is_empty());
    let (blob, written) = fixture.layer(Format::Zstd, None, 2).unwrap();
    assert!(check_zstd_chunked(&blob, &written).is_empty());
}

#[test]
fn the_table_says_what_the_headers_say() {
    let (blob, _) = fixture().layer(Format::Gzip, None, 2).unwrap();
    let tar = decompress(Format::Gzip, &blob);
    let toc: Value = serde_json::from_slice(&files_of_tar(&tar)["stargz.index.json"]).unwrap();
    let entry = |name: &str| {
        let entries = toc["entries"].as_array().unwrap();
        entries.iter().find(|entry| entry["name"] == name).unwrap_or_else(|| panic!("{name}")).clone()
    };
    let owned = entry("owned");
    assert_eq!((number(&owned["uid"]), number(&owned["gid"])), (1000, 1001));
    assert_eq!((owned["userName"].as_str(), owned["groupName"].as_str()), (Some("me"), Some("us")));
    assert_eq!((number(&owned["mode"]), owned["modtime"].as_str()), (0o4711, Some("2024-02-29T01:02:03Z")));
    assert_eq!(entry("before")["xattrs"]["user.k"], Value::String(STANDARD.encode("v")));
    assert_eq!(entry("tree/void/")["type"], "dir");
    let link = entry("short link");
    assert_eq!((link["type"].as_str(), link["linkName"].as_str()), (Some("symlink"), Some("../plain")));
    let copy = entry("plain");
    assert_eq!((copy["type"].as_str(), copy["linkName"].as_str()), (Some("hardlink"), Some("copy")));
}

#[test]
fn what_cannot_be_seekable_is_said() {
    let mut fixture = Fixture::new();
    fixture.seekable = true;
    assert!(matches!(fixture.layer(Format::None, None, 1), Err(LayerError::SeekableUncompressed)));
    fixture.file("stargz.index.json", "{}");
    let error = fixture.layer(Format::Gzip, None, 1).unwrap_err();
    assert!(matches!(error, LayerError::Reserved { .. }), "{error}");
    assert!(fixture.layer(Format::Zstd, None, 1).is_ok());
}

fn options(format: Format) -> WriteOptions {
    let codec = Codec::new(format, None).unwrap();
    let jobs = layer::Jobs::Exactly(std::num::NonZeroUsize::new(2).unwrap());
    WriteOptions { codec, jobs, seekable: true }
}

#[test]
fn archives_become_seekable() {
    let fixture = everything();
    let source = fixture.write("layer.tar", fixture.tar());
    let archive = Archive::new(&source, Format::None);
    for optimized in [false, true] {
        let import = |format| {
            let mut blob = Vec::new();
            let import = if optimized { layer::import::optimize } else { layer::import::recompress };
            let written = import(archive, options(format), &mut blob).unwrap();
            (blob, written)
        };
        let (blob, written) = import(Format::Gzip);
        let files = check_estargz(&blob, &written);
        assert!(files == files_of_tar(&fixture.tar()));
        let (blob, written) = import(Format::Zstd);
        assert!(check_zstd_chunked(&blob, &written) == files);
    }
}

#[test]
fn what_was_seekable_before_becomes_so_again() {
    let (expected, written) = fixture().layer(Format::Gzip, None, 2).unwrap();
    let folder = Fixture::new();
    let source = folder.write("layer.tar.gz", &expected);
    let archive = Archive::new(&source, Format::Gzip);
    let mut blob = Vec::new();
    let again = layer::import::recompress(archive, options(Format::Gzip), &mut blob).unwrap();
    assert!(blob == expected, "the old table is dropped, and the new one is the same");
    assert_eq!(again, written);
}
