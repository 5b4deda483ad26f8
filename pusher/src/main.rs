//! Pushes images to registries and loads them into daemons under `bazel run`.
//!
//! A deploy target's executable is this program under the target's name. It reads the plan that the build put beside it,
//! asks the registry what it has, and sends the rest.
//!
//! Build actions call it, too, with a verb of their own (`build-push`).

mod cli;
mod commands;
mod failures;
mod progress;
mod reporting;

#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    // A target's name is the user's, and so are its arguments: they begin with a flag, or there are none.
    if std::env::args_os().nth(1).is_some_and(|word| word == commands::build_push::NAME) {
        return tool::main(commands::build_push::run);
    }
    tool::main(commands::deploy::run)
}
