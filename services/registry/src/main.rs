//! An OCI distribution server with a store on disk.

fn main() {}
