//! Downloads manifests and configs of base images for repository rules. Layers stay where they are.

mod cli;
mod commands;
mod pull;

use std::process::ExitCode;

#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    tool::main(commands::run)
}
