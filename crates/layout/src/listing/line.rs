//! One line of a listing.

use std::fmt::Write as _;

/// One entry: its path, and what is said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    text: String,
    path: Vec<u8>,
}

impl Line {
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let name = text.split(' ').next().unwrap_or_default();
        let name = name.strip_prefix("./").unwrap_or(name).trim_matches('/');
        let path = if name == "." { Vec::new() } else { unescape(name)? };
        if path.split(|byte| *byte == b'/').any(|part| part == b"..") {
            return Err("the path leaves the image");
        }
        Ok(Self { text: text.to_owned(), path })
    }

    /// A folder that nobody says anything about, written in the style of another entry.
    pub(crate) fn folder(path: &[Vec<u8>], like: &Line) -> Self {
        let name = escape(path);
        let text = if like.text.starts_with("./") {
            format!("./{name} type=dir")
        } else {
            format!("{name}/ type=dir")
        };
        Self { text, path: path.join(&b'/') }
    }

    /// The same entry in another place.
    pub(crate) fn moved_to(&self, path: &[Vec<u8>]) -> Self {
        let joined = path.join(&b'/');
        if joined == self.path {
            return self.clone();
        }
        let (name, rest) = self.text.split_once(' ').unwrap_or((&self.text, ""));
        let prefix = if name.starts_with("./") { "./" } else { "" };
        let suffix = if name.ends_with('/') { "/" } else { "" };
        Self { text: format!("{prefix}{}{suffix} {rest}", escape(path)), path: joined }
    }

    /// The line as it is written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Path below the image's root, without slashes at its ends; empty for the root itself.
    pub fn path(&self) -> &[u8] {
        &self.path
    }

    /// The value of a key such as `mode`, escapes read; `None` if the listing does not say it.
    pub fn value(&self, key: &str) -> Option<Vec<u8>> {
        let pairs = self.text.split(' ').skip(1).filter_map(|pair| pair.split_once('='));
        pairs.into_iter().find(|(found, _)| *found == key).and_then(|(_, value)| unescape(value).ok())
    }

    /// Whether it is a folder.
    pub fn is_folder(&self) -> bool {
        let name = self.text.split(' ').next().unwrap_or_default();
        self.value("type").map_or(name.ends_with('/') || name == ".", |kind| kind == b"dir")
    }
}

/// Names with octal escapes for what is not a visible ASCII character or has a meaning in patterns or comments (`vis(3)`).
fn escape(path: &[Vec<u8>]) -> String {
    let mut text = String::new();
    for byte in path.join(&b'/') {
        if byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'#' | b'*' | b'?' | b'[') {
            text.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(text, "\\{byte:03o}");
        }
    }
    text
}

/// Reads `\040` and `\\` (`vis(3)`).
fn unescape(text: &str) -> Result<Vec<u8>, &'static str> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'\\' {
            bytes.push(*first);
        } else if let Some(after) = rest.strip_prefix(b"\\") {
            bytes.push(b'\\');
            rest = after;
        } else {
            let (digits, after) = rest.split_at_checked(3).ok_or("an escape has fewer than three digits")?;
            let digits = str::from_utf8(digits).map_err(|_| "an escape is not a number")?;
            bytes.push(u8::from_str_radix(digits, 8).map_err(|_| "an escape is not an octal number")?);
            rest = after;
        }
    }
    Ok(bytes)
}
