//! Downloads manifests and configs of base images for repository rules.

fn main() {}
