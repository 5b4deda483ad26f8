use plan::{DeduplicateMode, DeduplicatedContent};

use super::*;

const BYTES: [u8; 32] = [3; 32];

fn remote(repository: &str) -> Remote {
    Remote::new("ghcr.io".parse().unwrap(), repository.parse().unwrap())
}

fn wish(operation: usize, repository: &str) -> Wish {
    Wish {
        operation,
        remote: remote(repository),
        blob: Descriptor::new(oci::media_type::OCI_LAYER, Digest::from_bytes(BYTES), 1),
        diff_id: None,
        is_layer: true,
        may_upload: true,
        may_share: true,
        sources: Vec::new(),
        staging: None,
        deduplicate: None,
    }
}

fn asked(mode: DeduplicateMode, pinned: Option<&str>) -> Deduplication {
    let pinned = pinned.map(|pinned| pinned.parse().unwrap());
    Deduplication { mode, content: DeduplicatedContent::Blobs, pinned }
}

fn strict(operation: usize, repository: &str, pinned: Option<&str>) -> Wish {
    Wish { deduplicate: Some(asked(DeduplicateMode::Enabled, pinned)), ..wish(operation, repository) }
}

/// Where each place is mounted from: `place<home`, with `!` if strict and `?` if inferred.
fn planned(wishes: &[Wish], served: &[&str]) -> Vec<String> {
    let served = served.iter().map(|name| name.parse().unwrap()).collect::<BTreeSet<Repository>>();
    let served = BTreeMap::from([(Digest::from_bytes(BYTES), served)]);
    let landings = Landings::plan(wishes, &served);
    let home = |home: &Home| {
        let mark = if home.strict {
            "!"
        } else if home.inferred {
            "?"
        } else {
            ""
        };
        format!("<{}{mark}", home.repository)
    };
    let each = landings.by_place.iter();
    each.map(|((remote, _), landing)| {
        format!("{}{}", remote.repository, landing.home.as_ref().map(home).unwrap_or_default())
    })
    .collect()
}

#[test]
fn what_several_need_is_sent_to_the_first_that_may() {
    let table: [(Vec<Wish>, &[&str]); 7] = [
        (vec![wish(0, "b"), wish(1, "a")], &["a<b", "b"]),
        (vec![wish(0, "a")], &["a"]),
        (vec![wish(0, "a"), wish(1, "a")], &["a"]),
        (vec![Wish { may_upload: false, ..wish(0, "a") }, wish(1, "b")], &["a<b", "b"]),
        (vec![Wish { may_share: false, ..wish(0, "a") }, wish(1, "b"), wish(2, "c")], &["a", "b", "c<b"]),
        (
            vec![Wish { is_layer: false, ..wish(0, "a") }, Wish { is_layer: false, ..wish(1, "b") }],
            &["a", "b"],
        ),
        // `a` is named as a source of `b`.
        (
            vec![wish(0, "c"), wish(1, "a"), Wish { sources: vec!["a".parse().unwrap()], ..wish(2, "b") }],
            &["a", "b<a", "c<a"],
        ),
    ];
    for (wishes, expected) in table {
        assert_eq!(planned(&wishes, &["served"]), expected, "{wishes:?}");
    }
}

#[test]
fn homes_of_deduplicated_pushes() {
    let upstream = |wish: Wish| Wish { sources: vec!["base".parse().unwrap()], ..wish };
    let staged = |wish: Wish| Wish { staging: Some("staging".parse().unwrap()), ..wish };
    let two = |pinned| vec![strict(0, "b", pinned), strict(1, "a", pinned)];
    let with =
        |change: &dyn Fn(Wish) -> Wish, pinned| two(pinned).into_iter().map(change).collect::<Vec<_>>();
    let named = |wish: Wish| Wish { sources: vec!["c".parse().unwrap()], ..wish };
    let table: [(Vec<Wish>, &[&str], &[&str]); 9] = [
        // What is named as a source may be a destination, which has nothing yet.
        (
            vec![strict(0, "c", None), strict(1, "a", None), named(strict(2, "b", None))],
            &[],
            &["a<c!", "b<c!", "c"],
        ),
        // The alphabetically first.
        (two(None), &[], &["a", "b<a!"]),
        (with(&staged, None), &[], &["a<staging!", "b<staging!", "staging"]),
        (with(&|wish| upstream(staged(wish)), None), &[], &["a<base?", "b<base?"]),
        (with(&upstream, None), &["z", "y"], &["a<y?", "b<y?"]),
        (with(&upstream, Some("pin")), &["y"], &["a<pin!", "b<pin!", "pin"]),
        // One repository shares with nobody, unless it is pinned.
        (vec![strict(0, "a", None)], &["y"], &["a"]),
        (vec![strict(0, "a", Some("pin"))], &["y"], &["a<pin!", "pin"]),
        // One who did not ask is left out.
        (vec![strict(0, "b", None), wish(1, "a")], &[], &["a", "b"]),
    ];
    for (wishes, served, expected) in table {
        assert_eq!(planned(&wishes, served), expected, "{wishes:?}");
    }
    let mut mixed = two(None);
    mixed[0].deduplicate = Some(asked(DeduplicateMode::BestEffort, None));
    assert_eq!(planned(&mixed, &[]), ["a", "b<a"]);
}

#[test]
fn a_home_is_never_mounted_from_elsewhere_in_the_same_run() {
    // Operations of all kinds on few repositories: whatever is planned, following the homes ends.
    let names = ["a", "b", "c"];
    let mut number: u32 = 1;
    let mut next = |below: u32| {
        number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (number >> 16) % below
    };
    for _ in 0..2000 {
        let wishes: Vec<Wish> = (0..5)
            .map(|operation| {
                let mut pick = || names[next(3) as usize].parse::<Repository>().unwrap();
                let (place, staging, pinned) = (pick(), pick(), pick());
                Wish {
                    staging: Some(staging).filter(|staging| next(2) == 0 && *staging != place),
                    deduplicate: (next(2) == 0).then(|| Deduplication {
                        pinned: Some(pinned).filter(|_| next(2) == 0),
                        ..asked(DeduplicateMode::Enabled, None)
                    }),
                    ..wish(operation, place.as_str())
                }
            })
            .collect();
        let landings = Landings::plan(&wishes, &BTreeMap::new());
        for place in landings.by_place.keys() {
            let mut at = place.clone();
            let mut steps = 0;
            while let Some(home) = landings.by_place[&at].home.as_ref().filter(|home| !home.inferred) {
                at.0.repository = home.repository.clone();
                steps += 1;
                assert!(steps < 4, "{wishes:?}");
            }
        }
    }
}

#[test]
fn conflicts_are_noted() {
    let landings = Landings::plan(&[strict(0, "a", Some("y")), strict(1, "b", Some("x"))], &BTreeMap::new());
    let notes: Vec<String> = landings.notes.into_iter().collect();
    assert_eq!(notes, ["shared layers go to `x`, although `y` is named as well"]);
    let forbidden: Vec<Wish> = [strict(0, "a", Some("x")), strict(1, "b", Some("x"))]
        .into_iter()
        .map(|wish| {
            let content = DeduplicatedContent::BlobsAndArtificialManifests;
            let deduplicate = wish.deduplicate.clone().map(|asked| Deduplication { content, ..asked });
            Wish { may_upload: false, deduplicate, ..wish }
        })
        .collect();
    let landings = Landings::plan(&forbidden, &BTreeMap::new());
    assert!(landings.by_place.values().all(|landing| landing.artificial.is_none()));
    let notes: Vec<String> = landings.notes.into_iter().collect();
    assert_eq!(notes, ["no artificial manifests are written, because layers may not be pushed"]);
}
