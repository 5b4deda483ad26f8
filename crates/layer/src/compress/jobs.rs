//! How many threads compress a layer.

use std::num::NonZeroUsize;

/// Input that keeps one thread busy long enough to be worth its start, its memory and a processor that others may want.
const BYTES_A_THREAD: u64 = 8 << 20;

/// How many threads compress. Never changes a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jobs {
    /// So many.
    Exactly(NonZeroUsize),
    /// One for every 8 MiB of input, but at most so many.
    AtMost(NonZeroUsize),
}

impl Jobs {
    /// The largest number of threads that may be used.
    pub(crate) fn most(self) -> NonZeroUsize {
        let (Self::Exactly(jobs) | Self::AtMost(jobs)) = self;
        jobs
    }

    /// Threads for so many bytes of input.
    pub fn for_input(self, bytes: u64) -> NonZeroUsize {
        match self {
            Self::Exactly(jobs) => jobs,
            Self::AtMost(most) => {
                let wanted = usize::try_from(bytes.div_ceil(BYTES_A_THREAD)).unwrap_or(usize::MAX);
                NonZeroUsize::new(wanted).unwrap_or(NonZeroUsize::MIN).min(most)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_input() {
        let four = NonZeroUsize::new(4).unwrap();
        for (bytes, threads) in
            [(0, 1), (1, 1), (8 << 20, 1), ((8 << 20) + 1, 2), (24 << 20, 3), (u64::MAX, 4)]
        {
            assert_eq!(Jobs::AtMost(four).for_input(bytes).get(), threads, "{bytes} bytes");
            assert_eq!(Jobs::Exactly(four).for_input(bytes), four);
        }
    }
}
