//! Reading and writing content that is named by its digest, synchronously and streaming.
