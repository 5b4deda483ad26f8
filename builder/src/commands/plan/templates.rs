//! What users type where an image goes: templates, and lines of files.

use std::path::PathBuf;

use oci::Digest;
use tool::Failure;

use crate::expansion::{BuildSettings, Expansion};

/// What templates may refer to.
pub(super) struct Variables<'a> {
    /// Workspace status files; later ones win.
    pub(super) stamp: &'a [PathBuf],
    /// Of the image. Everything else of that name wins.
    pub(super) image_target_package: &'a str,
    /// Of the image, likewise.
    pub(super) image_target_name: &'a str,
    pub(super) build_settings: &'a BuildSettings,
    /// Of the root, if templates may have it.
    pub(super) digest: Option<Digest>,
}

impl Variables<'_> {
    /// The variables; those of `more` lose to build settings only.
    pub(super) fn expansion(&self, more: &[(&str, &str)]) -> Result<Expansion, Failure> {
        let mut settings = BuildSettings::new();
        let image = [
            ("image_target_package", self.image_target_package),
            ("image_target_name", self.image_target_name),
        ];
        for (name, value) in image.iter().chain(more) {
            settings.insert((*name).to_owned(), (*value).into());
        }
        settings.extend(self.build_settings.clone());
        let mut expansion = Expansion::new(None, self.stamp, &settings)?;
        if let Some(digest) = self.digest {
            expansion.define("digest", &digest.to_string());
        }
        Ok(expansion)
    }

    /// The tags of attributes and the lines of files, filled in, and where each comes from. A template that expands to nothing
    /// is none.
    pub(super) fn tags(&self, tags: &[String], files: &[PathBuf]) -> Result<Vec<(String, String)>, Failure> {
        let mut typed: Vec<(String, String)> =
            tags.iter().map(|tag| (tag.clone(), "`tag`".to_owned())).collect();
        for path in files {
            let text = fs_err::read_to_string(path)?;
            let from = format!("`tag_file` `{}`", path.display());
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            typed.extend(lines.map(|line| (line.to_owned(), from.clone())));
        }
        let expansion = self.expansion(&[])?;
        let mut expanded = Vec::new();
        for (template, from) in typed {
            let text = expansion.text(&from, &template)?;
            if !text.is_empty() || template.is_empty() {
                expanded.push((text, from));
            }
        }
        Ok(expanded)
    }
}
