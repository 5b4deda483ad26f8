//! The process dies before the first change, before the second, and so on to the last: after each death the store is
//! opened again, and all that is visible must be complete.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use cas::Blob;
use oci::{Digest, Repository, media_type};
use serde_json::{Value, json};

use super::cached::recorded;
use super::files::Files;
use super::layout::{LINKS, Layout, MANIFESTS};
use super::repositories::Repositories;
use super::{files, recover, walk};
use crate::document::{Document, PartKind};
use crate::error::Error;
use crate::route::Reference;

/// What was confirmed, and must be there afterwards.
#[derive(Default)]
struct Confirmed {
    tags: Vec<(Repository, &'static str)>,
    blobs: Vec<(Repository, Digest)>,
}

fn repository(name: &str) -> Repository {
    name.parse().unwrap()
}

fn upload(store: &Repositories, name: &str, bytes: &[u8]) -> Result<Digest, Error> {
    let repository = repository(name);
    let path = store.layout.upload(&repository, uuid::Uuid::new_v4());
    store.files.touch(&path)?;
    // Half of it is there when the next change fails.
    fs_err::write(&path, bytes).unwrap();
    let digest = blob::digest_of(bytes);
    store.commit(&repository, &path, digest)?;
    Ok(digest)
}

fn put(store: &Repositories, name: &str, tag: &str, document: &Value) -> Result<Digest, Error> {
    let bytes = document.to_string().into_bytes();
    let digest = blob::digest_of(&bytes);
    let parsed = Document::parse(&bytes, None).unwrap();
    store.put_manifest(&repository(name), (digest, &bytes), &parsed, &[tag.parse().unwrap()])?;
    Ok(digest)
}

fn manifest(blob: Digest, size: usize) -> Value {
    let config = json!({"mediaType": media_type::OCI_CONFIG, "digest": blob, "size": size});
    json!({"schemaVersion": 2, "config": config, "layers": []})
}

/// Everything that changes a store, in the order of a client's requests.
fn live(store: &Repositories, confirmed: &mut Confirmed) -> Result<(), Error> {
    let (a, b) = (repository("a"), repository("a/b"));
    let blob = upload(store, "a", b"content")?;
    confirmed.blobs.push((a.clone(), blob));
    // The same again: the file is not needed.
    upload(store, "a", b"content")?;

    let image = manifest(blob, 7);
    let digest = put(store, "a", "image", &image)?;
    confirmed.tags.push((a.clone(), "image"));
    let descriptor =
        json!({"mediaType": media_type::OCI_MANIFEST, "digest": digest, "size": image.to_string().len()});
    let index = put(store, "a", "index", &json!({"schemaVersion": 2, "manifests": [descriptor]}))?;
    let mut referrer = image;
    referrer["subject"] = descriptor;
    let referrer = put(store, "a", "index", &referrer)?;
    confirmed.tags.push((a.clone(), "index"));

    store.mount(&a, &b, blob)?;
    confirmed.blobs.push((b.clone(), blob));
    // A blob that only the remote cache has.
    let cached = blob::digest_of(b"cached");
    assert!(store.adopt(&b, Blob { digest: cached, size: 6 })?);
    confirmed.blobs.push((b.clone(), cached));
    assert!(!store.adopt(&a, Blob { digest: cached, size: 7 })?);
    assert!(matches!(store.remove_blob(&a, blob), Err(Error::Referenced { .. } | Error::Io(_))));

    // From here on confirmed things go away, whether the request ends or not.
    *confirmed =
        Confirmed { tags: vec![(a.clone(), "image")], blobs: vec![(a.clone(), blob), (b.clone(), blob)] };
    store.remove_blob(&b, cached)?;
    store.remove_manifest(&a, referrer)?;
    store.remove_manifest(&a, index)?;
    confirmed.tags.clear();
    store.remove_tag(&a, &"image".parse().unwrap())?;
    store.remove_manifest(&a, digest)?;
    confirmed.blobs.remove(0);
    store.remove_blob(&a, blob)?;
    confirmed.blobs.clear();
    store.remove_blob(&b, blob)
}

/// What a client could find.
fn check(root: &Path, confirmed: &Confirmed) {
    let layout = Layout::new(root);
    recover::sweep(&layout).unwrap();
    let store = Repositories::new(layout.clone(), Files::new(false));
    for repository in walk::repositories(&layout).unwrap() {
        let folder = layout.repository(&repository);
        for hex in files::names(&folder.join(LINKS)).unwrap() {
            let digest = Digest::from_hex(&hex).unwrap();
            match recorded(&layout, digest).unwrap() {
                Some(size) => assert_eq!(size, 6),
                None => assert_eq!(blob::hash_file(&layout.blob(digest)).unwrap().0, digest),
            }
        }
        for hex in files::names(&folder.join(MANIFESTS)).unwrap() {
            let digest = Digest::from_hex(&hex).unwrap();
            let (_, bytes) = store.manifest(&repository, &Reference::Digest(digest)).unwrap();
            assert_eq!(blob::digest_of(&bytes), digest);
            let document = Document::parse(&bytes, None).unwrap();
            for part in document.parts {
                let there = match part.kind {
                    PartKind::Blob => store.has_blob(&repository, part.digest),
                    PartKind::Manifest => layout.manifest(&repository, part.digest).is_file(),
                };
                assert!(there, "manifest without {part:?}");
            }
            if let Some(subject) = document.subject {
                let referrers = store.referrers(&repository, subject).unwrap();
                assert!(referrers.iter().any(|referrer| referrer.digest == digest));
            }
        }
        for tag in store.tags(&repository).unwrap() {
            store.manifest(&repository, &Reference::Tag(tag)).unwrap();
        }
    }
    for (repository, tag) in &confirmed.tags {
        store.manifest(repository, &Reference::Tag(tag.parse().unwrap())).unwrap();
    }
    for (repository, digest) in &confirmed.blobs {
        assert!(store.has_blob(repository, *digest));
    }
    let linked = walk::linked(&layout).unwrap();
    for contents in [layout.blobs(), layout.all_cached()] {
        for folder in files::names(&contents).unwrap() {
            for hex in files::names(&contents.join(folder)).unwrap() {
                assert!(linked.contains(&Digest::from_hex(&hex).unwrap()), "content that nobody can reach");
            }
        }
    }
}

#[test]
fn whatever_is_visible_is_complete_after_a_death_at_any_change() {
    for deaths in 0.. {
        let folder = tempfile::tempdir().unwrap();
        let mut files = Files::new(false);
        files.remaining = Some(Arc::new(AtomicUsize::new(deaths)));
        let store = Repositories::new(Layout::new(folder.path()), files);
        let mut confirmed = Confirmed::default();
        let outcome = live(&store, &mut confirmed);
        check(folder.path(), &confirmed);
        match outcome {
            Err(Error::Io(error)) => assert_eq!(error.to_string(), "killed"),
            Err(error) => panic!("{error}"),
            Ok(()) => {
                assert!(deaths > 30, "only {deaths} changes");
                assert!(walk::repositories(&store.layout).unwrap().is_empty());
                return;
            }
        }
    }
}
