//! What an image is called in a runtime.

use oci::{ImageName, Tag};
use plan::Name;
use tool::{Failure, FailureContext as _};

use crate::Options;

/// All names of an image, sorted, each once: those of the plan, as the command line changes them, and those that it adds:
/// whole references, or beside a name in parts tags. None: the image gets no name.
pub(crate) fn of(name: &Name, options: &Options) -> Result<Vec<ImageName>, Failure> {
    let texts: Vec<String> = match name {
        Name::Whole(names) => names.iter().chain(&options.tags).cloned().collect(),
        Name::Parts { registry, repository, tags } => {
            let registry = options.registry.as_ref().unwrap_or(registry);
            let repository = options.repository.as_ref().unwrap_or(repository);
            let path = format!("{registry}/{repository}");
            let planned = tags.iter().map(|tag| format!("{path}:{tag}"));
            let mut texts: Vec<String> = if tags.is_empty() { vec![path.clone()] } else { planned.collect() };
            texts.extend(options.tags.iter().map(|text| match text.parse::<Tag>() {
                Ok(tag) => format!("{path}:{tag}"),
                Err(_) => text.clone(),
            }));
            texts
        }
    };
    let mut names = Vec::new();
    for text in &texts {
        let name: ImageName =
            text.parse().about(format!("`{text}` cannot be the name of an image")).or_usage()?;
        names.push(name);
    }
    names.sort();
    names.dedup();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(name: &Name, options: &Options) -> Vec<String> {
        of(name, options).unwrap().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn names_are_sorted_and_each_is_there_once() {
        let whole = Name::Whole(vec!["b:2".into(), "a".into(), "a:latest".into()]);
        assert_eq!(names(&whole, &Options::default()), ["a:latest", "b:2"]);
        let options =
            Options { tags: vec!["c/d:3".into()], registry: Some("x".into()), ..Options::default() };
        assert_eq!(names(&whole, &options), ["a:latest", "b:2", "c/d:3"]);
        assert!(names(&Name::Whole(Vec::new()), &Options::default()).is_empty());
    }

    #[test]
    fn the_command_line_changes_parts() {
        let parts = |tags: &[&str]| Name::Parts {
            registry: "ghcr.io".into(),
            repository: "my/app".into(),
            tags: tags.iter().map(ToString::to_string).collect(),
        };
        assert_eq!(names(&parts(&[]), &Options::default()), ["ghcr.io/my/app:latest"]);
        let options = Options { tags: vec!["v3".into(), "mine/app:1".into()], ..Options::default() };
        let expected = ["ghcr.io/my/app:latest", "ghcr.io/my/app:v3", "mine/app:1"];
        assert_eq!(names(&parts(&[]), &options), expected);
        let options = Options {
            registry: Some("localhost:5000".into()),
            repository: Some("other".into()),
            ..Options::default()
        };
        assert_eq!(
            names(&parts(&["v2", "v1"]), &options),
            ["localhost:5000/other:v1", "localhost:5000/other:v2"]
        );
    }

    #[test]
    fn what_is_no_name_is_wrong_usage() {
        for bad in ["", "A", "a:b:c", "a b"] {
            let failure = of(&Name::Whole(vec![bad.into()]), &Options::default()).unwrap_err();
            assert_eq!(failure.exit(), tool::Exit::Usage, "{bad}");
        }
    }
}
