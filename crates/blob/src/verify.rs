//! Content that claims to have a digest and a size, checked as it passes by.

use std::io::{self, Read};

use oci::Digest;

use crate::Hasher;

/// What arrived is not what was promised.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// Other bytes.
    #[error("content does not match its digest: expected `{expected}`, found `{found}`")]
    Digest {
        /// Promised.
        expected: Digest,
        /// Computed.
        found: Digest,
    },
    /// Fewer bytes.
    #[error("content is truncated: expected {expected} bytes of `{digest}`, found {found}")]
    Short {
        /// Of what.
        digest: Digest,
        /// Promised size.
        expected: u64,
        /// Bytes that came.
        found: u64,
    },
    /// More bytes.
    #[error("content is longer than the {expected} bytes promised for `{digest}`")]
    Long {
        /// Of what.
        digest: Digest,
        /// Promised size.
        expected: u64,
    },
}

/// Checks chunks against a digest and, where known, a size. A clone goes on from the same state.
#[derive(Clone)]
pub struct Verifier {
    expected: Digest,
    size: Option<u64>,
    hasher: Hasher,
}

impl Verifier {
    /// A verifier that has seen nothing. Without a size only the digest is checked.
    pub fn new(expected: Digest, size: Option<u64>) -> Self {
        Self { expected, size, hasher: Hasher::new() }
    }

    /// Takes the next bytes; fails as soon as there are too many.
    pub fn update(&mut self, bytes: &[u8]) -> Result<(), Mismatch> {
        self.hasher.update(bytes);
        match self.size {
            Some(expected) if self.hasher.size() > expected => {
                Err(Mismatch::Long { digest: self.expected, expected })
            }
            _ => Ok(()),
        }
    }

    /// Bytes seen so far.
    pub fn seen(&self) -> u64 {
        self.hasher.size()
    }

    /// To be called at the end of the content; returns its size.
    pub fn finish(self) -> Result<u64, Mismatch> {
        let (found, size) = self.hasher.finish();
        match self.size {
            Some(expected) if size < expected => {
                Err(Mismatch::Short { digest: self.expected, expected, found: size })
            }
            _ if found != self.expected => Err(Mismatch::Digest { expected: self.expected, found }),
            _ => Ok(size),
        }
    }
}

/// Checks bytes in memory.
pub fn verify_bytes(bytes: &[u8], digest: Digest, size: Option<u64>) -> Result<(), Mismatch> {
    let mut verifier = Verifier::new(digest, size);
    verifier.update(bytes)?;
    verifier.finish().map(|_| ())
}

/// A reader whose end is only reported when the content was right; a mismatch is an error of kind `InvalidData`
/// that carries a [`Mismatch`].
pub struct VerifyingReader<R> {
    inner: R,
    verifier: Option<Verifier>,
}

impl<R: Read> VerifyingReader<R> {
    /// Wraps a reader at its start.
    pub fn new(inner: R, digest: Digest, size: Option<u64>) -> Self {
        Self { inner, verifier: Some(Verifier::new(digest, size)) }
    }
}

impl<R: Read> Read for VerifyingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let n = self.inner.read(buffer)?;
        let invalid = |mismatch| io::Error::new(io::ErrorKind::InvalidData, mismatch);
        if n > 0 {
            if let Some(verifier) = &mut self.verifier {
                verifier.update(&buffer[..n]).map_err(invalid)?;
            }
        } else if let Some(verifier) = self.verifier.take() {
            verifier.finish().map_err(invalid)?;
        }
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest_of;

    #[test]
    fn tells_what_is_wrong() {
        let digest = digest_of(b"abc");
        assert_eq!(verify_bytes(b"abc", digest, Some(3)), Ok(()));
        assert_eq!(verify_bytes(b"abc", digest, None), Ok(()));
        assert!(matches!(verify_bytes(b"abd", digest, Some(3)), Err(Mismatch::Digest { .. })));
        assert!(matches!(verify_bytes(b"ab", digest, Some(3)), Err(Mismatch::Short { found: 2, .. })));
        assert!(matches!(verify_bytes(b"abcd", digest, Some(3)), Err(Mismatch::Long { expected: 3, .. })));
    }

    #[test]
    fn a_reader_fails_at_its_end() {
        let mut wrong = VerifyingReader::new(b"abd".as_slice(), digest_of(b"abc"), Some(3));
        let error = io::copy(&mut wrong, &mut io::sink()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        let mut right = VerifyingReader::new(b"abc".as_slice(), digest_of(b"abc"), Some(3));
        assert_eq!(io::copy(&mut right, &mut io::sink()).unwrap(), 3);
    }
}
