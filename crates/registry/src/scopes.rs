//! What tokens are asked for (distribution's token specification), and which rights are asked for together.

use std::collections::{BTreeMap, BTreeSet};

use oci::Repository;

/// Repositories whose rights one token carries. More make one request fewer, and headers that some servers refuse.
const REPOSITORIES_PER_TOKEN: usize = 16;

/// Such as `repository:me/app:pull,push`, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Scopes(pub(crate) Vec<String>);

impl Scopes {
    /// The rights that one operation needs.
    pub(crate) fn new(repository: &Repository, push: bool, mount_from: Option<&Repository>) -> Self {
        let source = mount_from.filter(|source| *source != repository);
        let mut scopes = vec![scope(repository, push)];
        scopes.extend(source.map(|source| scope(source, false)));
        scopes.sort();
        Self(scopes)
    }

    /// Whether these are all the rights that `other` has.
    fn covers(&self, other: &Self) -> bool {
        other.0.iter().all(|scope| self.0.contains(scope))
    }

    /// What these and a reading of one repository need, if that is not among them already.
    fn and_pull(mut self, source: Option<&Repository>) -> Self {
        if let Some(source) = source {
            let known = [scope(source, false), scope(source, true)];
            if !known.iter().any(|scope| self.0.contains(scope)) {
                self.0.extend(known.into_iter().next());
                self.0.sort();
            }
        }
        self
    }
}

fn scope(repository: &Repository, push: bool) -> String {
    let actions = if push { "pull,push" } else { "pull" };
    format!("repository:{repository}:{actions}")
}

/// The repositories that will be pushed to, in groups that share a token.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    groups: Vec<Group>,
    group_of: BTreeMap<Repository, usize>,
    /// What a token of the whole group did not open.
    denied: BTreeSet<Repository>,
}

#[derive(Debug, Default)]
struct Group {
    destinations: BTreeSet<Repository>,
    sources: BTreeSet<Repository>,
    /// A token was asked for; whatever comes later comes too late.
    closed: bool,
    /// A server did not grant them together.
    refused: bool,
}

impl Expected {
    /// From now on everything in this repository is asked for with the right to push, and to read the sources.
    pub(crate) fn push(&mut self, repository: &Repository, sources: &[Repository]) {
        let group = match self.group_of.get(repository) {
            Some(group) => *group,
            None => self.open_group(),
        };
        self.group_of.insert(repository.clone(), group);
        let group = &mut self.groups[group];
        if !group.closed {
            group.destinations.insert(repository.clone());
            group.sources.extend(sources.iter().cloned());
        }
    }

    fn open_group(&mut self) -> usize {
        let open = |group: &Group| !group.closed && group.destinations.len() < REPOSITORIES_PER_TOKEN;
        if !self.groups.last().is_some_and(open) {
            self.groups.push(Group::default());
        }
        self.groups.len() - 1
    }

    /// Whether a repository will be pushed to.
    pub(crate) fn is_destination(&self, repository: &Repository) -> bool {
        self.group_of.contains_key(repository)
    }

    /// The rights to ask for instead of those that an operation needs alone, if it is in a group.
    pub(crate) fn together(
        &mut self,
        repository: &Repository,
        alone: &Scopes,
        mount_from: Option<&Repository>,
    ) -> Option<Scopes> {
        let group = &mut self.groups[*self.group_of.get(repository)?];
        group.closed = true;
        if group.refused || self.denied.contains(repository) {
            return None;
        }
        let read = group.sources.iter().filter(|source| !group.destinations.contains(source));
        let mut scopes: Vec<String> =
            group.destinations.iter().map(|repository| scope(repository, true)).collect();
        scopes.extend(read.map(|source| scope(source, false)));
        scopes.sort();
        let scopes = Scopes(scopes).and_pull(mount_from);
        (!alone.covers(&scopes)).then_some(scopes)
    }

    /// The token of its group did not open this repository, which is asked for alone from now on.
    pub(crate) fn deny(&mut self, repository: &Repository) {
        self.denied.insert(repository.clone());
    }

    /// A server did not grant the rights of this repository's group together: each is asked for alone from now on.
    pub(crate) fn refuse(&mut self, repository: &Repository) {
        if let Some(group) = self.group_of.get(repository) {
            self.groups[*group].refused = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(name: impl std::fmt::Display) -> Repository {
        name.to_string().parse().unwrap()
    }

    #[test]
    fn rights_are_asked_for_together_in_groups() {
        let mut expected = Expected::default();
        let base = repository("base");
        for number in 0..=REPOSITORIES_PER_TOKEN {
            expected.push(&repository(format!("app{number:02}")), std::slice::from_ref(&base));
        }
        let first = repository("app00");
        let alone = Scopes::new(&first, true, None);
        let together = expected.together(&first, &alone, Some(&base)).unwrap();
        assert_eq!(together.0.len(), REPOSITORIES_PER_TOKEN + 1);
        assert!(together.0.contains(&"repository:app15:pull,push".to_owned()), "{together:?}");
        assert!(together.0.contains(&"repository:base:pull".to_owned()), "{together:?}");
        let other = expected.together(&first, &alone, Some(&repository("other"))).unwrap();
        assert_eq!(other.0.len(), together.0.len() + 1);
        let neighbour = expected.together(&first, &alone, Some(&repository("app01"))).unwrap();
        assert_eq!(neighbour, together, "the right to push holds the right to read");

        let last = repository("app16");
        assert_eq!(expected.together(&last, &Scopes::new(&last, true, None), None).unwrap().0.len(), 2);
        expected.deny(&first);
        assert_eq!(expected.together(&first, &alone, None), None);
        let second = repository("app01");
        let alone = Scopes::new(&second, true, None);
        assert!(expected.together(&second, &alone, None).is_some());
        expected.refuse(&first);
        assert_eq!(expected.together(&second, &alone, None), None);
        let alone = Scopes::new(&last, true, None);
        assert!(expected.together(&last, &alone, None).is_some());
    }

    #[test]
    fn one_repository_is_no_group() {
        let mut expected = Expected::default();
        let app = repository("app");
        expected.push(&app, &[]);
        assert!(expected.is_destination(&app));
        let alone = Scopes::new(&app, true, None);
        assert_eq!(expected.together(&app, &alone, None), None);
        let base = repository("base");
        let mounting = Scopes::new(&app, true, Some(&base));
        assert_eq!(expected.together(&app, &mounting, Some(&base)), None, "the same rights");
        assert_eq!(expected.together(&repository("new"), &alone, None), None);
    }
}
