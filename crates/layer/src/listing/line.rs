//! One line of a listing.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::style::{Keyword, ListingStyle};
use super::{Entry, Kind};

/// Extended header records with this prefix hold extended attributes.
const XATTR_PREFIX: &str = "SCHILY.xattr.";

/// Appends the line of an entry; `names` says how many names each content has.
pub(super) fn entry(
    path: &[u8],
    entry: &Entry,
    names: &BTreeMap<usize, usize>,
    style: &ListingStyle,
    out: &mut String,
) {
    name(path, matches!(entry.kind, Kind::Directory), style, out);
    for keyword in style.keywords.iter() {
        value(keyword, entry, names, out);
    }
    out.push('\n');
}

/// Appends the line of a folder that is there only because something lies in it.
pub(super) fn unnamed_directory(path: &[u8], style: &ListingStyle, out: &mut String) {
    name(path, true, style, out);
    if style.keywords.iter().any(|keyword| keyword == Keyword::Type) {
        out.push_str(" type=dir");
    }
    out.push('\n');
}

fn name(path: &[u8], is_directory: bool, style: &ListingStyle, out: &mut String) {
    if path.is_empty() {
        out.push('.');
        return;
    }
    out.push_str(&style.prefix);
    escape(path, out);
    if is_directory && style.prefix.is_empty() {
        out.push('/');
    }
}

/// Appends what a keyword asks for, if the entry has it. Writing to a string cannot fail.
fn value(keyword: Keyword, entry: &Entry, names: &BTreeMap<usize, usize>, out: &mut String) {
    let Entry { kind, attributes, .. } = entry;
    let _ = match (keyword, kind) {
        (Keyword::Type, Kind::File { .. }) => write!(out, " type=file"),
        (Keyword::Type, Kind::Directory) => write!(out, " type=dir"),
        (Keyword::Type, Kind::Symlink { .. }) => write!(out, " type=link"),
        (Keyword::Type, Kind::Special(kind)) => write!(out, " type={kind}"),
        (Keyword::Size, Kind::File { size: Some(size), .. }) => write!(out, " size={size}"),
        (Keyword::Size, Kind::Symlink { target }) => write!(out, " size={}", target.len()),
        (Keyword::Mode, _) => write!(out, " mode={}", mode(attributes.mode)),
        (Keyword::Uid, _) => write!(out, " uid={}", attributes.uid),
        (Keyword::Gid, _) => write!(out, " gid={}", attributes.gid),
        (Keyword::Uname, _) => return text("uname", attributes.uname.as_bytes(), out),
        (Keyword::Gname, _) => return text("gname", attributes.gname.as_bytes(), out),
        (Keyword::Sha256, Kind::File { digest: Some(digest), .. }) => {
            write!(out, " sha256digest={}", digest.hex())
        }
        (Keyword::Time, _) => write!(out, " time={}", attributes.mtime.seconds),
        (Keyword::Link, Kind::Symlink { target }) => return text("link", target, out),
        (Keyword::Nlink, Kind::File { content, .. }) => {
            write!(out, " nlink={}", names.get(content).copied().unwrap_or(1))
        }
        (Keyword::Xattr, _) => return extended_attributes(entry, out),
        (Keyword::Size | Keyword::Sha256 | Keyword::Link | Keyword::Nlink, _) => return,
    };
}

fn extended_attributes(entry: &Entry, out: &mut String) {
    for (record, value) in &entry.attributes.pax_records {
        if let Some(name) = record.strip_prefix(XATTR_PREFIX) {
            out.push_str(" xattr.");
            escape(name.as_bytes(), out);
            out.push('=');
            STANDARD.encode_string(value, out);
        }
    }
}

pub(super) fn mode(mode: u32) -> String {
    if mode == 0 { "0".to_owned() } else { format!("0{mode:o}") }
}

fn text(key: &str, value: &[u8], out: &mut String) {
    if !value.is_empty() {
        out.push(' ');
        out.push_str(key);
        out.push('=');
        escape(value, out);
    }
}

/// Octal escapes for what is not a visible ASCII character or has a meaning in patterns or comments (`vis(3)`).
pub(super) fn escape(text: &[u8], out: &mut String) {
    for &byte in text {
        if byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'#' | b'*' | b'?' | b'[') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "\\{byte:03o}");
        }
    }
}
