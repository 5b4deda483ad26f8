//! Reading and writing content that is named by its digest: streaming, bounded, verified.
//!
//! Nothing here buffers a whole blob, and nothing becomes visible under a final name before all of it was checked.
//! Network and async code belong elsewhere; they use [`Hasher`] and [`Verifier`] on the chunks that they move.
//!
//! ```
//! let digest = blob::digest_of(b"{}");
//! assert_eq!(digest.hex(), "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
//! ```

mod atomic_file;
mod bounded;
mod hashing;
mod verify;

pub use atomic_file::AtomicFile;
pub use bounded::{TooLarge, read_bounded};
pub use hashing::{Hasher, HashingReader, HashingWriter, digest_of, hash_file, hash_reader};
pub use verify::{Mismatch, Verifier, VerifyingReader, verify_bytes};
