//! One entry of an archive that is read.

use std::collections::BTreeMap;

use super::fields::{self, Block, Dialect};
use super::problem::Problem;
use crate::attributes::Attributes;
use crate::timestamp::Timestamp;

/// The largest size that ustar can hold; above it the extended header counts.
const MAX_USTAR_SIZE: u64 = 0o777_7777_7777;

/// What an entry of an archive is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum MemberKind {
    File,
    /// A file with holes, whose stored content is not its content.
    Sparse,
    Hardlink(Vec<u8>),
    Symlink(Vec<u8>),
    Directory,
    /// `char`, `block` or `fifo`.
    Special(&'static str),
    /// No entry, but records for all that follow.
    Global,
}

/// One entry, as it was and as it is understood.
#[derive(Clone, Debug)]
pub(super) struct Member {
    /// All blocks of its header.
    pub(super) raw: Vec<u8>,
    pub(super) path: Vec<u8>,
    pub(super) kind: MemberKind,
    /// Bytes of content that follow.
    pub(super) size: u64,
    /// Bytes that the file will have; more than follow if it has holes.
    pub(super) file_size: u64,
    pub(super) attributes: Attributes,
    /// Major and minor number of a device.
    pub(super) device: (u64, u64),
    /// Whether `attributes` say all that the header says.
    pub(super) is_exact: bool,
}

/// What was said in front of an entry.
#[derive(Debug, Default)]
pub(super) struct Extensions {
    pub(super) records: Option<BTreeMap<String, Vec<u8>>>,
    pub(super) long_name: Option<Vec<u8>>,
    pub(super) long_target: Option<Vec<u8>>,
}

impl Member {
    pub(super) fn global(raw: Vec<u8>, records: BTreeMap<String, Vec<u8>>) -> Self {
        Self {
            raw,
            path: Vec::new(),
            kind: MemberKind::Global,
            size: 0,
            file_size: 0,
            attributes: Attributes { pax_records: records, ..Attributes::with_mode(0) },
            device: (0, 0),
            is_exact: false,
        }
    }

    /// Bytes of what is remembered of it: names and records.
    pub(super) fn metadata_size(&self) -> usize {
        let target = match &self.kind {
            MemberKind::Hardlink(target) | MemberKind::Symlink(target) => target.len(),
            _ => 0,
        };
        let records = self.attributes.pax_records.iter().map(|(key, value)| key.len() + value.len());
        self.path.len() + target + records.sum::<usize>()
    }
}

/// Understands the header of an entry.
pub(super) fn member(
    raw: Vec<u8>,
    block: &Block,
    extensions: Extensions,
    global: &BTreeMap<String, Vec<u8>>,
) -> Result<Member, Problem> {
    let mut records = global.clone();
    records.extend(extensions.records.unwrap_or_default());
    check_texts(&records)?;
    // An empty value takes a record back (POSIX.1-2017, "pax Extended Header").
    records.retain(|_, value| !value.is_empty());

    let path =
        one_of("path", records.remove("path"), extensions.long_name)?.unwrap_or_else(|| header_name(block));
    let path = records.get("GNU.sparse.name").cloned().unwrap_or(path);
    let target = one_of("linkpath", records.remove("linkpath"), extensions.long_target)?
        .unwrap_or_else(|| fields::text(&block[157..257]).to_vec());
    if path.is_empty() {
        return Err(Problem::NoName);
    }
    let size = size(block, records.remove("size"))?;
    let kind = kind(block, &path, target, &records)?;
    let has_content = matches!(kind, MemberKind::File | MemberKind::Sparse);
    if size > 0 && !has_content {
        return Err(Problem::ContentOfLink { size });
    }
    let file_size = if kind == MemberKind::Sparse { sparse_size(block, &records)? } else { size };
    let device = device(block, &kind)?;
    let (attributes, is_exact) = attributes(block, records)?;
    Ok(Member { raw, path, kind, size, file_size, attributes, device, is_exact })
}

/// Refuses what readers in C cut short, and a size that is taken back, which each reader takes for another one.
fn check_texts(records: &BTreeMap<String, Vec<u8>>) -> Result<(), Problem> {
    const TEXTS: [&str; 5] = ["path", "linkpath", "uname", "gname", "GNU.sparse.name"];
    let cut = TEXTS.iter().find(|key| records.get(**key).is_some_and(|value| value.contains(&0)));
    if let Some(key) = cut {
        return Err(Problem::Nul { key: (*key).to_owned() });
    }
    match records.get("size") {
        Some(size) if size.is_empty() => Err(Problem::Number { field: "size", found: String::new() }),
        _ => Ok(()),
    }
}

/// A number that takes 32 bits on Linux. Readers disagree about larger ones.
fn word(field: &[u8], name: &'static str) -> Result<u32, Problem> {
    let value = fields::unsigned(field, name)?;
    u32::try_from(value).map_err(|_| Problem::Number { field: name, found: value.to_string() })
}

/// Major and minor number; read strictly for all kinds, because most readers do.
fn device(block: &Block, kind: &MemberKind) -> Result<(u64, u64), Problem> {
    if fields::dialect(block) == Dialect::V7 {
        return Ok((0, 0));
    }
    let (major, minor) = (word(&block[329..337], "devmajor")?, word(&block[337..345], "devminor")?);
    let is_device = matches!(kind, MemberKind::Special("char" | "block"));
    Ok(if is_device { (major.into(), minor.into()) } else { (0, 0) })
}

fn one_of(key: &str, pax: Option<Vec<u8>>, gnu: Option<Vec<u8>>) -> Result<Option<Vec<u8>>, Problem> {
    match (pax, gnu) {
        (Some(pax), Some(gnu)) if pax != gnu => Err(Problem::Repeated { key: key.to_owned() }),
        (pax, gnu) => Ok(pax.or(gnu)),
    }
}

fn header_name(block: &Block) -> Vec<u8> {
    let name = fields::text(&block[..100]);
    let prefix = match fields::dialect(block) {
        Dialect::Ustar => fields::text(&block[345..500]),
        Dialect::V7 | Dialect::Gnu => b"",
    };
    if prefix.is_empty() { name.to_vec() } else { [prefix, b"/", name].concat() }
}

fn size(block: &Block, extended: Option<Vec<u8>>) -> Result<u64, Problem> {
    let header = fields::unsigned(&block[124..136], "size")?;
    let Some(extended) = extended else { return Ok(header) };
    let size = decimal("size", &extended)?;
    if size <= MAX_USTAR_SIZE && size != header {
        return Err(Problem::Sizes { header, extended: size });
    }
    Ok(size)
}

/// Size of a file with holes: in GNU's old header, or in the records of its newer forms.
fn sparse_size(block: &Block, records: &BTreeMap<String, Vec<u8>>) -> Result<u64, Problem> {
    if block[156] == b'S' {
        return fields::unsigned(&block[483..495], "realsize");
    }
    let record = records.get("GNU.sparse.realsize").or_else(|| records.get("GNU.sparse.size"));
    record.map_or(Ok(0), |value| decimal("GNU.sparse.realsize", value))
}

fn decimal(field: &'static str, value: &[u8]) -> Result<u64, Problem> {
    let number = str::from_utf8(value).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    number
        .and_then(|text| text.parse::<u64>().ok())
        .filter(|number| i64::try_from(*number).is_ok())
        .ok_or_else(|| Problem::Number { field, found: value.escape_ascii().to_string() })
}

fn kind(
    block: &Block,
    path: &[u8],
    target: Vec<u8>,
    records: &BTreeMap<String, Vec<u8>>,
) -> Result<MemberKind, Problem> {
    let is_sparse = records.keys().any(|key| key.starts_with("GNU.sparse."));
    Ok(match block[156] {
        // In the oldest format a folder is a file whose name ends in a slash.
        b'0' | 0 if path.ends_with(b"/") => MemberKind::Directory,
        b'0' | b'7' | 0 if is_sparse => MemberKind::Sparse,
        b'0' | b'7' | 0 => MemberKind::File,
        b'S' => MemberKind::Sparse,
        b'1' => MemberKind::Hardlink(target),
        b'2' => MemberKind::Symlink(target),
        b'3' => MemberKind::Special("char"),
        b'4' => MemberKind::Special("block"),
        b'5' => MemberKind::Directory,
        b'6' => MemberKind::Special("fifo"),
        type_flag => return Err(Problem::Type { type_flag }),
    })
}

/// Mode, owner and time, and whether nothing was lost on the way.
fn attributes(block: &Block, mut records: BTreeMap<String, Vec<u8>>) -> Result<(Attributes, bool), Problem> {
    // GNU's old format has more times, and maps of holes, where ustar has the start of the name.
    let mut is_exact =
        fields::dialect(block) != Dialect::Gnu || block[345..500].iter().all(|byte| *byte == 0);
    let mode = word(&block[100..108], "mode")?;
    let (uname, gname) = match fields::dialect(block) {
        Dialect::V7 => (&b""[..], &b""[..]),
        Dialect::Ustar | Dialect::Gnu => (fields::text(&block[265..297]), fields::text(&block[297..329])),
    };
    let mut name = |key: &str, header: &[u8]| {
        let bytes = records.remove(key).unwrap_or_else(|| header.to_vec());
        String::from_utf8(bytes).unwrap_or_else(|error| {
            is_exact = false;
            String::from_utf8_lossy(error.as_bytes()).into_owned()
        })
    };
    let (uname, gname) = (name("uname", uname), name("gname", gname));
    let mut id = |key: &'static str, header: &[u8]| match records.remove(key) {
        Some(value) => decimal(key, &value),
        None => word(header, key).map(u64::from),
    };
    let (uid, gid) = (id("uid", &block[108..116])?, id("gid", &block[116..124])?);
    let mtime = match records.remove("mtime") {
        Some(value) => fields::pax_time(&value)
            .ok_or_else(|| Problem::Number { field: "mtime", found: value.escape_ascii().to_string() })?,
        None => Timestamp { seconds: fields::number(&block[136..148], "mtime")?, nanoseconds: 0 },
    };
    Ok((Attributes { mode: mode & 0o7777, uid, gid, uname, gname, mtime, pax_records: records }, is_exact))
}
