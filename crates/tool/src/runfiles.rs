//! Finds what the build put beside a program, and its runfiles, from the path the program was started by.
//!
//! The program is a link under the target's name, so its own path (`/proc/self/exe`) says nothing; `argv[0]` does.
//! Looked up in this order: `<program>.runfiles/`, `RUNFILES_DIR`, an enclosing `*.runfiles` (the target is itself a
//! runfile of another program), and the lists `<program>.runfiles_manifest` and `RUNFILES_MANIFEST_FILE`, which stand in for
//! the trees where there are none.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

/// Maps runfiles paths (`_main/pkg/file`) to files.
#[derive(Debug, Default)]
pub struct Runfiles {
    roots: Vec<PathBuf>,
    listed: BTreeMap<String, PathBuf>,
}

impl Runfiles {
    /// Looks for the runfiles of a program.
    pub fn find(program: &Path) -> io::Result<Self> {
        let mut roots = vec![with_suffix(program, ".runfiles")];
        roots.extend(crate::env::RUNFILES_DIR.get().map(PathBuf::from));
        roots.extend(
            program
                .ancestors()
                .filter(|path| path.extension() == Some(OsStr::new("runfiles")))
                .map(Path::to_owned),
        );
        roots.retain(|root| root.is_dir());

        let mut lists = vec![with_suffix(program, ".runfiles_manifest")];
        lists.extend(crate::env::RUNFILES_MANIFEST_FILE.get().map(PathBuf::from));
        let mut listed = BTreeMap::new();
        for list in lists.iter().filter(|list| list.is_file()) {
            for line in fs_err::read_to_string(list)?.lines() {
                let (path, file) = parse_line(line);
                listed.entry(path).or_insert(file);
            }
        }
        Ok(Self { roots, listed })
    }

    /// Files that somebody else found: runfiles path to file.
    pub fn listed(listed: BTreeMap<String, PathBuf>) -> Self {
        Self { roots: Vec::new(), listed }
    }

    /// The file behind a runfiles path, if it is there.
    pub fn resolve(&self, path: &str) -> Option<PathBuf> {
        let in_tree = self.roots.iter().map(|root| root.join(path)).find(|file| file.exists());
        in_tree.or_else(|| self.listed.get(path).filter(|file| file.exists()).cloned())
    }
}

/// One line of a runfiles manifest: `path SPACE file`; with a leading space, `\s`, `\n` and `\b` stand for space, newline
/// and backslash.
fn parse_line(line: &str) -> (String, PathBuf) {
    let (escaped, line) = line.strip_prefix(' ').map_or((false, line), |rest| (true, rest));
    let (path, file) = line.split_once(' ').unwrap_or((line, ""));
    let unescape = |text: &str| text.replace("\\s", " ").replace("\\n", "\n").replace("\\b", "\\");
    if escaped { (unescape(path), unescape(file).into()) } else { (path.to_owned(), file.into()) }
}

/// The absolute path that the program was started by, without `.exe`.
pub fn program_path() -> io::Result<PathBuf> {
    let name = std::env::args_os().next().map(PathBuf::from).unwrap_or_default();
    let path = if name.components().count() > 1 {
        name
    } else {
        let path = crate::env::PATH.get().unwrap_or_default();
        std::env::split_paths(&path)
            .map(|folder| folder.join(&name))
            .find(|file| file.is_file())
            .unwrap_or(name)
    };
    let path = std::path::absolute(path)?;
    Ok(if path.extension() == Some(OsStr::new("exe")) { path.with_extension("") } else { path })
}

/// `<program>.json`, or for a load `<program>.load.json`: what the build wrote for the program.
pub fn plan_path(program: &Path) -> PathBuf {
    let load = with_suffix(program, ".load.json");
    if load.exists() { load } else { with_suffix(program, ".json") }
}

/// Appends to the file name: a target may be called `push.prod`, so this must not replace an extension.
fn with_suffix(program: &Path, suffix: &str) -> PathBuf {
    let mut name = program.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes_are_appended() {
        assert_eq!(plan_path(Path::new("/x/push.prod")), Path::new("/x/push.prod.json"));
    }

    #[test]
    fn reads_manifest_lines() {
        let table = [
            ("_main/a /x/a", "_main/a", "/x/a"),
            (" _main/a\\sb /x/a\\sb\\bc", "_main/a b", "/x/a b\\c"),
            ("_main/empty ", "_main/empty", ""),
        ];
        for (line, path, file) in table {
            assert_eq!(parse_line(line), (path.to_owned(), file.into()), "{line}");
        }
    }

    #[test]
    fn finds_trees_beside_and_around_the_program() {
        let folder = tempfile::tempdir().unwrap();
        let tree = folder.path().join("outer.runfiles");
        fs_err::create_dir_all(tree.join("_main/pkg/push.runfiles/_main")).unwrap();
        fs_err::write(tree.join("_main/layer.tgz"), "outer").unwrap();
        fs_err::write(tree.join("_main/pkg/push.runfiles/_main/config.json"), "inner").unwrap();
        let runfiles = Runfiles::find(&tree.join("_main/pkg/push")).unwrap();
        assert!(runfiles.resolve("_main/layer.tgz").is_some());
        assert!(runfiles.resolve("_main/config.json").is_some());
        assert!(runfiles.resolve("_main/other").is_none());
    }

    #[test]
    fn a_list_stands_in_for_a_tree() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("real");
        fs_err::write(&file, "").unwrap();
        let list = format!("_main/a {}\n_main/gone /no/such/file\n", file.display());
        fs_err::write(folder.path().join("push.runfiles_manifest"), list).unwrap();
        let runfiles = Runfiles::find(&folder.path().join("push")).unwrap();
        assert_eq!(runfiles.resolve("_main/a"), Some(file));
        assert_eq!(runfiles.resolve("_main/gone"), None);
    }
}
