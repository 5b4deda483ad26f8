//! Documents have a cap; what is larger is refused before it fills memory.

use std::io::Read;

/// Why a document could not be read.
#[derive(Debug, thiserror::Error)]
pub enum TooLarge {
    /// The cap was passed.
    #[error("larger than the {limit} bytes allowed for a document of this kind")]
    Limit {
        /// The cap in bytes.
        limit: u64,
    },
    /// The reader failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Reads all of a small document.
pub fn read_bounded(reader: impl Read, limit: u64) -> Result<Vec<u8>, TooLarge> {
    let mut bytes = Vec::new();
    reader.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit { Err(TooLarge::Limit { limit }) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_at_the_limit() {
        assert_eq!(read_bounded(b"abc".as_slice(), 3).unwrap(), b"abc");
        assert!(matches!(read_bounded(b"abcd".as_slice(), 3), Err(TooLarge::Limit { limit: 3 })));
        assert!(read_bounded(std::io::repeat(0), 10).is_err());
    }
}
