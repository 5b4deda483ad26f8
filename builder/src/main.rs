//! Turns files into layers, manifests and indexes inside build actions.

fn main() {}
