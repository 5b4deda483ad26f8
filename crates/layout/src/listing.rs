//! Listings in the mtree format: of several layers one is made, of what a container sees.

mod follow;
mod line;
mod tree;

use std::str::FromStr;

use crate::LayoutError;
pub use line::Line;
use tree::Tree;

/// The first line of a listing.
const HEADER: &str = "#mtree v2.0\n";

/// What the listing of an image holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrangement {
    /// The entries of the layers, as they are stored.
    Tar,
    /// The files of the image: layers laid over each other (image specification, "Image Layer Filesystem Changeset"),
    /// parents that no layer names included, sorted by path.
    Files,
}

impl FromStr for Arrangement {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "tar" => Ok(Self::Tar),
            "oci_layer_filesystem_applied_changeset" => Ok(Self::Files),
            _ => Err(format!("`{text}` is neither `tar` nor `oci_layer_filesystem_applied_changeset`")),
        }
    }
}

/// The lines of a listing; `name` is for messages.
pub fn parse(name: &str, text: &str) -> Result<Vec<Line>, LayoutError> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|(number, line)| {
            Line::parse(line).map_err(|problem| LayoutError::Listing {
                path: name.to_owned(),
                line: number + 1,
                problem,
            })
        })
        .collect()
}

/// The line of a path in the listing of an image; symlinks are followed in its parents, not at its end.
pub fn find<'a>(files: &'a [Line], path: &str) -> Option<&'a Line> {
    let get = |path: &follow::Path| {
        let path = path.join(&b'/');
        files.iter().find(|line| line.path() == path)
    };
    let path = follow::follow(follow::parts(path.as_bytes()), |path| get(path)?.value("link"))?;
    get(&path)
}

/// One listing of the layers' listings, the lowest layer first.
pub fn merge(layers: &[Vec<Line>], arrangement: Arrangement) -> String {
    let mut out = HEADER.to_owned();
    let mut push = |line: &Line| {
        out.push_str(line.text());
        out.push('\n');
    };
    match arrangement {
        Arrangement::Tar => layers.iter().flatten().for_each(&mut push),
        Arrangement::Files => {
            let mut tree = Tree::default();
            for layer in layers {
                tree.lay_over(layer);
            }
            tree.lines().for_each(&mut push);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(layers: &[&str], arrangement: Arrangement) -> Vec<String> {
        let layers: Vec<_> = layers.iter().map(|text| parse("x", text).unwrap()).collect();
        let text = merge(&layers, arrangement);
        text.strip_prefix(HEADER).unwrap().lines().map(str::to_owned).collect()
    }

    fn files(layers: &[&str]) -> Vec<String> {
        merged(layers, Arrangement::Files)
    }

    #[test]
    fn stored_entries_stay_in_order() {
        let layers = ["#mtree v2.0\n./b type=file\n./a type=dir\n", "./b type=link\n./.wh.a type=file"];
        let expected = ["./b type=file", "./a type=dir", "./b type=link", "./.wh.a type=file"];
        assert_eq!(merged(&layers, Arrangement::Tar), expected);
    }

    #[test]
    fn upper_layers_win_and_parents_are_there() {
        let layers =
            ["./a/b/c type=file size=1\n./a/b type=dir mode=0700", "./a/b/c type=file size=2\n./A type=dir"];
        assert_eq!(
            files(&layers),
            ["./A type=dir", "./a type=dir", "./a/b type=dir mode=0700", "./a/b/c type=file size=2"]
        );
    }

    #[test]
    fn sorted_by_components() {
        let layer = "./a.b type=file\n./a/b type=file\n./a type=dir\n./a-b type=file\n. type=dir";
        assert_eq!(
            files(&[layer]),
            [". type=dir", "./a type=dir", "./a/b type=file", "./a-b type=file", "./a.b type=file"]
        );
    }

    #[test]
    fn whiteouts_remove_what_lies_below() {
        let lower = "./d/x type=file\n./d/y/z type=file\n./e type=file\n./f type=file";
        let upper = "./d/.wh.y type=file\n./.wh.e type=file\n./e type=dir\n./.wh.none type=file";
        assert_eq!(
            files(&[lower, upper]),
            ["./d type=dir", "./d/x type=file", "./e type=dir", "./f type=file"]
        );

        let opaque = "./d/new type=file\n./d/.wh..wh..opq type=file";
        assert_eq!(
            files(&[lower, opaque]),
            ["./d type=dir", "./d/new type=file", "./e type=file", "./f type=file"]
        );
    }

    #[test]
    fn a_file_over_a_folder_and_back() {
        let folder = "./a/b type=file";
        let file = "./a type=file";
        assert_eq!(files(&[folder, file]), ["./a type=file"]);
        assert_eq!(files(&[folder, file, folder]), ["./a type=dir", "./a/b type=file"]);
        // A folder over a folder keeps what is in it.
        assert_eq!(files(&[folder, "./a type=dir mode=0700"]), ["./a type=dir mode=0700", "./a/b type=file"]);
    }

    #[test]
    fn files_go_where_links_of_lower_layers_lead() {
        let lower = "./lib type=link link=usr/lib\n./usr/lib type=dir\n./abs type=link link=/usr";
        let upper = "./lib/x type=file\n./abs/lib/y type=file\n./usr/.wh.none type=file";
        assert_eq!(
            files(&[lower, upper]),
            [
                "./abs type=link link=/usr",
                "./lib type=link link=usr/lib",
                "./usr type=dir",
                "./usr/lib type=dir",
                "./usr/lib/x type=file",
                "./usr/lib/y type=file"
            ]
        );
        // Removed through a link, too.
        assert_eq!(files(&[lower, "./lib/x type=file", "./lib/.wh.x type=file"]).len(), 4);
    }

    #[test]
    fn links_are_followed_on_the_way() {
        let text = "./usr/lib/x type=file\n./lib type=link link=usr/lib\n./abs type=link link=/lib\n./up type=link link=../lib\n./loop type=link link=loop\n";
        let lines = parse("x", text).unwrap();
        for path in ["/usr/lib/x", "usr/lib/x", "/lib/x", "/abs/x", "/up/x", "/lib/../lib/./x", "//lib//x/"] {
            assert_eq!(find(&lines, path).unwrap().path(), b"usr/lib/x", "{path}");
        }
        assert_eq!(find(&lines, "/lib").unwrap().value("type").unwrap(), b"link");
        for path in ["/loop/x", "/lib/y", "/x", "/", ""] {
            assert!(find(&lines, path).is_none(), "{path}");
        }
    }

    #[test]
    fn paths_without_a_prefix() {
        assert_eq!(
            files(&["a/b/c type=file", "a/ type=dir"]),
            ["a/ type=dir", "a/b/ type=dir", "a/b/c type=file"]
        );
    }

    #[test]
    fn escapes_are_read() {
        let lines = parse("x", "./a\\040b\\\\ type=link link=x\\040y").unwrap();
        assert_eq!(lines[0].path(), b"a b\\");
        assert_eq!(lines[0].value("link").unwrap(), b"x y");
        assert_eq!(lines[0].value("size"), None);
    }

    #[test]
    fn broken_lines_are_named() {
        for line in ["./a\\04", "./a\\999 type=file", "../a type=file", "/ab/../c type=file"] {
            let error = parse("layer.mtree", &format!("#mtree v2.0\n{line}")).unwrap_err();
            assert!(error.to_string().starts_with("line 2 of the listing `layer.mtree`: "), "{error}");
        }
    }
}
