//! Registries and networks that fail: what passes is survived, what stays is said, and nothing is tagged.

use std::net::TcpListener;

use testkit::{FakeRegistry, Fault, Image};

use crate::target::{REPOSITORY, Target, asked, image};

/// A registry that fails, an image, and a target that pushes the one to the other.
fn faulty(fault: &str) -> (FakeRegistry, Image, Target) {
    let registry = FakeRegistry::start();
    registry.fault(Fault::parse(fault).unwrap());
    let image = image(&[&"layer".repeat(500_000)]);
    let target = Target::image(&registry.host(), &image, &["v1"]);
    (registry, image, target)
}

#[test]
fn what_passes_is_survived() {
    for fault in [
        "HEAD manifests 429+0 2",
        "HEAD manifests 503 2",
        "HEAD manifests drop 1",
        "HEAD blobs 502 2",
        "HEAD blobs 429 3",
        "POST uploads 429+0 2",
        "POST uploads 500 2",
        "POST uploads drop 1",
        "PUT uploads 429 2",
        "PUT uploads 503 2",
        "PUT uploads lose-uploads 1",
        "PUT manifests 429+0 2",
        "PUT manifests 504 2",
        "PUT manifests drop 1",
        "PUT manifests drop-answer 1",
    ] {
        let (registry, image, target) = faulty(fault);
        let ran = target.run(&[]);
        assert_eq!((ran.status, ran.stdout.lines().count()), (0, 2), "{fault}: {}", ran.stderr);
        assert_eq!(registry.manifest(REPOSITORY, "v1").unwrap().digest(), image.manifest.digest(), "{fault}");
        assert_eq!(asked(&registry).last().unwrap(), "PUT manifest v1", "{fault}");
    }
}

#[test]
fn a_status_that_may_pass_is_survived_on_every_verb() {
    // How long a registry may be left alone is bounded here by the target's environment.
    for status in ["408", "429", "429+0", "429+1", "429+5", "500", "502", "503", "503+1", "504"] {
        for request in ["HEAD manifests", "HEAD blobs", "POST uploads", "PUT uploads", "PUT manifests"] {
            let fault = format!("{request} {status} 1");
            let registry = FakeRegistry::start();
            registry.fault(Fault::parse(&fault).unwrap());
            let image = image(&["layer"]);
            Target::image(&registry.host(), &image, &["v1"]).pushes(&[]);
            let found = registry.manifest(REPOSITORY, "v1").unwrap();
            assert_eq!(found.digest(), image.manifest.digest(), "{fault}");
        }
    }
}

#[test]
fn an_upload_that_breaks_goes_on_where_it_broke() {
    for at in [0, 1, 4096, 1 << 20, 2_499_999] {
        let (registry, image, target) = faulty(&format!("PUT uploads drop+{at} 1"));
        // Only the layer is left to be sent.
        registry.add_blob(REPOSITORY, image.config.bytes.clone());
        target.pushes(&[]);
        let sent: u64 = registry.requests().iter().map(|record| record.request_bytes).sum();
        let size = (image.layers[0].bytes.len() + image.manifest.bytes.len()) as u64;
        assert!(sent <= size + size / 10, "dropped at {at}: {sent} bytes for {size}");
    }
}

#[test]
fn an_upload_whose_answer_is_lost_is_not_repeated() {
    let (registry, image, target) = faulty("PUT uploads drop-answer 1");
    registry.add_blob(REPOSITORY, image.config.bytes.clone());
    target.pushes(&[]);
    assert_eq!(asked(&registry).iter().filter(|asked| *asked == "PUT upload").count(), 1);
}

#[test]
fn connection_refused() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let ran = Target::image(&free, &image(&["layer"]), &["v1"]).run(&[]);
    let expected = format!(
        "error: failed to push `//:push`: failed to look for manifest `v1` in `{free}/me/app`: `{free}` refused the connection: Connection refused (os error 111)\n\
         hint: is a registry running at `{free}`?\n"
    );
    assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr), (1, "", expected));
}

#[test]
fn status_403() {
    let hints = "hint: the credentials may lack the right to use `HOST/me/app` this way\n\
                 hint: the registry did not say which credentials it wants\n";
    let layer = image(&[&"layer".repeat(500_000)]).layers[0].digest();
    // The answer to a `HEAD` has no text.
    for (fault, what, said) in [
        ("HEAD manifests 403", "look for manifest `v1` in".to_owned(), ""),
        ("POST uploads 403", format!("push blob `{layer}` to"), ": FORBIDDEN: forbidden"),
        ("PUT manifests 403", "push manifest `v1` to".to_owned(), ": FORBIDDEN: forbidden"),
    ] {
        let (registry, image, target) = faulty(fault);
        registry.add_blob(REPOSITORY, image.config.bytes.clone());
        target.fails(
            &registry,
            &format!(
                "error: failed to push `//:push`: failed to {what} `HOST/me/app`: the registry answered 403 Forbidden{said}\n{hints}"
            ),
        );
        let refused = registry.requests().iter().filter(|record| record.status == 403).count();
        assert_eq!(refused, 1, "{fault}: it is not tried again");
    }
}

#[test]
fn a_repository_that_has_to_be_made_first() {
    let (registry, image, target) = faulty("POST uploads 404");
    registry.add_blob(REPOSITORY, image.config.bytes.clone());
    target.fails(
        &registry,
        &format!(
            "error: failed to push `//:push`: failed to push blob `{}` to `HOST/me/app`: the registry answered 404 Not Found: NOT_FOUND: not found\n\
             hint: some registries want the repository created first: does `HOST/me/app` exist?\n",
            image.layers[0].digest()
        ),
    );
}

#[test]
fn an_outage_that_stays() {
    for (fault, what, said) in [
        ("HEAD manifests 503", "look for manifest `v1` in", ""),
        ("PUT manifests 503", "push manifest `v1` to", ": SERVICE_UNAVAILABLE: service unavailable"),
    ] {
        let (registry, _, target) = faulty(fault);
        target.fails(
            &registry,
            &format!(
                "error: failed to push `//:push`: failed to {what} `HOST/me/app`: the registry answered 503 Service Unavailable{said}\n\
                 hint: it was tried 6 times\n"
            ),
        );
        registry.behave();
        target.pushes(&[]);
    }
}

#[test]
fn an_upload_that_always_breaks() {
    let (registry, image, target) = faulty("PUT uploads drop");
    registry.add_blob(REPOSITORY, image.config.bytes.clone());
    let ran = target.run(&[]);
    let host = registry.host();
    let start = format!(
        "error: failed to push `//:push`: failed to push blob `{}` to `{host}/me/app`: the connection was interrupted: ",
        image.layers[0].digest()
    );
    assert!(ran.stderr.starts_with(&start), "{}", ran.stderr);
    assert!(ran.stderr.ends_with("\nhint: it was tried 6 times\n"), "{}", ran.stderr);
    assert_eq!(ran.status, 1);
    target.assert_nothing_pushed(&registry);
}

#[test]
fn something_that_is_no_registry() {
    let (registry, image, target) = faulty("* / html");
    let hint = "hint: is `HOST` a registry? a proxy or a login page may have answered in its place\n";
    let message = |what: &str| {
        format!(
            "error: failed to push `//:push`: failed to look for manifest {what} in `HOST/me/app`: answered with `text/html` instead of a manifest\n{hint}"
        )
    };
    target.fails(&registry, &message("`v1`"));
    Target::image(&registry.host(), &image, &[])
        .fails(&registry, &message(&format!("`{}`", image.manifest.digest())));
}

#[test]
fn a_page_is_no_confirmation() {
    for (fault, expected) in [
        ("HEAD blobs html", "a blob"),
        ("POST uploads html", "an upload"),
        ("PUT uploads html", "a finished upload"),
        ("PUT manifests html", "a written manifest"),
    ] {
        let (registry, _, target) = faulty(fault);
        let ran = target.run(&[]);
        let said = format!("answered with `text/html` instead of {expected}\n");
        assert!(ran.stderr.contains(&said), "{fault}: {}", ran.stderr);
        assert_eq!((ran.status, ran.stdout.as_str()), (1, ""), "{fault}");
        target.assert_nothing_pushed(&registry);
    }
}
