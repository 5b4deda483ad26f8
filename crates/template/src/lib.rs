//! Values with placeholders, such as `v{{.VERSION}}`, in the language of Go's `text/template`: what a user typed once for
//! many builds.
//!
//! The language itself is crate `gotmpl`'s: pipelines, `if`, `with`, `range`, variables, comparison. Here are the
//! variables ([`Variables`]) and the functions that this ruleset adds. A variable that nobody defined renders as
//! `<no value>`, as in Go; whatever else is wrong is an error that names the template.
//!
//! Deliberately not here: reading files. Nothing in a template can reach the clock, the environment or the disk.
//!
//! ```
//! let mut variables = template::Variables::new();
//! variables.define("VERSION", &"1.2".into());
//! assert_eq!(variables.expand("v{{.VERSION}}")?, "v1.2");
//! # Ok::<(), template::TemplateError>(())
//! ```

mod functions;
mod json;
mod status;
mod structure;
mod time;
mod variables;

pub use variables::{TemplateError, Variables};

/// Whether a text asks for anything to be filled in.
pub fn is_template(text: &str) -> bool {
    text.contains("{{")
}
