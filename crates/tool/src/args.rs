//! Parameter files: an argument `@file` stands for the lines of that file, one argument a line (Bazel's `multiline`
//! format). Lines are taken as they are, empty ones included; files named inside a file are not expanded.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A parameter file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum ArgsError {
    /// It cannot be read.
    #[error("failed to read the parameter file")]
    Read(#[source] std::io::Error),
    /// It is not text that the operating system takes as arguments.
    #[error("the parameter file `{0}` is not valid UTF-8")]
    Encoding(PathBuf),
}

/// Replaces each `@file` after the program's name by the lines of the file.
pub fn expand(arguments: impl IntoIterator<Item = OsString>) -> Result<Vec<OsString>, ArgsError> {
    let mut expanded = Vec::new();
    for (position, argument) in arguments.into_iter().enumerate() {
        match argument.to_str().and_then(|text| text.strip_prefix('@')) {
            Some(path) if position > 0 => expanded.extend(read_lines(Path::new(path))?),
            _ => expanded.push(argument),
        }
    }
    Ok(expanded)
}

/// The lines of a parameter file; also used for lists that are too long for a command line of their own.
pub fn read_lines(path: &Path) -> Result<Vec<OsString>, ArgsError> {
    let bytes = fs_err::read(path).map_err(ArgsError::Read)?;
    let body = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    body.split(|byte| *byte == b'\n')
        .map(|line| os_string(line).ok_or_else(|| ArgsError::Encoding(path.to_owned())))
        .collect()
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "on Windows an argument may be impossible")]
fn os_string(bytes: &[u8]) -> Option<OsString> {
    use std::os::unix::ffi::OsStrExt as _;
    Some(std::ffi::OsStr::from_bytes(bytes).to_owned())
}

#[cfg(not(unix))]
fn os_string(bytes: &[u8]) -> Option<OsString> {
    std::str::from_utf8(bytes).ok().map(OsString::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand_file(content: &str) -> Vec<OsString> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("params");
        fs_err::write(&path, content).unwrap();
        let arguments = ["builder".into(), "layer".into(), format!("@{}", path.display()).into()];
        expand(arguments).unwrap().split_off(2)
    }

    #[test]
    fn lines_are_arguments() {
        assert_eq!(expand_file("--a\nb c\n\n@d\n"), ["--a", "b c", "", "@d"]);
        assert_eq!(expand_file("--a\nlast"), ["--a", "last"]);
        assert_eq!(expand_file(""), Vec::<OsString>::new());
        assert_eq!(expand_file("\n"), [""]);
    }

    #[test]
    fn the_program_s_own_name_is_not_a_file() {
        assert_eq!(expand(["@x".into()]).unwrap(), ["@x"]);
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = expand(["x".into(), "@/no/such/file".into()]).unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains("/no/such/file"), "{source}");
    }
}
