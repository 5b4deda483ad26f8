//! What is no base image.

use serde_json::json;
use testkit::{Document, FakeRegistry, artifact, image, index};

use crate::command::Folder;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

#[test]
fn an_artifact() {
    let registry = FakeRegistry::start();
    let digest = registry.add("a/b", "1", &artifact("application/vnd.cncf.helm.config.v1+json"));
    Folder::new().fails(
        &registry.host(),
        "1",
        &format!(
            "error: `{digest}` is an artifact of type `application/vnd.cncf.helm.config.v1+json`, not an image\n\
             hint: a base has to be a container image: check the repository and the digest or tag\n"
        ),
    );
}

#[test]
fn an_index_without_images() {
    let registry = FakeRegistry::start();
    let attestation = image("unknown/unknown", "statement");
    registry.add("a/b", "", &attestation);
    let empty = registry.add_manifest("a/b", "empty", &index(&[]));
    let only = registry.add_manifest("a/b", "only", &index(&[("unknown/unknown", &attestation)]));
    for (tag, digest, entries) in [("empty", empty, 0), ("only", only, 1)] {
        Folder::new().fails(
            &registry.host(),
            tag,
            &format!(
                "error: index `{digest}` holds no image, only {entries} other entries\n\
                 hint: check that the tag or digest is that of the image and not of its signatures or attestations\n"
            ),
        );
    }
}

/// What is said of a manifest, written for the rules.
fn descriptor(folder: &Folder, digest: &str) -> serde_json::Value {
    let name = format!("descriptors/sha256/{}.json", digest.strip_prefix("sha256:").unwrap());
    serde_json::from_slice(&fs_err::read(folder.output().join(name)).unwrap()).unwrap()
}

#[test]
fn descriptors_name_the_platform() {
    let registry = FakeRegistry::start();
    let (arm, attestation) = (image("linux/arm64", "layer"), image("unknown/unknown", "statement"));
    for image in [&arm, &attestation] {
        registry.add("a/b", "", image);
    }
    let entry = |image: &testkit::Image, os: &str, architecture: &str| {
        let mut entry = image.manifest.descriptor();
        entry["platform"] = json!({"os": os, "architecture": architecture});
        entry["annotations"] = json!({"note": "größer"});
        entry
    };
    let entries = [entry(&arm, "linux", "arm64"), entry(&attestation, "unknown", "unknown")];
    let root = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries});
    let root = registry.add_manifest("a/b", "1", &testkit::Document::json(INDEX, &root)).to_string();
    let folder = Folder::new();
    folder.pull_silently(&registry, "1");

    assert_eq!(descriptor(&folder, &root)["mediaType"], INDEX);
    let said = descriptor(&folder, &arm.manifest.digest().to_string());
    assert_eq!(said["platform"], json!({"os": "linux", "architecture": "arm64", "variant": "v8"}));
    assert_eq!(said["annotations"], json!({"note": "größer"}));
    assert_eq!(descriptor(&folder, &attestation.manifest.digest().to_string()), entries[1]);

    // A single manifest has its platform in its config.
    let folder = Folder::new();
    folder.pull_silently(&registry, &arm.manifest.digest().to_string());
    let said = descriptor(&folder, &arm.manifest.digest().to_string());
    assert_eq!(said["platform"]["architecture"], "arm64");
}

#[test]
fn attestations_are_kept_without_their_configs() {
    let registry = FakeRegistry::start();
    let (real, attestation) = (image("linux/amd64", "layer"), image("unknown/unknown", "statement"));
    registry.add("a/b", "", &real);
    registry.add("a/b", "", &attestation);
    registry.add_manifest("a/b", "1", &index(&[("linux/amd64", &real), ("unknown/unknown", &attestation)]));
    let folder = Folder::new();
    assert_eq!(folder.pull_silently(&registry, "1")["requests"], 4);
    assert!(folder.blobs().contains(&attestation.manifest.digest().hex()));
    assert!(!folder.blobs().contains(&attestation.config.digest().hex()));
}

/// An index with one entry, which is an index, too.
fn index_of_index(registry: &FakeRegistry, tag: &str, inner: &Document) -> Document {
    let outer = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [inner.descriptor()]});
    let outer = Document::json(INDEX, &outer);
    registry.add_manifest("a/b", tag, &outer);
    outer
}

#[test]
fn an_index_within_an_index() {
    let registry = FakeRegistry::start();
    let (amd, arm) = (image("linux/amd64", "layer"), image("linux/arm64", "layer"));
    for image in [&amd, &arm] {
        registry.add("a/b", "", image);
    }
    let inner = index(&[("linux/amd64", &amd), ("linux/arm64", &arm)]);
    registry.add_manifest("a/b", "", &inner);
    index_of_index(&registry, "1", &inner);
    let folder = Folder::new();
    // Outer index, inner index, two manifests, two configs.
    assert_eq!(folder.pull_silently(&registry, "1")["requests"], 6);
    for document in [&inner, &amd.manifest, &arm.config] {
        assert!(folder.blobs().contains(&document.digest().hex()));
    }
    let said = descriptor(&folder, &arm.manifest.digest().to_string());
    assert_eq!(said["platform"]["architecture"], "arm64");
}

#[test]
fn indexes_within_indexes_without_end() {
    let registry = FakeRegistry::start();
    let real = image("linux/amd64", "layer");
    registry.add("a/b", "", &real);
    let mut outer = index(&[("linux/amd64", &real)]);
    registry.add_manifest("a/b", "", &outer);
    for level in 0..5 {
        outer = index_of_index(&registry, &level.to_string(), &outer);
    }
    let folder = Folder::new();
    folder.pull_silently(&registry, "3");
    Folder::new().fails(
        &registry.host(),
        "4",
        &format!(
            "error: index `{}` holds indexes within indexes, more than 4 levels of them\n\
             hint: pull one of the inner indexes by its digest\n",
            outer.digest()
        ),
    );
}

#[test]
fn the_old_schema_1() {
    let registry = FakeRegistry::start();
    let media_type = "application/vnd.docker.distribution.manifest.v1+prettyjws";
    let old = Document::json(media_type, &json!({"schemaVersion": 1, "fsLayers": []}));
    registry.add_manifest("a/b", "1", &old);
    let ran = Folder::new().pull(&[&registry.host()], "1");
    assert_eq!(ran.status, 1);
    assert!(ran.stderr.contains("a manifest of the old schema 1"), "{}", ran.stderr);
}

#[test]
fn sizes_and_types_that_lie() {
    let registry = FakeRegistry::start();
    let image = image("linux/amd64", "layer");
    registry.add("a/b", "", &image);
    let honest = image.manifest.descriptor();
    for (key, value, expected) in [
        ("size", json!(1), "bytes, but its descriptor says 1\n"),
        (
            "mediaType",
            json!("application/vnd.docker.distribution.manifest.v2+json"),
            "but the index says `application/vnd.docker",
        ),
    ] {
        let mut entry = honest.clone();
        entry[key] = value;
        let lying = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]});
        registry.add_manifest("a/b", key, &Document::json(INDEX, &lying));
        let ran = Folder::new().pull(&[&registry.host()], key);
        assert_eq!(ran.status, 1);
        assert!(ran.stderr.contains(expected), "{}", ran.stderr);
    }
}
