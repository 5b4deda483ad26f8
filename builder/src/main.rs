//! Turns files into layers, manifests and indexes inside build actions. No network, no clock, no environment: its
//! bytes are part of the cache key of everything that it makes.

mod base_image;
mod cli;
mod commands;
mod documents;
mod entries;
mod expansion;
mod kv_file;
mod layer_outputs;
mod values;

#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    tool::main(commands::run)
}
