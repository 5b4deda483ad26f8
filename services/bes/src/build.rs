//! What is learnt from the events of one build: which plans are to be pushed, and from which event on all must be sent again
//! to a server that knows nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::events::{BuildEvent, Id, NamedSetOfFiles, OutputGroup, Payload, TargetComplete};
use crate::plan_file::{Place, PlanFile};

/// The group of outputs that holds the plans of a target (docs/design/bes.md).
const GROUP: &str = "deploy_manifest";
/// What a target builds without being asked for a group.
const DEFAULT_GROUP: &str = "default";
/// Sets, files and references to sets that are remembered of one build; memory is at most some hundred bytes times this.
const MAX_REMEMBERED: usize = 2_000_000;

/// The state of one build's stream.
#[derive(Debug, Default)]
pub(crate) struct Build {
    sets: BTreeMap<String, Set>,
    remembered: usize,
    complained: bool,
}

/// A named set, without the files that cannot be plans.
#[derive(Debug, Default)]
struct Set {
    files: Vec<PlanFile>,
    sets: Vec<String>,
}

/// What an event means.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Meaning {
    /// A later event may refer to it, or a push depends on it: it must not be acknowledged before the pushes are done.
    pub(crate) matters: bool,
    /// What is to be pushed now.
    pub(crate) found: Vec<Found>,
    /// What could not be understood, for the report.
    pub(crate) problems: Vec<Problem>,
}

/// Plans of a target that is complete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Found {
    /// The target.
    pub(crate) label: String,
    /// The file.
    pub(crate) file: PlanFile,
    /// Whether it must be a plan. Else it only looks like one, and if it is none, nothing is wrong.
    pub(crate) certain: bool,
}

/// Something about a target that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The target.
    pub(crate) label: String,
    /// A sentence.
    pub(crate) text: String,
}

impl Build {
    /// Takes the next event in.
    pub(crate) fn observe(&mut self, event: BuildEvent) -> Meaning {
        match (event.id.and_then(|id| id.id), event.payload) {
            (Some(Id::NamedSet(id)), Some(Payload::NamedSetOfFiles(set))) => self.add_set(id.id, set),
            (Some(Id::TargetCompleted(id)), Some(Payload::Completed(target))) if id.aspect.is_empty() => {
                self.complete(&id.label, &target)
            }
            _ => Meaning::default(),
        }
    }

    fn add_set(&mut self, id: String, set: NamedSetOfFiles) -> Meaning {
        let files: Vec<PlanFile> = set.files.iter().filter_map(PlanFile::new).collect();
        let sets: Vec<String> = set.file_sets.into_iter().map(|set| set.id).collect();
        // A set of sets matters if one of those does.
        let holds_plans = |id: &String| self.sets.contains_key(id);
        if files.is_empty() && !sets.iter().any(holds_plans) {
            return Meaning::default();
        }
        self.remembered += 1 + files.len() + sets.len();
        if self.remembered > MAX_REMEMBERED {
            return self.complain();
        }
        self.sets.insert(id, Set { files, sets });
        Meaning { matters: true, ..Meaning::default() }
    }

    fn complain(&mut self) -> Meaning {
        let problems = if self.complained {
            Vec::new()
        } else {
            let text = format!(
                "the build has more than {MAX_REMEMBERED} JSON files and sets of them; later ones are not looked at"
            );
            vec![Problem { label: "the build".to_owned(), text }]
        };
        self.complained = true;
        Meaning { problems, ..Meaning::default() }
    }

    fn complete(&self, label: &str, target: &TargetComplete) -> Meaning {
        let mut meaning = Meaning::default();
        if !target.success {
            return meaning;
        }
        let group = |name: &str| target.output_group.iter().find(|group| group.name == name);
        if let Some(group) = group(GROUP) {
            self.declared(label, group, &mut meaning);
        } else if let Some(group) = group(DEFAULT_GROUP) {
            meaning.found.extend(self.beside_the_program(label, group));
        }
        meaning.matters = !meaning.found.is_empty() || !meaning.problems.is_empty();
        meaning
    }

    /// Every file of the group is a plan.
    fn declared(&self, label: &str, group: &OutputGroup, meaning: &mut Meaning) {
        let mut problem = |text: String| meaning.problems.push(Problem { label: label.to_owned(), text });
        if group.incomplete {
            return problem(format!("the output group `{GROUP}` could not be built completely"));
        }
        let files = self.files(group);
        if files.is_empty() {
            problem(format!("the output group `{GROUP}` has no JSON file that a plan could be"));
        }
        for file in files {
            if let Place::Unknown(uri) = &file.place {
                problem(format!(
                    "its plan `{}` is not in a remote cache but at `{uri}`; give Bazel --remote_cache or --remote_executor",
                    file.name
                ));
            } else {
                meaning.found.push(Found { label: label.to_owned(), file, certain: true });
            }
        }
    }

    /// A target that asks for no group tells of its plan by building it: `push.json` for `//:push`.
    fn beside_the_program(&self, label: &str, group: &OutputGroup) -> Option<Found> {
        let name = label.rsplit([':', '/']).next().unwrap_or_default();
        let plan = format!("{name}.json");
        let file = self.files(group).into_iter().find(|file| file.base_name() == plan)?;
        let found = Found { label: label.to_owned(), file, certain: false };
        (!group.incomplete && !matches!(found.file.place, Place::Unknown(_))).then_some(found)
    }

    /// The files of a group that may be plans, each once.
    fn files(&self, group: &OutputGroup) -> BTreeSet<PlanFile> {
        let mut files: BTreeSet<PlanFile> = group.inline_files.iter().filter_map(PlanFile::new).collect();
        let mut seen = BTreeSet::new();
        let mut todo: Vec<&str> = group.file_sets.iter().map(|set| set.id.as_str()).collect();
        while let Some(id) = todo.pop() {
            if seen.insert(id)
                && let Some(set) = self.sets.get(id)
            {
                files.extend(set.files.iter().cloned());
                todo.extend(set.sets.iter().map(String::as_str));
            }
        }
        files
    }
}

#[cfg(test)]
mod tests;
