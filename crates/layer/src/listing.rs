//! Listings in the mtree format (`mtree(5)`): one line an entry, in the order of the tar.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use oci::Digest;

use crate::attributes::Attributes;
use crate::contents::{Node, NodeKind};
use crate::seekable::{TocEntry, TocKind};
use crate::write::StoredFile;

/// The first line.
pub(crate) const HEADER: &str = "#mtree v2.0\n";

/// What a line says about an entry.
pub(crate) enum LineKind<'a> {
    /// A regular file, hardlinks included.
    File {
        size: Option<u64>,
        digest: Option<Digest>,
        names: usize,
    },
    Directory,
    Symlink {
        target: &'a [u8],
    },
    /// `char`, `block` or `fifo`.
    Special {
        kind: &'static str,
    },
}

/// Appends the line of an entry.
pub(crate) fn line(path: &[u8], kind: &LineKind<'_>, attributes: &Attributes, out: &mut String) {
    match path {
        b"" => out.push('.'),
        path => {
            out.push_str("./");
            escape(path, out);
        }
    }
    // Writing to a string cannot fail.
    let _ = match kind {
        LineKind::File { size: Some(size), .. } => write!(out, " type=file size={size}"),
        LineKind::File { size: None, .. } => write!(out, " type=file"),
        LineKind::Directory => write!(out, " type=dir"),
        LineKind::Symlink { target } => write!(out, " type=link size={}", target.len()),
        LineKind::Special { kind } => write!(out, " type={kind}"),
    };
    let _ = write!(out, " mode={} uid={}", mode(attributes.mode), attributes.uid);
    name("uname", &attributes.uname, out);
    let _ = write!(out, " gid={}", attributes.gid);
    name("gname", &attributes.gname, out);
    if let LineKind::File { digest: Some(digest), .. } = kind {
        let _ = write!(out, " sha256digest={}", digest.hex());
    }
    let _ = write!(out, " time={}", attributes.mtime.seconds);
    match kind {
        LineKind::Symlink { target } => {
            out.push_str(" link=");
            escape(target, out);
        }
        LineKind::File { names, .. } => {
            let _ = write!(out, " nlink={names}");
        }
        LineKind::Directory | LineKind::Special { .. } => {}
    }
    out.push('\n');
}

fn mode(mode: u32) -> String {
    if mode == 0 { "0".to_owned() } else { format!("0{mode:o}") }
}

fn name(key: &str, value: &str, out: &mut String) {
    if !value.is_empty() {
        let _ = write!(out, " {key}=");
        escape(value.as_bytes(), out);
    }
}

/// Octal escapes for what is not a visible ASCII character or has a meaning in patterns or comments (`vis(3)`).
fn escape(text: &[u8], out: &mut String) {
    for &byte in text {
        if byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'#' | b'*' | b'?' | b'[') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "\\{byte:03o}");
        }
    }
}

/// The listing of a layer that was just written; `added` is an entry that came with its format.
pub(crate) fn of_nodes(nodes: &[Node], files: &[StoredFile], added: Option<&TocEntry>) -> String {
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    for link in files.iter().filter_map(|file| file.link.as_deref()) {
        *names.entry(link).or_insert(1) += 1;
    }
    let mut out = HEADER.to_owned();
    for (node, file) in nodes.iter().zip(files) {
        let content = file.link.as_deref().unwrap_or(node.path.as_str());
        let names = names.get(content).copied().unwrap_or(1);
        let kind = match &node.kind {
            NodeKind::Directory(_) => LineKind::Directory,
            NodeKind::Symlink(target) => LineKind::Symlink { target: target.as_bytes() },
            NodeKind::File { size, .. } => LineKind::File { size: Some(*size), digest: file.digest, names },
            NodeKind::Empty(_) => LineKind::File { size: Some(0), digest: file.digest, names },
        };
        line(node.path.as_str().as_bytes(), &kind, &node.attributes, &mut out);
    }
    add_entry(added, &mut out);
    out
}

/// Adds the line of a file that came with the format of a layer, if there is one.
pub(crate) fn add_entry(added: Option<&TocEntry>, out: &mut String) {
    if let Some(TocEntry { name, kind: TocKind::File { size }, attributes, digest, .. }) = added {
        let kind = LineKind::File { size: Some(*size), digest: *digest, names: 1 };
        line(name.as_bytes(), &kind, attributes, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_a_reader_would_take_apart() {
        let mut out = String::new();
        escape("a b/ü#\\*x".as_bytes(), &mut out);
        assert_eq!(out, r"a\040b/\303\274\043\134\052x");
    }

    #[test]
    fn lists_modes_as_they_are() {
        assert_eq!((mode(0o755), mode(0), mode(0o4755)), ("0755".into(), "0".into(), "04755".into()));
    }
}
