//! Lists with several fields a line, separated by NUL: what is too long for a command line.

use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use layer::{Entry, ImagePath, Source};
use tool::{Failure, FailureContext as _};

/// The lines of a list, each cut into its fields.
pub(crate) fn read_fields(path: &Path) -> Result<Vec<Vec<String>>, Failure> {
    let lines = tool::args::read_lines(path).or_usage()?;
    lines
        .into_iter()
        .map(|line| {
            let line = line
                .into_string()
                .map_err(|line| anyhow!("`{}`: `{}` is not valid UTF-8", path.display(), line.display()))
                .or_usage()?;
            Ok(line.split('\0').map(str::to_owned).collect())
        })
        .collect()
}

/// The entries of a layer.
pub(crate) fn read_layer_entries(path: &Path) -> Result<Vec<Entry>, Failure> {
    read_fields(path)?
        .iter()
        .map(|fields| parse_layer_entry(fields).or_usage())
        .collect::<Result<_, _>>()
        .about(format!("entries in `{}`", path.display()))
}

fn parse_layer_entry(fields: &[String]) -> Result<Entry, anyhow::Error> {
    let [path, kind, source] = fields else {
        bail!("`{}` has {} fields; expected destination, kind and source", fields.join(" "), fields.len());
    };
    let file = || PathBuf::from(source);
    let source = match kind.as_str() {
        "f" => Source::File(file()),
        "d" => Source::Tree(file()),
        "l" => Source::LinkOnDisk(file()),
        "s" => Source::Symlink(source.clone()),
        "e" => Source::Empty,
        _ => bail!("`{kind}` is not a kind of entry; expected `f`, `d`, `l`, `s` or `e`"),
    };
    Ok(Entry { path: ImagePath::parse(path)?, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Entry, anyhow::Error> {
        parse_layer_entry(&line.split('\0').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn knows_the_kinds() {
        let table = [
            ("/a\0f\0x", Source::File("x".into())),
            ("/a\0d\0x", Source::Tree("x".into())),
            ("/a\0l\0x", Source::LinkOnDisk("x".into())),
            ("/a\0s\0../x", Source::Symlink("../x".into())),
            ("a\0e\0", Source::Empty),
        ];
        for (line, source) in table {
            assert_eq!(parse(line).unwrap(), Entry { path: ImagePath::parse("a").unwrap(), source });
        }
        for line in ["", "a", "a\0f", "a\0x\0y", "a\0f\0x\0y", "\0f\0x", "../a\0f\0x"] {
            assert!(parse(line).is_err(), "{line:?}");
        }
    }
}
