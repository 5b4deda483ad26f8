//! Layouts through the public interface.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

mod formats;
mod images;
