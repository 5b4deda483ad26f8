//! What is told of transfers while they happen. How it is shown is the program's business.

use oci::Digest;

use crate::summary::Outcome;

/// Told of every blob.
pub trait Progress: Send + Sync {
    /// The transfer of a blob of so many bytes begins; it ends when the answer is dropped.
    fn transfer(&self, digest: Digest, bytes: u64) -> Box<dyn Transfer>;
    /// What became of a blob.
    fn done(&self, digest: Digest, bytes: u64, outcome: Outcome);
    /// So many more operations begin.
    fn operations(&self, _count: usize) {}
    /// One of them is done, well or not.
    fn operation_done(&self, _label: &str) {}
}

/// Told of the bytes of one blob.
pub trait Transfer: Send + Sync {
    /// More bytes went out.
    fn advance(&self, bytes: u64);
    /// The transfer goes on from this byte.
    fn restart(&self, offset: u64);
}

/// Shows nothing: where nobody looks at single transfers.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Progress for Silent {
    fn transfer(&self, _digest: Digest, _bytes: u64) -> Box<dyn Transfer> {
        Box::new(Self)
    }

    fn done(&self, _digest: Digest, _bytes: u64, _outcome: Outcome) {}
}

impl Transfer for Silent {
    fn advance(&self, _bytes: u64) {}

    fn restart(&self, _offset: u64) {}
}
