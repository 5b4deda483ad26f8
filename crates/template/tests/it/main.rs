//! Templates through the public interface.
//!
//! What Go's own `text/template` prints for the same templates and data is in `go.tsv`.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

mod expand;
mod go;
