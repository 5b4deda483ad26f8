//! Pushes images to registries and loads them into daemons under `bazel run`.
//!
//! A deploy target's executable is this program under the target's name. It reads the plan that the build put beside it,
//! asks the registry what it has, and sends the rest.

mod cli;
mod commands;
mod failures;
mod progress;

#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    tool::main(commands::deploy::run)
}
