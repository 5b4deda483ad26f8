//! Every format, by what is in it.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use layout::{
    Archive, Blob, Image, LayoutError, MissingBlobs, Names, Piece, archive_pieces, write_archive,
    write_directory, write_sparse,
};
use oci::Platform;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::images::{Single, add, index, single};

/// An image of two layers, one of them twice.
fn one() -> (TempDir, Image, Single) {
    let folder = tempfile::tempdir().unwrap();
    let layers = ["lower", "upper", "lower"];
    let single = single("amd64", &layers);
    let mut image = Image::new(single.manifest.descriptor.clone());
    add(&mut image, &single, folder.path(), &layers);
    (folder, image, single)
}

/// An image for two platforms, the second one behind an inner index.
fn two() -> (TempDir, Image, [Single; 2]) {
    let folder = tempfile::tempdir().unwrap();
    let images = [single("amd64", &["shared", "amd"]), single("arm64", &["shared", "arm"])];
    let inner = index(&[&images[1].manifest]);
    let outer = index(&[&images[0].manifest, &inner]);
    let mut image = Image::new(outer.descriptor.clone());
    for document in [outer, inner] {
        image.add_index(document.bytes).unwrap();
    }
    for (single, layers) in images.iter().zip([["shared", "amd"], ["shared", "arm"]]) {
        add(&mut image, single, folder.path(), &layers);
    }
    (folder, image, images)
}

fn archive(image: &Image, options: &Archive) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_archive(image, options, &mut bytes).unwrap();
    bytes
}

/// Names in order, and contents.
fn listed(archive: &[u8]) -> (Vec<String>, BTreeMap<String, Vec<u8>>) {
    let mut names = Vec::new();
    let mut contents = BTreeMap::new();
    let mut tar = tar::Archive::new(archive);
    for entry in tar.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().to_str().unwrap().to_owned();
        let expected = if name.ends_with('/') { 0o755 } else { 0o644 };
        let header = entry.header();
        assert_eq!((header.mode().unwrap(), header.mtime().unwrap()), (expected, 0), "{name}");
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        names.push(name.clone());
        contents.insert(name, content);
    }
    (names, contents)
}

fn json_of(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs_err::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            found.extend(files(&path).into_iter().map(|inner| format!("{name}/{inner}")));
        } else {
            found.push(name);
        }
    }
    found.sort();
    found
}

fn blob(digest: oci::Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

/// Paths of the blobs of an image, sorted.
fn blobs(images: &[&Single], more: &[oci::Digest]) -> Vec<String> {
    let mut digests: Vec<oci::Digest> = more.to_vec();
    for image in images {
        digests.extend([image.manifest.descriptor.digest, image.config.descriptor.digest]);
        digests.extend(&image.layers);
    }
    let mut paths: Vec<String> = digests.into_iter().map(blob).collect();
    paths.sort();
    paths.dedup();
    paths
}

#[test]
fn a_folder() {
    let (_sources, image, single) = one();
    let folder = tempfile::tempdir().unwrap();
    write_directory(&image, folder.path(), MissingBlobs::Refuse).unwrap();
    let mut expected = blobs(&[&single], &[]);
    expected.extend(["index.json".to_owned(), "oci-layout".to_owned()]);
    assert_eq!(files(folder.path()), expected);
    let index = json_of(&fs_err::read(folder.path().join("index.json")).unwrap());
    assert_eq!(index["manifests"], json!([single.manifest.descriptor]));
    assert_eq!(
        fs_err::read_to_string(folder.path().join("oci-layout")).unwrap(),
        "{\n  \"imageLayoutVersion\": \"1.0.0\"\n}"
    );
    for path in blobs(&[&single], &[]) {
        let content = fs_err::read(folder.path().join(&path)).unwrap();
        assert!(path.ends_with(&::blob::digest_of(&content).hex()), "{path}");
    }
}

#[test]
fn an_archive_is_the_folder() {
    let (_sources, image, single) = one();
    let bytes = archive(&image, &Archive::default());
    let (names, contents) = listed(&bytes);
    let mut expected: Vec<String> =
        ["blobs/", "blobs/sha256/", "oci-layout", "index.json"].map(str::to_owned).to_vec();
    expected.extend(blobs(&[&single], &[]));
    assert_eq!(names, expected);
    assert_eq!(contents[&blob(single.layers[0])], b"lower");
    assert_eq!(archive(&image, &Archive::default()), bytes);
}

#[test]
fn the_index_of_several_platforms_is_the_index_file() {
    let (_sources, image, [amd, arm]) = two();
    let (names, contents) = listed(&archive(&image, &Archive::default()));
    let root = json_of(&contents["index.json"]);
    let inner: oci::Digest = root["manifests"][1]["digest"].as_str().unwrap().parse().unwrap();
    assert_eq!(names[4..], blobs(&[&amd, &arm], &[inner]), "no blob of the index itself");

    let folder = tempfile::tempdir().unwrap();
    write_directory(&image, folder.path(), MissingBlobs::Refuse).unwrap();
    assert_eq!(fs_err::read(folder.path().join("index.json")).unwrap(), contents["index.json"]);
    assert_eq!(files(folder.path()).len(), names.len() - 2);
}

#[test]
fn docker_finds_one_platform_and_others_all() {
    let (_sources, image, [amd, arm]) = two();
    let table = [
        (None, &amd),
        (Some(Platform::new("linux", "arm64", "")), &arm),
        (Some(Platform::new("linux", "arm64", "v9")), &arm),
        (Some(Platform::new("linux", "s390x", "")), &amd),
    ];
    for (platform, expected) in table {
        let names = Names { names: vec!["localhost:5000/a:1".to_owned()], platform, ..Names::default() };
        let options = Archive { names: Some(names), missing: MissingBlobs::Refuse };
        let (order, contents) = listed(&archive(&image, &options));
        assert_eq!(order[2..5], ["oci-layout", "index.json", "manifest.json"]);
        assert_eq!(
            json_of(&contents["manifest.json"]),
            json!([{"Config": blob(expected.config.descriptor.digest), "RepoTags": ["localhost:5000/a:1"],
                    "Layers": expected.layers.iter().map(|layer| blob(*layer)).collect::<Vec<_>>()}])
        );
        let index = json_of(&contents["index.json"]);
        let root: oci::Digest = index["manifests"][0]["digest"].as_str().unwrap().parse().unwrap();
        assert!(contents.contains_key(&blob(root)), "the index is a blob here");
    }
}

#[test]
fn every_name_has_an_entry() {
    let (_sources, image, single) = one();
    for (ref_name_is_tag, first, second) in
        [(false, "docker.io/a/b", "localhost:5000/a:1"), (true, "latest", "1")]
    {
        let names = vec!["docker.io/a/b".to_owned(), "localhost:5000/a:1".to_owned()];
        let names = Names { names, ref_name_is_tag, ..Names::default() };
        let options = Archive { names: Some(names), missing: MissingBlobs::Refuse };
        let (_, contents) = listed(&archive(&image, &options));
        let index = json_of(&contents["index.json"]);
        let annotations = |at: usize| index["manifests"][at]["annotations"].clone();
        assert_eq!(index["manifests"].as_array().unwrap().len(), 2);
        assert_eq!(annotations(0)["note"], "größer");
        assert_eq!(annotations(1)["io.containerd.image.name"], "localhost:5000/a:1");
        assert_eq!(annotations(1)["com.apple.containerization.image.name"], "localhost:5000/a:1");
        assert_eq!(annotations(0)["org.opencontainers.image.ref.name"], first);
        assert_eq!(annotations(1)["org.opencontainers.image.ref.name"], second);
        assert_eq!(index["manifests"][0]["digest"], json!(single.manifest.descriptor.digest));
    }
}

#[test]
fn short_names_are_completed_where_docker_and_containerd_look() {
    let (_sources, image, _single) = one();
    for (for_podman, expected) in [(false, "docker.io/me/app:1"), (true, "me/app:1")] {
        let names = Names { names: vec!["me/app:1".to_owned()], for_podman, ..Names::default() };
        let options = Archive { names: Some(names), missing: MissingBlobs::Refuse };
        let (_, contents) = listed(&archive(&image, &options));
        let annotations = json_of(&contents["index.json"])["manifests"][0]["annotations"].clone();
        assert_eq!(annotations["io.containerd.image.name"], expected);
        assert_eq!(annotations["org.opencontainers.image.ref.name"], "me/app:1");
        assert_eq!(json_of(&contents["manifest.json"])[0]["RepoTags"], json!(["me/app:1"]));
    }
}

#[test]
fn sparse_layouts_have_no_layers() {
    let (_sources, image, [amd, arm]) = two();
    let folder = tempfile::tempdir().unwrap();
    write_sparse(&image, folder.path()).unwrap();
    let found = files(folder.path());
    assert!(found.contains(&"sparse-oci-layout".to_owned()) && !found.contains(&"oci-layout".to_owned()));
    for single in [&amd, &arm] {
        assert!(found.contains(&blob(single.config.descriptor.digest)));
        for layer in &single.layers {
            assert!(!found.contains(&blob(*layer)));
            let said = folder.path().join(format!("{}.descriptor.json", blob(*layer)));
            assert_eq!(json_of(&fs_err::read(said).unwrap())["digest"], json!(layer));
        }
    }
    // Two indexes, two manifests, two configs, three layers, the marker and the root's descriptor.
    assert_eq!(found.len(), 11);
}

#[test]
fn missing_blobs() {
    let single = single("amd64", &["layer"]);
    let mut image = Image::new(single.manifest.descriptor.clone());
    let add = |image: &mut Image, layers| image.add_manifest(single.manifest.bytes.clone(), None, layers);
    assert!(matches!(
        write_archive(&image, &Archive::default(), &mut Vec::new()),
        Err(LayoutError::NoRoot(_))
    ));
    add(&mut image, vec![None]).unwrap();
    let error = write_archive(&image, &Archive::default(), &mut Vec::new()).unwrap_err();
    assert!(error.to_string().starts_with("2 of the image's blobs are not part of the build"), "{error}");
    let options = Archive { names: None, missing: MissingBlobs::LeaveOut };
    let (names, _) = listed(&archive(&image, &options));
    assert_eq!(names[4..], [blob(single.manifest.descriptor.digest)]);
    assert!(matches!(add(&mut image, vec![]), Err(LayoutError::LayerCount { expected: 1, found: 0, .. })));
}

#[test]
fn files_that_are_something_else() {
    let (sources, image, single) = one();
    let upper = sources.path().join(single.layers[1].hex());
    for content in ["uppeR", "up", "upper and more"] {
        fs_err::write(&upper, content).unwrap();
        let error = write_archive(&image, &Archive::default(), &mut Vec::new()).unwrap_err();
        assert!(matches!(&error, LayoutError::Blob { path, .. } if *path == upper), "{content}: {error}");
    }
    let folder = tempfile::tempdir().unwrap();
    let error = write_directory(&image, folder.path(), MissingBlobs::Refuse).unwrap_err();
    assert!(matches!(error, LayoutError::Blob { .. }), "{error}");

    let mut other = Image::new(single.manifest.descriptor.clone());
    let wrong = other.add_manifest(single.manifest.bytes.clone(), Some(b"{}".to_vec()), vec![None; 3]);
    assert!(matches!(wrong, Err(LayoutError::Config { .. })));
}

#[test]
fn an_archive_in_pieces_is_the_same() {
    let (_sources, image, singles) = two();
    let names = Names { names: vec!["localhost/app:1".into()], ..Names::default() };
    let options = Archive { names: Some(names), missing: MissingBlobs::Refuse };
    let whole = archive(&image, &options);
    let pieces = archive_pieces(&image, &options).unwrap();
    assert_eq!(pieces.last(), Some(&Piece::Bytes(vec![0; 1024])));
    let mut joined = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Bytes(bytes) => joined.extend(bytes),
            Piece::Blob(_, Blob::File(path, _)) => joined.extend(fs_err::read(path).unwrap()),
            Piece::Blob(digest, other) => panic!("{digest}: {other:?}"),
        }
    }
    assert_eq!(joined, whole);

    // Blobs that others bring have the same place.
    let [first, _] = &singles;
    let mut streamed = Image::new(first.manifest.descriptor.clone());
    let config = Some(first.config.bytes.clone());
    streamed.add_manifest(first.manifest.bytes.clone(), config, vec![None, None]).unwrap();
    let sizes = [("shared", first.layers[0]), ("amd", first.layers[1])];
    streamed.add_blob(sizes[0].1, Blob::Elsewhere(6));
    let options = Archive { names: None, missing: MissingBlobs::LeaveOut };
    let pieces = archive_pieces(&streamed, &options).unwrap();
    let elsewhere: Vec<_> = pieces.iter().filter(|piece| matches!(piece, Piece::Blob(..))).collect();
    assert_eq!(elsewhere, [&Piece::Blob(sizes[0].1, &Blob::Elsewhere(6))]);
    assert!(matches!(
        write_archive(&streamed, &options, &mut std::io::sink()).unwrap_err(),
        LayoutError::Missing(missing) if missing == [sizes[0].1]
    ));
}
