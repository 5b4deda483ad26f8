//! Fields of tar headers and records of extended headers, read strictly.

use std::collections::BTreeMap;

use super::problem::Problem;
use crate::tar_header::BLOCK;

/// One block of a header.
pub(super) type Block = [u8; BLOCK];

/// Which of the historical formats a block is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    V7,
    Ustar,
    Gnu,
}

/// The sum that the block says it has, and the one it has.
pub(super) fn is_checksum_right(block: &Block) -> bool {
    let Ok(expected) = number(&block[148..156], "checksum") else { return false };
    let sum = |value: fn(u8) -> i64| -> i64 {
        block
            .iter()
            .enumerate()
            .map(|(at, byte)| value(if (148..156).contains(&at) { b' ' } else { *byte }))
            .sum()
    };
    // Some old writers added signed characters.
    expected == sum(i64::from) || expected == sum(|byte| i64::from(byte.cast_signed()))
}

pub(super) fn dialect(block: &Block) -> Dialect {
    match &block[257..265] {
        b"ustar  \0" => Dialect::Gnu,
        magic if magic.starts_with(b"ustar") => Dialect::Ustar,
        _ => Dialect::V7,
    }
}

/// A number: octal digits between spaces or NUL bytes, or big-endian binary behind a marker byte (GNU).
pub(super) fn number(field: &[u8], name: &'static str) -> Result<i64, Problem> {
    let bad = || Problem::Number { field: name, found: field.escape_ascii().to_string() };
    if field[0] & 0x80 != 0 {
        return binary(field).ok_or_else(bad);
    }
    let is_blank = |byte: &u8| matches!(byte, b' ' | 0);
    let start = field.iter().position(|byte| !is_blank(byte)).unwrap_or(field.len());
    let end = field[start..].iter().position(is_blank).map_or(field.len(), |length| start + length);
    if !field[end..].iter().all(is_blank) {
        return Err(bad());
    }
    field[start..end].iter().try_fold(0_i64, |value, digit| match digit {
        b'0'..=b'7' => value.checked_mul(8).map(|value| value + i64::from(digit - b'0')).ok_or_else(bad),
        _ => Err(bad()),
    })
}

fn binary(field: &[u8]) -> Option<i64> {
    let is_negative = field[0] & 0x40 != 0;
    let fill = if is_negative { 0xff } else { 0 };
    let mut bytes: Vec<u8> = field.to_vec();
    bytes[0] = if is_negative { field[0] } else { field[0] & 0x7f };
    let (high, low) = if bytes.len() > 8 {
        bytes.split_at(bytes.len() - 8)
    } else {
        bytes.splice(0..0, std::iter::repeat_n(fill, 8 - bytes.len()));
        bytes.split_at(0)
    };
    let value = i64::from_be_bytes(low.try_into().ok()?);
    let fits = high.iter().all(|byte| *byte == fill) && (value < 0) == is_negative;
    fits.then_some(value)
}

/// A number that cannot be negative.
pub(super) fn unsigned(field: &[u8], name: &'static str) -> Result<u64, Problem> {
    let value = number(field, name)?;
    u64::try_from(value).map_err(|_| Problem::Number { field: name, found: value.to_string() })
}

/// Text up to the first NUL byte.
pub(super) fn text(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// The records of an extended header (POSIX.1-2017, `pax`, "pax Extended Header").
pub(super) fn pax_records(mut body: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, Problem> {
    let mut records = BTreeMap::new();
    while !body.is_empty() {
        let (key, value, rest) = pax_record(body).ok_or_else(|| Problem::PaxRecord {
            found: body[..body.len().min(40)].escape_ascii().to_string(),
        })?;
        // The first of GNU's formats for sparse files repeats its records; a map of holes is of no interest here.
        if records.insert(key.clone(), value).is_some() && !key.starts_with("GNU.sparse.") {
            return Err(Problem::Repeated { key });
        }
        body = rest;
    }
    Ok(records)
}

fn pax_record(body: &[u8]) -> Option<(String, Vec<u8>, &[u8])> {
    let space = body.iter().take(20).position(|byte| *byte == b' ')?;
    let digits = str::from_utf8(&body[..space]).ok()?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let length: usize = digits.parse().ok()?;
    let record = body.get(space + 1..length)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|byte| *byte == b'=')?;
    let key = str::from_utf8(&record[..equals]).ok()?;
    if key.is_empty() {
        return None;
    }
    Some((key.to_owned(), record[equals + 1..].to_vec(), &body[length..]))
}

/// A time in a record: seconds with decimals, which are cut at nanoseconds.
pub(crate) fn pax_time(value: &[u8]) -> Option<crate::Timestamp> {
    let text = str::from_utf8(value).ok()?;
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let seconds: i64 = whole.parse().ok()?;
    if whole.starts_with('+') || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let nanoseconds: u32 = format!("{decimals:0<9.9}").parse().ok()?;
    if whole.starts_with('-') && nanoseconds > 0 {
        return Some(crate::Timestamp {
            seconds: seconds.checked_sub(1)?,
            nanoseconds: 1_000_000_000 - nanoseconds,
        });
    }
    Some(crate::Timestamp { seconds, nanoseconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers_of_all_writers() {
        let table: [(&[u8], Option<i64>); 14] = [
            (b"0000644\0", Some(0o644)),
            (b"   644 \0", Some(0o644)),
            (b"644\0\0\0\0\0", Some(0o644)),
            (b"77777777", Some(0o7777_7777)),
            (b"\0\0\0\0\0\0\0\0", Some(0)),
            (b"644 \0x\0\0", None),
            (b"648\0\0\0\0\0", None),
            (b"-644\0\0\0\0", None),
            (b"\x80\0\0\0\0\0\x01\0", Some(256)),
            (b"\xff\xff\xff\xff\xff\xff\xff\xfe", Some(-2)),
            (b"\x80\0\0\0\0\0\0\x02\0\0\0\0", Some(2 << 32)),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", Some(-1)),
            (b"\x80\0\0\x01\0\0\0\0\0\0\0\0", None),
            (b"\x80\0\0\0\x80\0\0\0\0\0\0\0", None),
        ];
        for (field, value) in table {
            assert_eq!(number(field, "x").ok(), value, "{}", field.escape_ascii());
        }
        assert!(unsigned(b"\xff\xff\xff\xff\xff\xff\xff\xfe", "x").is_err());
    }

    #[test]
    fn reads_records_strictly() {
        let records = pax_records(b"8 a=b=c\n5 k=\n11 u=\xff\xfe\0\n1\n").unwrap();
        assert_eq!(records["a"], b"b=c");
        assert_eq!(records["k"], b"");
        assert_eq!(records["u"], b"\xff\xfe\0\n1");
        for body in [
            b"6 a=b".as_slice(),
            b"6 a=bc",
            b"7 a=b\n",
            b"5 a=b\n",
            b"x a=b\n",
            b" 6 a=b\n",
            b"+6 a=b\n",
            b"4 a\n",
            b"4 =\n",
            b"99999999999999999999 a=b\n",
            b"6 a=b\n6 a=c\n",
            b"0 ",
            b"2 ",
        ] {
            assert!(pax_records(body).is_err(), "{}", body.escape_ascii());
        }
    }

    #[test]
    fn reads_times() {
        let time = |seconds, nanoseconds| Some(crate::Timestamp { seconds, nanoseconds });
        assert_eq!(pax_time(b"1.5"), time(1, 500_000_000));
        assert_eq!(pax_time(b"-1.25"), time(-2, 750_000_000));
        assert_eq!(pax_time(b"-0.5"), time(-1, 500_000_000));
        assert_eq!(pax_time(b"1.1234567899"), time(1, 123_456_789));
        assert_eq!(pax_time(b"12"), time(12, 0));
        for bad in ["", ".", "+1", "1.x", "a", "1.-5"] {
            assert_eq!(pax_time(bad.as_bytes()), None, "{bad}");
        }
    }
}
