//! Headers of tar entries: ustar, preceded by a PAX extended header where ustar cannot hold a value (POSIX.1-2017,
//! `pax`, "ustar Interchange Format" and "pax Extended Header").

use std::collections::BTreeMap;

use crate::attributes::Attributes;

/// Everything in a tar comes in blocks of this size.
pub(crate) const BLOCK: usize = 512;

/// The largest number in a field of twelve bytes: eleven octal digits and a NUL.
const MAX_OCTAL_11: u64 = 0o777_7777_7777;

/// The largest number in a field of eight bytes.
const MAX_OCTAL_7: u64 = 0o777_7777;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeaderKind<'a> {
    /// A regular file, followed by its content.
    File {
        /// Bytes of content.
        size: u64,
    },
    /// Another name for a file that came before.
    Hardlink {
        /// The path of that file.
        target: &'a str,
    },
    /// A symbolic link.
    Symlink {
        /// Its text.
        target: &'a str,
    },
    /// A folder.
    Directory,
}

impl HeaderKind<'_> {
    fn type_flag(self) -> u8 {
        match self {
            Self::File { .. } => b'0',
            Self::Hardlink { .. } => b'1',
            Self::Symlink { .. } => b'2',
            Self::Directory => b'5',
        }
    }

    fn size(self) -> u64 {
        if let Self::File { size } = self { size } else { 0 }
    }
}

/// Records of an extended header, in the order of their names.
type Records<'a> = BTreeMap<&'a str, Vec<u8>>;

/// Appends the blocks that come before the content of an entry. `path` is relative and without trailing slash.
pub(crate) fn encode(path: &str, kind: HeaderKind<'_>, attributes: &Attributes, out: &mut Vec<u8>) {
    let name = if kind == HeaderKind::Directory { format!("{path}/") } else { path.to_owned() };
    let target = match kind {
        HeaderKind::Hardlink { target } | HeaderKind::Symlink { target } => target,
        HeaderKind::File { .. } | HeaderKind::Directory => "",
    };
    let mut records: Records<'_> =
        attributes.pax_records.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
    let mut block = [0; BLOCK];

    write_name(&name, &mut block, &mut records);
    write_text(&mut block[157..257], "linkpath", target, &mut records);
    write_octal(&mut block[100..108], u64::from(attributes.mode));
    write_number(&mut block[108..116], MAX_OCTAL_7, "uid", attributes.uid, &mut records);
    write_number(&mut block[116..124], MAX_OCTAL_7, "gid", attributes.gid, &mut records);
    write_number(&mut block[124..136], MAX_OCTAL_11, "size", kind.size(), &mut records);
    let seconds = u64::try_from(attributes.mtime.seconds).unwrap_or(0);
    if attributes.mtime.seconds < 0 || attributes.mtime.nanoseconds != 0 {
        records.insert("mtime", attributes.mtime.to_string().into_bytes());
    }
    write_number(&mut block[136..148], MAX_OCTAL_11, "mtime", seconds, &mut records);
    block[156] = kind.type_flag();
    write_text(&mut block[265..296], "uname", &attributes.uname, &mut records);
    write_text(&mut block[297..328], "gname", &attributes.gname, &mut records);
    finish_block(&mut block);

    if !records.is_empty() {
        encode_extended(&name, &records, out);
    }
    out.extend_from_slice(&block);
}

/// The number of zero bytes after content of this size.
pub(crate) fn padding(size: u64) -> usize {
    let block = BLOCK as u64;
    usize::try_from((block - size % block) % block).expect("less than a block")
}

/// What ends an archive.
pub(crate) const END_OF_ARCHIVE: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

fn encode_extended(name: &str, records: &Records<'_>, out: &mut Vec<u8>) {
    let mut body = Vec::new();
    for (key, value) in records {
        encode_record(key, value, &mut body);
    }
    let mut block = [0; BLOCK];
    // Only shown by tools that do not know extended headers.
    let name: String = "PaxHeaders.0/"
        .chars()
        .chain(name.trim_end_matches('/').chars().map(|c| if c.is_ascii_graphic() { c } else { '_' }))
        .take(100)
        .collect();
    block[..name.len()].copy_from_slice(name.as_bytes());
    write_octal(&mut block[100..108], 0o644);
    write_octal(&mut block[108..116], 0);
    write_octal(&mut block[116..124], 0);
    write_octal(&mut block[124..136], body.len() as u64);
    write_octal(&mut block[136..148], 0);
    block[156] = b'x';
    finish_block(&mut block);
    out.extend_from_slice(&block);
    let padding = padding(body.len() as u64);
    out.append(&mut body);
    out.resize(out.len() + padding, 0);
}

/// `length key=value\n`, where the length counts itself.
fn encode_record(key: &str, value: &[u8], out: &mut Vec<u8>) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while rest + length.to_string().len() != length {
        length = rest + length.to_string().len();
    }
    out.extend_from_slice(format!("{length} {key}=").as_bytes());
    out.extend_from_slice(value);
    out.push(b'\n');
}

fn write_name(name: &str, block: &mut [u8; BLOCK], records: &mut Records<'_>) {
    if let Some((prefix, rest)) = split_name(name) {
        block[..rest.len()].copy_from_slice(rest.as_bytes());
        block[345..345 + prefix.len()].copy_from_slice(prefix.as_bytes());
        return;
    }
    records.insert("path", name.into());
    let shown: Vec<u8> = name.bytes().map(|byte| if byte.is_ascii_graphic() { byte } else { b'_' }).collect();
    let length = shown.len().min(100);
    block[..length].copy_from_slice(&shown[..length]);
}

/// Where ustar's two name fields hold it: a prefix of at most 155 bytes, a slash that is not written, and a rest of
/// at most 100 bytes.
fn split_name(name: &str) -> Option<(&str, &str)> {
    if !name.is_ascii() {
        return None;
    }
    if name.len() <= 100 {
        return Some(("", name));
    }
    // The slash that ends a folder's name does not separate.
    let within = &name[..name.len() - 1];
    let slash = within[..within.len().min(156)].rfind('/')?;
    let rest = &name[slash + 1..];
    if slash == 0 || rest.len() > 100 { None } else { Some((&name[..slash], rest)) }
}

fn write_text(field: &mut [u8], key: &'static str, text: &str, records: &mut Records<'_>) {
    if text.is_ascii() && text.len() <= field.len() {
        field[..text.len()].copy_from_slice(text.as_bytes());
    } else {
        records.insert(key, text.into());
    }
}

fn write_number(field: &mut [u8], max: u64, key: &'static str, value: u64, records: &mut Records<'_>) {
    if value > max {
        records.entry(key).or_insert_with(|| value.to_string().into_bytes());
    }
    write_octal(field, if value > max { 0 } else { value });
}

fn write_octal(field: &mut [u8], value: u64) {
    let digits = field.len() - 1;
    field[..digits].copy_from_slice(format!("{value:0digits$o}").as_bytes());
}

fn finish_block(block: &mut [u8; BLOCK]) {
    block[257..265].copy_from_slice(b"ustar\x0000");
    write_octal(&mut block[329..337], 0);
    write_octal(&mut block[337..345], 0);
    block[148..156].copy_from_slice(b"        ");
    let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_at_a_slash() {
        let long = |a: usize, b: usize| format!("{}/{}", "a".repeat(a), "b".repeat(b));
        assert_eq!(split_name("a/b"), Some(("", "a/b")));
        assert_eq!(split_name(&long(99, 50)).unwrap().0.len(), 99);
        assert_eq!(split_name(&long(155, 100)).unwrap().1.len(), 100);
        assert_eq!(split_name(&long(156, 10)), None);
        assert_eq!(split_name(&long(10, 101)), None);
        assert_eq!(split_name(&format!("{}/", "a".repeat(100))), None);
        assert_eq!(split_name(&format!("{}/", long(60, 60))).unwrap().1.len(), 61);
        assert_eq!(split_name("ü"), None);
    }

    #[test]
    fn a_record_counts_its_own_length() {
        for (value, expected) in [("x", 8), ("", 7)] {
            let mut out = Vec::new();
            encode_record("abc", value.as_bytes(), &mut out);
            assert_eq!(out.len(), expected);
        }
        for length in 80..120 {
            let mut out = Vec::new();
            encode_record("k", "v".repeat(length).as_bytes(), &mut out);
            let text = String::from_utf8(out).unwrap();
            assert_eq!(text.split(' ').next().unwrap(), text.len().to_string());
        }
    }

    #[test]
    fn small_values_need_no_extension() {
        let mut out = Vec::new();
        encode("a", HeaderKind::File { size: MAX_OCTAL_11 }, &Attributes::with_mode(0o755), &mut out);
        assert_eq!(out.len(), BLOCK);
        assert_eq!(&out[124..136], b"77777777777\0");
        encode("a", HeaderKind::File { size: MAX_OCTAL_11 + 1 }, &Attributes::with_mode(0o755), &mut out);
        assert_eq!(out.len(), 4 * BLOCK);
        assert!(out[2 * BLOCK..].starts_with(b"19 size=8589934592\n"));
        assert_eq!(out[BLOCK + 156], b'x');
    }
}
