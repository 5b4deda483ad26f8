//! Deduplicated pushes, staging repositories, sources that other pushes name, and layers that may not be sent.

use plan::{Deduplicate, DeduplicateMode, DeduplicatedContent, Source};
use testkit::{FakeRegistry, Fault, Image};

use crate::target::{Target, asked, image};

fn count(registry: &FakeRegistry, request: &str) -> usize {
    asked(registry).iter().filter(|asked| *asked == request).count()
}

/// Three images with a layer in common, pushed to `me/app`, `me/b` and `me/c`.
fn three(registry: &FakeRegistry, deduplicate: Option<&Deduplicate>) -> (Target, [Image; 3]) {
    let images = ["a", "b", "c"].map(|own| image(&["shared", own]));
    let mut target = Target::image(&registry.host(), &images[0], &["v1"]);
    target.push().deduplicate = deduplicate.cloned();
    target.also("b", &images[1], &["v1"]);
    target.also("c", &images[2], &["v1"]);
    (target, images)
}

fn asked_for(mode: DeduplicateMode, repository: Option<&str>) -> Deduplicate {
    let repository = repository.map(str::to_owned);
    Deduplicate { mode, repository, content: DeduplicatedContent::Blobs }
}

const STRICT: DeduplicateMode = DeduplicateMode::Enabled;
const BEST_EFFORT: DeduplicateMode = DeduplicateMode::BestEffort;

#[test]
fn shared_layers_go_to_one_home() {
    for (pinned, home) in [(None, "me/app"), (Some("shared"), "shared")] {
        let registry = FakeRegistry::start();
        let (target, images) = three(&registry, Some(&asked_for(STRICT, pinned)));
        let ran = target.run(&[]);
        assert_eq!(ran.status, 0, "{}", ran.stderr);
        assert_eq!(count(&registry, "PUT upload"), 7);
        let shared = images[0].layers[0].digest().to_string();
        assert!(registry.blob(home, &shared).is_some(), "{home}");
        let mounts: Vec<String> = registry
            .requests()
            .into_iter()
            .filter(|record| {
                record.path.contains("mount=") && record.path.contains(&shared.replace(':', "%3A"))
            })
            .map(|record| record.path)
            .collect();
        assert!(
            mounts.iter().all(|path| path.contains(&format!("from={}", home.replace('/', "%2F")))),
            "{mounts:?}"
        );
    }
}

#[test]
fn a_pinned_home_gets_all_layers_and_no_configs() {
    let registry = FakeRegistry::start();
    let (target, images) = three(&registry, Some(&asked_for(STRICT, Some("shared"))));
    let ran = target.run(&[]);
    assert!(ran.stderr.contains("; 0 blobs already there, 6 mounted, 7 uploaded ("), "{}", ran.stderr);
    for image in &images {
        for layer in &image.layers {
            assert!(registry.blob("shared", &layer.digest().to_string()).is_some());
        }
        assert!(registry.blob("shared", &image.config.digest().to_string()).is_none());
    }
}

#[test]
fn a_refused_mount_is_an_error_only_if_that_is_wanted() {
    let registry = FakeRegistry::start();
    registry.without_mounts();
    let (target, _) = three(&registry, Some(&asked_for(STRICT, Some("shared"))));
    let ran = target.run(&[]);
    assert_eq!((ran.status, ran.stdout.as_str()), (1, ""));
    let error = format!("` from `{}/shared`, where it was put to be shared, into `", registry.host());
    assert!(
        ran.stderr.contains("error: failed to push `//:b`: the registry did not mount layer `"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains(&error), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("hint: deduplicated_push = \"enabled\" allows no second upload"),
        "{}",
        ran.stderr
    );
    for repository in ["me/app", "me/b", "me/c"] {
        assert!(registry.manifest(repository, "v1").is_none());
    }

    let ran = target.run(&["--deduplicated-push", "best_effort"]);
    assert_eq!((ran.status, ran.stdout.lines().count()), (0, 6), "{}", ran.stderr);
}

#[test]
fn nobody_has_to_mount_what_is_there() {
    let registry = FakeRegistry::start();
    registry.without_mounts();
    let (target, images) = three(&registry, Some(&asked_for(STRICT, Some("shared"))));
    for (image, repository) in images.iter().zip(["me/app", "me/b", "me/c"]) {
        for layer in &image.layers {
            registry.add_blob(repository, layer.bytes.clone());
        }
    }
    let ran = target.run(&[]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
}

#[test]
fn one_who_does_not_insist_softens_all() {
    let registry = FakeRegistry::start();
    registry.without_mounts();
    let (mut target, _) = three(&registry, Some(&asked_for(STRICT, None)));
    target.pushes_mut().last().unwrap().deduplicate = Some(asked_for(BEST_EFFORT, None));
    let ran = target.run(&[]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
}

#[test]
fn a_repository_that_serves_the_layer_is_its_home() {
    let registry = FakeRegistry::start();
    let (target, images) = three(&registry, Some(&asked_for(STRICT, None)));
    Target::image(&registry.host(), &images[2], &["v1"]).run(&["--repository", "me/c"]);
    registry.forget_requests();
    let ran = target.run(&[]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    let mounts: Vec<_> =
        registry.requests().into_iter().filter(|record| record.path.contains("mount=")).collect();
    assert_eq!(mounts.len(), 2);
    assert!(mounts.iter().all(|record| record.path.contains("from=me%2Fc")), "{mounts:?}");
    assert!(ran.stderr.contains(", 2 mounted, 4 uploaded ("), "{}", ran.stderr);
}

#[test]
fn a_home_that_is_only_believed_to_have_it_is_no_reason_to_fail() {
    let registry = FakeRegistry::start();
    let (mut target, images) = three(&registry, Some(&asked_for(STRICT, None)));
    let source = Source { registry: registry.host(), repository: "gone".to_owned() };
    target.plan.blobs.get_mut(&images[0].layers[0].digest()).unwrap().sources.push(source);
    let ran = target.run(&[]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains(", 0 mounted, 9 uploaded ("), "{}", ran.stderr);
}

#[test]
fn artificial_manifests_hold_on_to_layers() {
    let registry = FakeRegistry::start();
    let content = DeduplicatedContent::BlobsAndArtificialManifests;
    let asked_for = Deduplicate { content, ..asked_for(STRICT, Some("shared")) };
    let (target, images) = three(&registry, Some(&asked_for));
    let ran = target.run(&[]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    let written: Vec<String> = registry
        .requests()
        .into_iter()
        .filter(|record| record.method == "PUT" && record.path.starts_with("/v2/shared/manifests/"))
        .map(|record| record.path.rsplit('/').next().unwrap().to_owned())
        .collect();
    assert_eq!(written.len(), 4, "one for each layer");
    let mut layers: Vec<String> = Vec::new();
    for digest in &written {
        let manifest = registry.manifest("shared", digest).unwrap();
        let manifest: oci::Manifest = serde_json::from_slice(&manifest.bytes).unwrap();
        let layer = manifest.layers[0].digest.to_string();
        assert_eq!(
            manifest.annotations["com.github.bazel-contrib.rules-img.artificial-blob-reference"],
            layer
        );
        let config = registry.blob("shared", &manifest.config.digest.to_string()).unwrap();
        let config: serde_json::Value = serde_json::from_slice(&config).unwrap();
        assert_eq!(config["os"], "unknown");
        assert_eq!(config["rootfs"]["diff_ids"][0], layer.as_str(), "plain layers are their own diff id");
        layers.push(layer);
    }
    layers.sort();
    let mut expected: Vec<String> =
        images.iter().flat_map(|image| &image.layers).map(|layer| layer.digest().to_string()).collect();
    expected.sort();
    expected.dedup();
    assert_eq!(layers, expected);

    registry.forget_requests();
    assert_eq!(target.run(&[]).status, 0);
    assert_eq!(registry.requests().len(), 3);
}

#[test]
fn of_two_pinned_homes_the_smaller_name_wins() {
    let registry = FakeRegistry::start();
    let (mut target, images) = three(&registry, Some(&asked_for(STRICT, Some("shared"))));
    target.pushes_mut().last().unwrap().deduplicate = Some(asked_for(STRICT, Some("other")));
    let ran = target.run(&[]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(
        ran.stderr.starts_with("warning: shared layers go to `other`, although `shared` is named as well\n"),
        "{}",
        ran.stderr
    );
    assert!(registry.blob("other", &images[0].layers[0].digest().to_string()).is_some());
    let own = images[0].layers[1].digest().to_string();
    assert!(registry.blob("shared", &own).is_some(), "a layer of one operation goes where that says");
}

#[test]
fn the_command_line_has_the_last_word() {
    let registry = FakeRegistry::start();
    let (target, images) = three(&registry, None);
    let ran = target.run(&[
        "--deduplicated-push=enabled",
        "--deduplicated-push-blob-repository=typed",
        "--deduplicated-push-content=blobs_and_artificial_manifests",
    ]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(registry.blob("typed", &images[2].layers[1].digest().to_string()).is_some());

    let registry = FakeRegistry::start();
    let (target, images) = three(&registry, Some(&asked_for(STRICT, Some("shared"))));
    assert_eq!(target.run(&["--deduplicated-push", "disabled"]).status, 0);
    assert!(registry.blob("shared", &images[0].layers[0].digest().to_string()).is_none());
}

#[test]
fn who_moves_no_layers_cannot_say_how() {
    let registry = FakeRegistry::start();
    let (mut target, _) = three(&registry, None);
    for push in target.pushes_mut() {
        push.strategy = plan::Strategy::CasRegistry;
    }
    let ran = target.run(&["--deduplicated-push", "enabled"]);
    assert_eq!(ran.status, 2);
    assert!(
        ran.stderr.contains(
            "error: failed to push `//:push`: the strategy `cas_registry` does not go with deduplicated pushes\n"
        ),
        "{}",
        ran.stderr
    );
    assert_eq!(registry.requests().len(), 0);
}

#[test]
fn a_layer_that_may_not_be_sent_is_there_or_mounted() {
    let registry = FakeRegistry::start();
    let image = image(&["base layer", "own layer"]);
    registry.add_blob("base", image.layers[0].bytes.clone());
    let host = registry.host();
    let mut target = Target::with_base(&host, &image, &["v1"], &[(&host, "base")]);
    target.push().forbid_layer_push = true;
    let digest = image.layers[1].digest();
    let hint = "hint: let something that may upload put it into the registry first, such as a push at build time, or disable forbid_layer_push\n";
    target.fails(
        &registry,
        &format!(
            "error: failed to push `//:push`: refusing to upload layer `{digest}`: forbid_layer_push is enabled, \
             `HOST/me/app` does not have it, and no repository is known to mount it from\n{hint}"
        ),
    );
    target.push().mount_from = vec![Source { registry: host, repository: "other".to_owned() }];
    target.fails(
        &registry,
        &format!(
            "error: failed to push `//:push`: refusing to upload layer `{digest}`: forbid_layer_push is enabled, \
             `HOST/me/app` does not have it, and it could not be mounted from `other`\n{hint}"
        ),
    );
    assert!(registry.blob("me/app", &digest.to_string()).is_none());
    registry.add_blob("other", image.layers[1].bytes.clone());
    let line = target.pushes(&[]);
    // The config may be sent, and perhaps was by a push that failed then.
    assert!(line.contains(" 2 mounted, "), "{line}");
}

#[test]
fn a_dry_run_says_that_a_layer_may_not_be_sent() {
    let registry = FakeRegistry::start();
    let mut target = Target::image(&registry.host(), &image(&["layer"]), &["v1"]);
    target.push().forbid_layer_push = true;
    let ran = target.run(&["--dry-run"]);
    assert_eq!(ran.status, 1);
    assert!(ran.stderr.contains(": refusing to upload layer `"), "{}", ran.stderr);
}

#[test]
fn what_one_may_not_send_another_may() {
    let registry = FakeRegistry::start();
    let images = ["a", "b"].map(|own| image(&["shared", own]));
    let mut target = Target::image(&registry.host(), &images[0], &["v1"]);
    target.also("b", &images[1], &["v1"]);
    target.push().forbid_layer_push = true;
    registry.add_blob("me/app", images[0].layers[1].bytes.clone());
    let ran = target.run(&[]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(registry.blob("me/app", &images[0].layers[0].digest().to_string()).is_some());
}

#[test]
fn layers_are_mounted_from_where_another_push_put_them() {
    let registry = FakeRegistry::start();
    let (first, second) = (image(&["shared", "first"]), image(&["shared", "second"]));
    Target::image(&registry.host(), &first, &["v1"]).run(&["--repository", "me/first"]);
    let mut target = Target::image(&registry.host(), &second, &["v1"]);
    target.push().mount_from = vec![Source { registry: registry.host(), repository: "me/first".to_owned() }];
    let line = target.pushes(&[]);
    assert!(line.contains(", 1 mounted, 2 uploaded ("), "{line}");

    target.push().cross_mount = plan::CrossMount::Disabled;
    let ran = target.run(&["--repository", "me/third"]);
    assert!(ran.stderr.contains(", 0 mounted, 3 uploaded ("), "{}", ran.stderr);
}

#[test]
fn layers_that_the_build_put_somewhere_are_mounted() {
    let registry = FakeRegistry::start();
    let (mut target, images) = three(&registry, None);
    for push in target.pushes_mut() {
        push.staging_repository = Some("staging".to_owned());
    }
    registry.add_blob("staging", images[0].layers[0].bytes.clone());
    registry.add_blob("staging", images[0].layers[1].bytes.clone());
    let ran = target.run(&[]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains(", 6 mounted, 5 uploaded ("), "{}", ran.stderr);
    for image in &images {
        assert!(registry.blob("staging", &image.layers[1].digest().to_string()).is_some());
    }
    let shared = format!("/v2/staging/blobs/{}", images[0].layers[0].digest());
    let asked = registry.requests().into_iter().filter(|record| record.path == shared).count();
    assert_eq!(asked, 1);
}

#[test]
fn staged_layers_that_are_not_mounted_are_sent() {
    let registry = FakeRegistry::start();
    let image = image(&["layer"]);
    registry.add_blob("staging", image.layers[0].bytes.clone());
    registry.fault(Fault::parse("POST mount= 404").unwrap());
    let mut target = Target::image(&registry.host(), &image, &["v1"]);
    target.push().staging_repository = Some("staging".to_owned());
    let ran = target.run(&[]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(registry.blob("me/app", &image.layers[0].digest().to_string()).is_some());
}
