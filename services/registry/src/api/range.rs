//! Ranges: of a blob that is read (RFC 9110, section 14), and of an upload's chunk.

use std::ops::Range;

use crate::error::Error;

/// What a `Range` header asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The header is absent, or of a kind that may be ignored (several ranges, other units).
    All,
    /// Some bytes.
    Part(Range<u64>),
}

/// Reads a `Range` header for a blob of a size.
pub(super) fn parse_range(header: Option<&str>, size: u64) -> Result<Wanted, Error> {
    let Some((first, last)) =
        header.and_then(|text| text.strip_prefix("bytes=")).and_then(|text| text.split_once('-'))
    else {
        return Ok(Wanted::All);
    };
    let outside = Error::RangeOutside { size };
    let range = match (number(first), number(last)) {
        (None, Some(suffix)) if first.is_empty() => size.saturating_sub(suffix)..size,
        (Some(first), None) if last.is_empty() => first..size,
        (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(size),
        (Some(_), Some(_)) => return Err(outside),
        _ => return Ok(Wanted::All),
    };
    if range.is_empty() { Err(outside) } else { Ok(Wanted::Part(range)) }
}

/// Reads the `Content-Range` of a chunk: `<first>-<last>`, also with the unit and the total that HTTP would want.
pub(super) fn parse_chunk(text: &str) -> Option<Range<u64>> {
    let text = text.strip_prefix("bytes ").unwrap_or(text);
    let (first, last) = text.split_once('/').map_or(text, |(range, _)| range).split_once('-')?;
    let (first, last) = (number(first)?, number(last)?);
    (first <= last).then(|| first..last.saturating_add(1))
}

/// Digits only: `str::parse` would take a sign.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_a_blob() {
        let table = [
            ("bytes=0-0", Some(Wanted::Part(0..1))),
            ("bytes=500-1499", Some(Wanted::Part(500..1000))),
            ("bytes=500-", Some(Wanted::Part(500..1000))),
            ("bytes=-1", Some(Wanted::Part(999..1000))),
            ("bytes=-5000", Some(Wanted::Part(0..1000))),
            ("bytes=999-18446744073709551615", Some(Wanted::Part(999..1000))),
            ("bytes=1000-", None),
            ("bytes=5-4", None),
            ("bytes=-0", None),
            ("bytes=0-1,3-4", Some(Wanted::All)),
            ("bytes=a-b", Some(Wanted::All)),
            ("bytes=-", Some(Wanted::All)),
            ("bytes=+1-2", Some(Wanted::All)),
            ("items=0-1", Some(Wanted::All)),
        ];
        for (header, expected) in table {
            assert_eq!(parse_range(Some(header), 1000).ok(), expected, "{header}");
        }
        assert_eq!(parse_range(None, 0).unwrap(), Wanted::All);
        assert!(parse_range(Some("bytes=0-"), 0).is_err());
    }

    #[test]
    fn ranges_of_a_chunk() {
        for (text, expected) in [
            ("0-0", Some(0..1)),
            ("5-9", Some(5..10)),
            ("bytes 5-9/100", Some(5..10)),
            ("bytes 5-9/*", Some(5..10)),
            ("9-5", None),
            ("5-", None),
            ("-5", None),
            ("", None),
            ("5", None),
        ] {
            assert_eq!(parse_chunk(text), expected, "{text}");
        }
    }
}
