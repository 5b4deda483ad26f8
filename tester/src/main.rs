//! Checks images against expectations under `bazel test`, by what their documents and listings say: no daemon, no
//! container, no layer.
//!
//! A test target's executable is this program under the target's name. It reads the request that the build put
//! beside it.

mod checks;
mod cli;
mod command;
mod expectations;
mod request;

#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    tool::main(|cli| command::run(&cli))
}
