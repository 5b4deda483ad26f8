//! The JSON that the builder writes and the pusher reads.
