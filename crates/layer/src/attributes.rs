//! What a header says about an entry apart from its name and its content.

use std::collections::BTreeMap;
use std::num::ParseIntError;

use serde::{Deserialize, Deserializer};

use crate::timestamp::Timestamp;

/// What a user may set for an entry; the JSON of `file_metadata()`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FileMetadata {
    /// Permission bits.
    #[serde(deserialize_with = "octal")]
    pub mode: Option<u32>,
    /// Number of the owner.
    pub uid: Option<u64>,
    /// Number of the group.
    pub gid: Option<u64>,
    /// Name of the owner.
    pub uname: Option<String>,
    /// Name of the group.
    pub gname: Option<String>,
    /// Time of the last change.
    #[serde(deserialize_with = "rfc3339")]
    pub mtime: Option<Timestamp>,
    /// Additional records of the extended header, such as `SCHILY.xattr.user.comment`.
    #[serde(deserialize_with = "pax_records")]
    pub pax_records: BTreeMap<String, String>,
}

/// Header fields as they are written. Two files share a hardlink only if these are the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attributes {
    /// Permission bits.
    pub mode: u32,
    /// Number of the owner.
    pub uid: u64,
    /// Number of the group.
    pub gid: u64,
    /// Name of the owner.
    pub uname: String,
    /// Name of the group.
    pub gname: String,
    /// Time of the last change.
    pub mtime: Timestamp,
    /// Additional records of the extended header; extended attributes may hold any bytes.
    pub pax_records: BTreeMap<String, Vec<u8>>,
}

/// Mode of files, folders and hardlinks of which nothing else was said; the source's permissions are ignored, because
/// they differ between sandboxes and remote workers.
pub const DEFAULT_MODE: u32 = 0o755;

/// Mode of symlinks. Nothing reads it; this is what other tools write and list.
pub const SYMLINK_MODE: u32 = 0o777;

impl Attributes {
    /// Owned by root, at the epoch.
    pub fn with_mode(mode: u32) -> Self {
        Self {
            mode,
            uid: 0,
            gid: 0,
            uname: String::new(),
            gname: String::new(),
            mtime: Timestamp::default(),
            pax_records: BTreeMap::new(),
        }
    }

    /// These, with what the metadata says in their place. PAX records are united.
    #[must_use]
    pub fn with(&self, metadata: &FileMetadata) -> Self {
        let mut pax_records = self.pax_records.clone();
        let added = metadata.pax_records.iter();
        pax_records.extend(added.map(|(key, value)| (key.clone(), value.clone().into_bytes())));
        Self {
            mode: metadata.mode.unwrap_or(self.mode),
            uid: metadata.uid.unwrap_or(self.uid),
            gid: metadata.gid.unwrap_or(self.gid),
            uname: metadata.uname.clone().unwrap_or_else(|| self.uname.clone()),
            gname: metadata.gname.clone().unwrap_or_else(|| self.gname.clone()),
            mtime: metadata.mtime.unwrap_or(self.mtime),
            pax_records,
        }
    }
}

fn octal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let digits = text.strip_prefix("0o").unwrap_or(&text);
    let parsed: Result<u32, ParseIntError> = u32::from_str_radix(digits, 8);
    match parsed {
        Ok(mode) if mode <= 0o7777 && !digits.starts_with('+') => Ok(Some(mode)),
        _ => Err(serde::de::Error::custom(format!(
            "`{text}` is not a mode; expected octal digits, at most `7777`, such as `0644`"
        ))),
    }
}

fn rfc3339<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    String::deserialize(deserializer)?.parse().map(Some).map_err(serde::de::Error::custom)
}

/// Records that have a field of their own in the header; two answers to one question would be read differently by
/// different tools.
const RESERVED_RECORDS: [&str; 8] = ["path", "linkpath", "size", "uid", "gid", "uname", "gname", "mtime"];

fn pax_records<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    let records = BTreeMap::<String, String>::deserialize(deserializer)?;
    for key in records.keys() {
        let reserved =
            RESERVED_RECORDS.contains(&key.as_str()) || key.starts_with("GNU.sparse.") || key == "hdrcharset";
        if reserved || key.is_empty() || key.contains(['=', '\0', '\n']) {
            return Err(serde::de::Error::custom(format!(
                "`{key}` cannot be set in `pax_records`; expected a name without `=` that is not one of {}",
                RESERVED_RECORDS.map(|name| format!("`{name}`")).join(", ")
            )));
        }
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<FileMetadata, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn overrides_field_by_field() {
        let base = parse(r#"{"mode":"0644","uid":1,"pax_records":{"a":"1","b":"2"}}"#).unwrap();
        let over = parse(r#"{"uid":0,"mtime":"1970-01-01T00:00:01Z","pax_records":{"b":"3"}}"#).unwrap();
        let attributes = Attributes::with_mode(DEFAULT_MODE).with(&base).with(&over);
        assert_eq!((attributes.mode, attributes.uid, attributes.mtime.seconds), (0o644, 0, 1));
        assert_eq!(
            attributes.pax_records,
            BTreeMap::from([("a".into(), b"1".into()), ("b".into(), b"3".into())])
        );
    }

    #[test]
    fn refuses_what_a_header_cannot_say() {
        for json in [
            r#"{"mode":"0999"}"#,
            r#"{"mode":""}"#,
            r#"{"mode":"+644"}"#,
            r#"{"mode":"17777"}"#,
            r#"{"mode":420}"#,
            r#"{"uid":-1}"#,
            r#"{"mtime":"yesterday"}"#,
            r#"{"pax_records":{"path":"x"}}"#,
            r#"{"pax_records":{"a=b":"x"}}"#,
            r#"{"pax_records":{"":"x"}}"#,
            r#"{"owner":"me"}"#,
        ] {
            assert!(parse(json).is_err(), "{json}");
        }
    }
}
