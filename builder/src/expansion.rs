//! Values with placeholders: the variables that an image may use, and their expansion.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};
use template::Variables;
use tool::{Failure, FailureContext as _};

use crate::base_image::BaseImage;
use crate::documents;

/// Build settings by the name that templates call them.
pub(crate) type BuildSettings = BTreeMap<String, Value>;

/// Expands what a user typed.
pub(crate) struct Expansion {
    variables: Variables,
}

impl Expansion {
    /// Of variables with one name, the later one counts: base image, status files in their order, build settings.
    pub(crate) fn new(
        base: Option<&BaseImage>,
        status_files: &[impl AsRef<Path>],
        build_settings: &BuildSettings,
    ) -> Result<Self, Failure> {
        let mut variables = Variables::new();
        if let Some(base) = base {
            define_base(&mut variables, base)?;
        }
        for path in status_files {
            let path = path.as_ref();
            let text = documents::read_text(path)?;
            variables.define_status(&text).about(format!("status file `{}`", path.display()))?;
        }
        for (name, value) in build_settings {
            variables.define(name, value);
        }
        Ok(Self { variables })
    }

    /// Defines a variable that loses to none of those above.
    pub(crate) fn define(&mut self, name: &str, value: &str) {
        self.variables.define(name, &value.into());
    }

    /// One value; `about` says which one.
    pub(crate) fn text(&self, about: &str, text: &str) -> Result<String, Failure> {
        self.variables
            .expand(text)
            .or_usage()
            .about(about.to_owned())
            .or_hint("write `{{` as `{{\"{{\"}}` where it is not meant as the start of a placeholder")
    }

    /// All values of a map; its keys are no templates.
    pub(crate) fn map(
        &self,
        about: &str,
        map: BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>, Failure> {
        map.into_iter()
            .map(|(key, value)| {
                let value = self.text(&format!("`{key}` in `{about}`"), &value)?;
                Ok((key, value))
            })
            .collect()
    }
}

/// `.base.manifest`, `.base.config`, `.base.digest`, and the base's environment as `$NAME`.
fn define_base(variables: &mut Variables, base: &BaseImage) -> Result<(), Failure> {
    let config: Value = serde_json::from_slice(&base.config_bytes)?;
    let manifest: Value = serde_json::from_slice(&base.manifest_bytes)?;
    variables.define_document(
        "base",
        &json!({"config": config, "manifest": manifest, "digest": base.digest.to_string()}),
    );
    for (name, value) in base.config.config.env.iter().filter_map(|pair| pair.split_once('=')) {
        variables.define_global(name, value);
    }
    Ok(())
}
