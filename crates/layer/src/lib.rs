//! Files in, one layer blob out: tar, deduplication, compression.
