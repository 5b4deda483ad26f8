//! Who may use whom. A new crate, or a new arrow, has to be entered here, and so to be thought about.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, NodeDep, PackageId};

/// Crate: which of ours it may use, in normal and build dependencies.
const ARROWS: &[(&str, &[&str])] = &[
    // Libraries.
    ("oci", &[]),
    ("tool", &[]),
    ("template", &[]),
    ("auth", &[]),
    ("blob", &["oci"]),
    ("blobcache", &[]),
    ("cas", &["auth", "blob", "blobcache", "oci"]),
    ("plan", &["oci"]),
    ("layer", &["blob", "oci"]),
    ("layout", &["blob", "oci"]),
    ("registry", &["auth", "blob", "oci"]),
    ("connect", &["auth", "registry", "tool"]),
    ("connect-cache", &["auth", "cas", "tool"]),
    ("containerd-api", &[]),
    ("containerd", &["blob", "containerd-api", "oci"]),
    ("serving", &["tool"]),
    ("deploy", &["blob", "cas", "connect-cache", "oci", "plan", "registry", "tool"]),
    ("load", &["blob", "containerd", "deploy", "layout", "oci", "plan", "registry", "tool"]),
    ("testkit", &["blobcache", "containerd-api", "oci", "tool"]),
    ("fuzz", &["layer", "oci"]),
    // Programs.
    ("fetcher", &["blob", "connect", "oci", "registry", "tool"]),
    ("builder", &["blob", "layer", "layout", "oci", "plan", "template", "tool"]),
    ("pusher", &["blob", "connect", "connect-cache", "deploy", "load", "oci", "plan", "registry", "tool"]),
    ("tester", &["layout", "oci", "tool"]),
    // Servers.
    ("registry-server", &["blob", "blobcache", "cas", "connect-cache", "oci", "serving", "tool"]),
    (
        "bes",
        &["blob", "cas", "connect", "connect-cache", "deploy", "oci", "plan", "registry", "serving", "tool"],
    ),
];

/// Program: what must be nowhere below it.
const BANS: &[(&str, &[&str])] = &[
    (
        "builder",
        &["tokio", "reqwest", "hyper", "rustls", "ring", "tonic", "prost", "socket2", "rand", "uuid"],
    ),
    ("fetcher", &["tonic", "prost"]),
    ("tester", &["tokio", "reqwest", "hyper", "rustls", "ring"]),
    // A server loads nothing.
    ("bes", &["load", "containerd"]),
];

fn metadata() -> Metadata {
    let version = Command::new("rustc").arg("-vV").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned();
    // Packages for other systems are not there to be looked at when nobody built for them.
    let options = ["--locked".to_owned(), "--offline".to_owned(), "--filter-platform".to_owned(), host];
    MetadataCommand::new().manifest_path("../../Cargo.toml").other_options(options).exec().unwrap()
}

fn is_shipped(dependency: &NodeDep) -> bool {
    dependency.dep_kinds.iter().any(|kind| kind.kind != DependencyKind::Development)
}

fn names(metadata: &Metadata) -> BTreeMap<PackageId, String> {
    metadata.packages.iter().map(|package| (package.id.clone(), package.name.to_string())).collect()
}

/// Names of everything that a package needs to be built or to run.
fn closure(metadata: &Metadata, root: &PackageId) -> BTreeSet<String> {
    let names = names(metadata);
    let nodes: BTreeMap<_, _> =
        metadata.resolve.as_ref().unwrap().nodes.iter().map(|node| (&node.id, node)).collect();
    let mut seen = BTreeSet::new();
    let mut todo = vec![root];
    while let Some(id) = todo.pop() {
        if seen.insert(id) {
            todo.extend(nodes[id].deps.iter().filter(|dependency| is_shipped(dependency)).map(|d| &d.pkg));
        }
    }
    seen.into_iter().map(|id| names[id].clone()).collect()
}

#[test]
fn arrows_between_our_crates_are_those_of_the_table() {
    let metadata = metadata();
    let names = names(&metadata);
    let members: BTreeSet<&PackageId> = metadata.workspace_members.iter().collect();
    let table: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let ours: BTreeSet<&str> = members.iter().map(|id| names[*id].as_str()).collect();
    assert_eq!(
        ours,
        table.keys().copied().collect(),
        "every crate has a line in the table, and every line a crate"
    );
    for node in metadata.resolve.as_ref().unwrap().nodes.iter().filter(|node| members.contains(&node.id)) {
        let used =
            node.deps.iter().filter(|dependency| members.contains(&dependency.pkg) && is_shipped(dependency));
        for dependency in used {
            let (from, to) = (names[&node.id].as_str(), names[&dependency.pkg].as_str());
            assert!(
                table[from].contains(&to),
                "`{from}` uses `{to}`, which the table in this file does not allow"
            );
        }
    }
}

#[test]
fn programs_are_free_of_what_they_do_not_need() {
    let metadata = metadata();
    for (program, banned) in BANS {
        let id = &metadata
            .workspace_packages()
            .into_iter()
            .find(|package| package.name.as_str() == *program)
            .unwrap()
            .id;
        let closure = closure(&metadata, id);
        let found: Vec<_> = banned.iter().filter(|name| closure.contains(**name)).collect();
        assert!(found.is_empty(), "`{program}` must not need {found:?}");
    }
}

#[test]
fn the_test_kit_is_shipped_with_nothing() {
    let metadata = metadata();
    for package in metadata.workspace_packages() {
        let uses = closure(&metadata, &package.id).contains("testkit");
        assert_eq!(uses, package.name.as_str() == "testkit", "`{}` uses `testkit`", package.name);
    }
}
