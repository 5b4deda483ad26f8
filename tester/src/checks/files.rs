//! What the listing says.

use layout::listing::{Line, find};

use super::Check;
use crate::expectations::FileExpectation;
use crate::request::Image;

pub(super) fn check(expected: &FileExpectation, image: &Image) -> Check {
    let name = if expected.name.is_empty() { &expected.path } else { &expected.name };
    Check::new(format!("file {name}"), problem(expected, image))
}

fn problem(expected: &FileExpectation, image: &Image) -> Option<String> {
    let found = find(&image.files, &expected.path);
    match found {
        // What lies in an upper layer is there, whatever the lower ones hold.
        Some(line) if expected.should_exist => attributes_problem(expected, line),
        Some(_) => Some(format!("`{}` is there, but should not be", expected.path)),
        None if !image.complete => Some(format!(
            "nobody can tell whether `{}` is there: layers of the image are not part of the build; \
             set `layer_handling` at the `pull` of its base",
            expected.path
        )),
        None if expected.should_exist => Some(format!("`{}` is not there", expected.path)),
        None => None,
    }
}

fn attributes_problem(expected: &FileExpectation, line: &Line) -> Option<String> {
    let number = |key: &str, radix| {
        let text = String::from_utf8(line.value(key)?).ok()?;
        i64::from_str_radix(&text, radix).ok()
    };
    let unknown =
        |key: &str| Some(format!("the listing does not say its {key}; see `//img/settings:mtree_options`"));
    for (key, expected) in [("uid", expected.uid), ("gid", expected.gid)] {
        match (expected, number(key, 10)) {
            (Some(_), None) => return unknown(key),
            (Some(expected), Some(found)) if expected != found => {
                return Some(format!("expected the {key} {expected}, found {found}"));
            }
            _ => {}
        }
    }
    if expected.permissions.is_empty() && expected.is_executable_by.is_empty() {
        return None;
    }
    let Some(mode) = number("mode", 8) else { return unknown("mode") };
    let found = permissions(&line.value("type").unwrap_or_default(), mode);
    if !expected.permissions.is_empty() && expected.permissions != found {
        return Some(format!("expected the permissions `{}`, found `{found}`", expected.permissions));
    }
    let wanted = match expected.is_executable_by.as_str() {
        "" => return None,
        "owner" => 0o100,
        "group" => 0o010,
        "other" => 0o001,
        "any" => 0o111,
        other => {
            return Some(format!(
                "`isExecutableBy` is `{other}`, expected `owner`, `group`, `other` or `any`"
            ));
        }
    };
    (mode & wanted == 0).then(|| {
        format!("it is not executable by {}: its permissions are `{found}`", expected.is_executable_by)
    })
}

/// A mode as Go prints it: the kind and special bits as letters, or `-`, then three times `rwx`.
fn permissions(kind: &[u8], mode: i64) -> String {
    let kind = match kind {
        b"dir" => "d",
        b"link" => "L",
        b"char" => "Dc",
        b"block" => "D",
        b"fifo" => "p",
        _ => "",
    };
    let special = [(0o4000, 'u'), (0o2000, 'g'), (0o1000, 't')];
    let mut text: String =
        special.iter().filter(|(bit, _)| mode & bit != 0).map(|(_, letter)| *letter).collect();
    // Go's order is `dLDpugct`.
    text = match kind {
        "Dc" => format!("D{}c{}", text.replace('t', ""), if text.contains('t') { "t" } else { "" }),
        kind => format!("{kind}{text}"),
    };
    if text.is_empty() {
        text.push('-');
    }
    for (at, letter) in "rwxrwxrwx".chars().enumerate() {
        text.push(if mode & (0o400 >> at) == 0 { '-' } else { letter });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_as_go_prints_them() {
        let table = [
            ("file", 0o644, "-rw-r--r--"),
            ("dir", 0o755, "drwxr-xr-x"),
            ("dir", 0o1777, "dtrwxrwxrwx"),
            ("file", 0o4755, "urwxr-xr-x"),
            ("file", 0o6711, "ugrwx--x--x"),
            ("link", 0o777, "Lrwxrwxrwx"),
            ("char", 0o666, "Dcrw-rw-rw-"),
            ("fifo", 0, "p---------"),
        ];
        for (kind, mode, expected) in table {
            assert_eq!(permissions(kind.as_bytes(), mode), expected);
        }
    }
}
