//! Files of a build that may be plans, and where their bytes are.

use oci::Digest;
use serde::{Deserialize, Serialize};

use crate::events::File;

/// Larger plans are none: an image takes some kilobytes of one.
pub(crate) const MAX_PLAN_SIZE: u64 = 64 << 20;

/// A file that may be a plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct PlanFile {
    /// Its path below `bin`.
    pub(crate) name: String,
    /// Where it is.
    pub(crate) place: Place,
}

/// Where the bytes of a file are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Place {
    /// In the remote cache.
    Cached(Digest, u64),
    /// In the event itself.
    Inline(Vec<u8>),
    /// On the machine of the build; the text is what the event says of it.
    Unknown(String),
}

impl PlanFile {
    /// The file of an event, unless its name or size says that it is no plan.
    pub(crate) fn new(file: &File) -> Option<Self> {
        let is_json =
            std::path::Path::new(&file.name).extension().is_some_and(|extension| extension == "json");
        let place = place(file);
        let fits = match &place {
            Place::Cached(_, size) => *size <= MAX_PLAN_SIZE,
            Place::Inline(_) | Place::Unknown(_) => true,
        };
        (is_json && fits).then(|| Self { name: file.name.clone(), place })
    }

    /// The file's own name.
    pub(crate) fn base_name(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or_default()
    }
}

/// The fields for it, else what the address of a remote cache says.
fn place(file: &File) -> Place {
    if !file.contents.is_empty() {
        return Place::Inline(file.contents.clone());
    }
    let named = || Some((format!("sha256:{}", file.digest).parse().ok()?, u64::try_from(file.length).ok()?));
    match named().filter(|(_, size)| *size > 0).or_else(|| bytestream(&file.uri)) {
        Some((digest, size)) => Place::Cached(digest, size),
        None => Place::Unknown(file.uri.clone()),
    }
}

/// `bytestream://HOST/[INSTANCE/]blobs/[sha256/]DIGEST/SIZE`
fn bytestream(uri: &str) -> Option<(Digest, u64)> {
    let path = uri.strip_prefix("bytestream://")?;
    let (path, size) = path.rsplit_once('/')?;
    let (path, digest) = path.rsplit_once('/')?;
    let path = path.strip_suffix("/sha256").unwrap_or(path);
    path.ends_with("/blobs").then_some(())?;
    Some((format!("sha256:{digest}").parse().ok()?, size.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

    fn digest() -> Digest {
        format!("sha256:{HEX}").parse().unwrap()
    }

    fn file(name: &str, uri: &str, digest: &str, length: i64) -> File {
        File { name: name.into(), uri: uri.into(), contents: Vec::new(), digest: digest.into(), length }
    }

    #[test]
    fn digests_are_fields_or_in_the_address() {
        let cached = Place::Cached(digest(), 2);
        let unknown = |uri: &str| Place::Unknown(uri.to_owned());
        let table = [
            ("", HEX, 2, cached.clone()),
            ("file:///a/b.json", HEX, 2, cached.clone()),
            (&format!("bytestream://h:1/blobs/{HEX}/2"), "", 0, cached.clone()),
            (&format!("bytestream://h/some/instance/blobs/{HEX}/2"), "", 0, cached.clone()),
            (&format!("bytestream://h/blobs/sha256/{HEX}/2"), "", 0, cached),
            (
                &format!("bytestream://h/bulbs/{HEX}/2"),
                "",
                0,
                unknown(&format!("bytestream://h/bulbs/{HEX}/2")),
            ),
            ("file:///a/b.json", "", 0, unknown("file:///a/b.json")),
            ("file:///a/b.json", HEX, -1, unknown("file:///a/b.json")),
            ("", "zz", 2, unknown("")),
        ];
        for (uri, digest, length, expected) in table {
            assert_eq!(PlanFile::new(&file("a.json", uri, digest, length)).unwrap().place, expected, "{uri}");
        }
        let mut inline = file("a.json", "", HEX, 2);
        inline.contents = b"{}".to_vec();
        assert_eq!(PlanFile::new(&inline).unwrap().place, Place::Inline(b"{}".to_vec()));
    }

    #[test]
    fn other_files_are_no_plans() {
        for (name, length) in [("push", 2), ("a/push.exe", 2), ("json", 2), ("huge.json", 1 << 40)] {
            assert_eq!(PlanFile::new(&file(name, "", HEX, length)), None, "{name}");
        }
        assert_eq!(PlanFile::new(&file("pkg/push.v1.json", "", HEX, 2)).unwrap().base_name(), "push.v1.json");
    }
}
