//! The documents and names of the OCI specifications, without I/O.
