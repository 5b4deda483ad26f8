use super::*;
use crate::events::{BuildEventId, File, NamedSetOfFilesId, TargetCompletedId};

const HEX: &str = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

fn file(name: &str) -> File {
    File { name: name.into(), uri: String::new(), contents: Vec::new(), digest: HEX.into(), length: 2 }
}

fn ids(sets: &[&str]) -> Vec<NamedSetOfFilesId> {
    sets.iter().map(|id| NamedSetOfFilesId { id: (*id).to_owned() }).collect()
}

fn set(id: &str, files: &[&str], sets: &[&str]) -> BuildEvent {
    let set = NamedSetOfFiles { files: files.iter().map(|name| file(name)).collect(), file_sets: ids(sets) };
    let id = Id::NamedSet(NamedSetOfFilesId { id: id.to_owned() });
    BuildEvent { id: Some(BuildEventId { id: Some(id) }), payload: Some(Payload::NamedSetOfFiles(set)) }
}

fn group(name: &str, sets: &[&str]) -> OutputGroup {
    OutputGroup { name: name.to_owned(), file_sets: ids(sets), incomplete: false, inline_files: Vec::new() }
}

fn complete(label: &str, success: bool, output_group: Vec<OutputGroup>) -> BuildEvent {
    let id = Id::TargetCompleted(TargetCompletedId { label: label.to_owned(), aspect: String::new() });
    let target = TargetComplete { success, output_group };
    BuildEvent { id: Some(BuildEventId { id: Some(id) }), payload: Some(Payload::Completed(target)) }
}

/// Names of the plans that an event brings, after these sets.
fn found(sets: &[BuildEvent], event: BuildEvent) -> Vec<String> {
    let mut build = Build::default();
    for set in sets {
        build.observe(set.clone());
    }
    let meaning = build.observe(event);
    assert_eq!(meaning.problems, []);
    assert_eq!(meaning.matters, !meaning.found.is_empty());
    meaning.found.into_iter().map(|found| found.file.name).collect()
}

#[test]
fn plans_are_found_in_sets_of_sets() {
    let sets = [
        set("0", &["a/b.json", "a/b.txt"], &[]),
        set("1", &["c.json"], &["0"]),
        set("2", &["readme.md"], &["1", "unknown"]),
        set("3", &["other.json"], &[]),
    ];
    let names = found(&sets, complete("//:x", true, vec![group(GROUP, &["2", "0"])]));
    assert_eq!(names, ["a/b.json", "c.json"]);
}

#[test]
fn inline_files_count_too() {
    let mut inline = group(GROUP, &[]);
    inline.inline_files = vec![file("x.json")];
    assert_eq!(found(&[], complete("//:x", true, vec![inline])), ["x.json"]);
}

#[test]
fn without_the_group_a_plan_is_called_like_its_target() {
    let sets = [set("0", &["pkg/push", "pkg/push.json"], &[]), set("1", &["pkg/other.json"], &[])];
    let default = |label: &str, set: &str| complete(label, true, vec![group(DEFAULT_GROUP, &[set])]);
    for (label, set, expected) in [
        ("//pkg:push", "0", true),
        ("@@repo//pkg:push", "0", true),
        ("//pkg:sub/push", "0", true),
        ("//pkg:push", "1", false),
        ("//pkg:pull", "0", false),
    ] {
        assert_eq!(!found(&sets, default(label, set)).is_empty(), expected, "{label} {set}");
    }
}

#[test]
fn what_failed_or_is_no_target_is_not_pushed() {
    let sets = [set("0", &["push.json"], &[])];
    assert_eq!(found(&sets, complete("//:push", false, vec![group(GROUP, &["0"])])), [""; 0]);
    let mut aspect = complete("//:push", true, vec![group(GROUP, &["0"])]);
    if let Some(Id::TargetCompleted(id)) = &mut aspect.id.as_mut().unwrap().id {
        id.aspect = "//:lint.bzl%lint".to_owned();
    }
    assert_eq!(found(&sets, aspect), [""; 0]);
    assert_eq!(found(&sets, BuildEvent::default()), [""; 0]);
}

#[test]
fn a_group_without_a_plan_is_a_problem() {
    let mut build = Build::default();
    build.observe(set("0", &["push.txt"], &[]));
    let mut incomplete = group(GROUP, &["0"]);
    incomplete.incomplete = true;
    let mut local = group(GROUP, &[]);
    local.inline_files = vec![File { uri: "file:///x.json".into(), digest: String::new(), ..file("x.json") }];
    for (group, part) in [
        (group(GROUP, &["0"]), "no JSON file"),
        (incomplete, "could not be built completely"),
        (local, "`file:///x.json`; give Bazel --remote_cache"),
    ] {
        let meaning = build.observe(complete("//:push", true, vec![group]));
        assert_eq!(meaning.found, []);
        assert!(meaning.matters && meaning.problems[0].text.contains(part), "{meaning:?}");
    }
}

#[test]
fn only_sets_that_may_hold_plans_matter() {
    let mut build = Build::default();
    let mut matters = |event: BuildEvent| build.observe(event).matters;
    assert!(!matters(set("0", &["a.o"], &[])));
    assert!(!matters(set("1", &["b.o"], &["0"])));
    assert!(matters(set("2", &["b.json"], &["0"])));
    assert!(matters(set("3", &[], &["2"])));
    assert!(!matters(complete("//:lib", true, vec![group(DEFAULT_GROUP, &["3"])])));
    assert_eq!(build.sets.len(), 2);
}
