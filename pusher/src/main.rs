//! Pushes images to registries and loads them into daemons under bazel run.

fn main() {}
