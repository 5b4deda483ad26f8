//! Expectations against an image.

mod files;
mod metadata;

use crate::expectations::Expectations;
use crate::request::Image;

/// One question and its answer.
#[derive(Debug)]
pub(crate) struct Check {
    /// What was asked.
    pub(crate) name: String,
    /// What is wrong; `None` if nothing is.
    pub(crate) problem: Option<String>,
}

impl Check {
    fn new(name: impl Into<String>, problem: Option<String>) -> Self {
        Self { name: name.into(), problem }
    }
}

/// The answers to all questions of a file.
pub(crate) fn all(expectations: &Expectations, image: &Image) -> Vec<Check> {
    let mut checks = Vec::new();
    if let Some(metadata) = &expectations.metadata_test {
        checks.extend(metadata::checks(metadata, &image.config.config));
    }
    checks.extend(expectations.file_existence_tests.iter().map(|file| files::check(file, image)));
    checks
}
