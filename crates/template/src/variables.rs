//! What templates can refer to, and their expansion.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use gotmpl::{Template, Value};

use crate::{functions, is_template, json, status, structure};

/// Bounds the work of one template; a value of an image is a line of text.
const MAX_RANGE_ITERATIONS: u64 = 100_000;

/// Always defined; empty where nothing is stamped.
const BUILD_TIMESTAMP_RFC3339: &str = "BUILD_TIMESTAMP_RFC3339";

/// A template cannot be expanded.
#[derive(Debug, thiserror::Error)]
#[error("the template `{template}` cannot be expanded")]
pub struct TemplateError {
    /// The text of the template.
    pub template: String,
    /// Why.
    #[source]
    pub source: gotmpl::TemplateError,
}

/// The variables of templates. Of two with one name, the one defined later counts.
#[derive(Clone, Debug, Default)]
pub struct Variables {
    fields: BTreeMap<Arc<str>, Value>,
    /// Variables of the language itself, `$NAME`.
    globals: BTreeMap<String, String>,
}

impl Variables {
    /// None but `BUILD_TIMESTAMP_RFC3339`, which is empty.
    pub fn new() -> Self {
        let mut variables = Self::default();
        variables.define(BUILD_TIMESTAMP_RFC3339, &"".into());
        variables
    }

    /// Defines `.name`: a string, a number, a boolean or a list of strings.
    pub fn define(&mut self, name: &str, value: &serde_json::Value) {
        self.fields.insert(name.into(), json::verbatim(value));
    }

    /// Defines `.name` as a document, all of whose keys become lower case.
    pub fn define_document(&mut self, name: &str, document: &serde_json::Value) {
        self.fields.insert(name.into(), json::lower_case(document));
    }

    /// Defines the variables of a workspace status file, and from its `BUILD_TIMESTAMP` the same moment in RFC 3339.
    pub fn define_status(&mut self, text: &str) -> Result<(), TemplateError> {
        for (name, value) in status::parse(text) {
            self.fields.insert(name.into(), Value::String(value.into()));
            if name == "BUILD_TIMESTAMP" {
                let date = self.expand("{{rfc3339 .BUILD_TIMESTAMP}}")?;
                self.fields.insert(BUILD_TIMESTAMP_RFC3339.into(), Value::String(date.into()));
            }
        }
        Ok(())
    }

    /// Defines `$name`, if that is a name that the language has a variable for.
    pub fn define_global(&mut self, name: &str, value: &str) {
        let mut characters = name.chars();
        let is_name = characters.next().is_some_and(|first| first == '_' || first.is_alphabetic())
            && characters.all(|character| character == '_' || character.is_alphanumeric());
        if is_name {
            self.globals.insert(name.to_owned(), value.to_owned());
        }
    }

    /// Fills in a template. Text without `{{` is returned as it is.
    pub fn expand(&self, text: &str) -> Result<String, TemplateError> {
        if !is_template(text) {
            return Ok(text.to_owned());
        }
        let declarations = self.declarations(text);
        let fail = |source| TemplateError {
            template: text.to_owned(),
            source: without_offset(source, declarations.chars().count()),
        };
        if let Some(problem) = structure::problem(text) {
            return Err(fail(gotmpl::TemplateError::Exec(problem)));
        }
        let template = functions::register(Template::new("")).max_range_iters(MAX_RANGE_ITERATIONS);
        let template = template.parse(&format!("{declarations}{text}")).map_err(fail)?;
        template.execute_to_string(&Value::Map(Arc::new(self.fields.clone()))).map_err(fail)
    }

    /// The language has no variables from outside, so those that a template mentions are declared in front of it.
    fn declarations(&self, text: &str) -> String {
        let mut declarations = String::new();
        for (name, value) in self.globals.iter().filter(|(name, _)| text.contains(&format!("${name}"))) {
            // Writing to a string cannot fail.
            let _ = write!(declarations, "{{{{${name} := {}}}}}", quoted(value));
        }
        declarations
    }
}

/// A string constant of the language.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            character if character.is_control() => {
                // Writing to a string cannot fail.
                let _ = write!(quoted, "\\u{:04x}", u32::from(character));
            }
            character => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

/// The position of an error as the user sees the template: without what was put in front of its first line.
fn without_offset(mut error: gotmpl::TemplateError, offset: usize) -> gotmpl::TemplateError {
    if let gotmpl::TemplateError::Parse { line: 1, col, .. }
    | gotmpl::TemplateError::Lex { line: 1, col, .. } = &mut error
    {
        *col = col.saturating_sub(offset);
    }
    error
}
