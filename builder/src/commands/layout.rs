//! `builder layout`: the documents of an image, and maybe its blobs, become a folder or an archive.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use blob::AtomicFile;
use layout::{Archive, Image, LayoutError, MissingBlobs, Names};
use serde::Deserialize;
use tool::{Failure, FailureContext as _, Outcome};

use crate::cli::{LayoutArgs, LayoutFormat};
use crate::{documents, entries, values};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Values {
    label: String,
    names: Vec<String>,
    ref_name_is_tag: bool,
    platform: String,
}

pub(crate) fn run(args: &LayoutArgs) -> Outcome {
    let values: Values = values::parse(&args.values)?;
    let label = values.label.clone();
    build(args, values).map_err(|failure| values::named(&label, failure))
}

fn build(args: &LayoutArgs, values: Values) -> Outcome {
    let mut image = Image::new(documents::read_descriptor(&args.descriptor)?);
    for part in read_parts(&args.entries)? {
        part.add_to(&mut image)?;
    }
    let missing = if args.allow_missing_blobs { MissingBlobs::LeaveOut } else { MissingBlobs::Refuse };
    let archive = |names| {
        let mut output = AtomicFile::create(&args.output)?;
        layout::write_archive(&image, &Archive { names, missing }, &mut output)?;
        Ok(output.persist()?)
    };
    let written = match args.format {
        LayoutFormat::Directory => layout::write_directory(&image, &args.output, missing),
        LayoutFormat::Sparse => layout::write_sparse(&image, &args.output),
        LayoutFormat::Archive => archive(None),
        LayoutFormat::Docker => archive(Some(names(args, values)?)),
    };
    written.map_err(layout_failure)
}

fn names(args: &LayoutArgs, mut values: Values) -> Result<Names, Failure> {
    if let Some(path) = &args.names {
        values.names.extend(fs_err::read_to_string(path)?.lines().map(str::to_owned));
    }
    let platform = Some(values.platform.as_str()).filter(|text| !text.is_empty());
    Ok(Names {
        names: values.names,
        ref_name_is_tag: values.ref_name_is_tag,
        platform: platform.map(str::parse).transpose().or_usage()?,
        ..Names::default()
    })
}

/// A document, and what belongs to it.
enum Part {
    Index(PathBuf),
    Manifest { path: PathBuf, config: Option<PathBuf>, layers: Vec<Option<PathBuf>> },
}

/// The list of documents; the layers of a manifest stand behind it, the lowest first.
fn read_parts(list: &Path) -> Result<Vec<Part>, Failure> {
    let optional = |path: &str| Some(PathBuf::from(path)).filter(|path| !path.as_os_str().is_empty());
    let mut parts: Vec<Part> = Vec::new();
    for fields in entries::read_fields(list)? {
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        match (fields.as_slice(), parts.last_mut()) {
            (["index", path], _) => parts.push(Part::Index(path.into())),
            (["manifest", path, config], _) => {
                parts.push(Part::Manifest {
                    path: path.into(),
                    config: optional(config),
                    layers: Vec::new(),
                });
            }
            (["layer", path], Some(Part::Manifest { layers, .. })) => layers.push(optional(path)),
            _ => {
                let error =
                    anyhow!("`{}` in `{}` is not an entry of a layout", fields.join(" "), list.display());
                return Err(Failure::usage(error));
            }
        }
    }
    Ok(parts)
}

impl Part {
    fn add_to(self, image: &mut Image) -> Outcome {
        match self {
            Self::Index(path) => {
                let bytes = documents::read(&path, oci::MAX_MANIFEST_SIZE)?;
                image.add_index(bytes).about(format!("`{}`", path.display()))
            }
            Self::Manifest { path, config, layers } => {
                let bytes = documents::read(&path, oci::MAX_MANIFEST_SIZE)?;
                let config = config.map(|path| documents::read(&path, oci::MAX_CONFIG_SIZE)).transpose()?;
                image.add_manifest(bytes, config, layers).about(format!("`{}`", path.display()))
            }
        }
    }
}

fn layout_failure(error: LayoutError) -> Failure {
    let is_missing = matches!(error, LayoutError::Missing(_));
    let failure = Failure::new(error);
    if !is_missing {
        return failure;
    }
    failure
        .hint("a shallow `pull` leaves layers in the registry: set `layer_handling` at the `pull` of the base to `eager` or `lazy`")
        .hint("or do without them: --@rules_img//img/settings:shallow_oci_layout=i_know_what_i_am_doing")
}
