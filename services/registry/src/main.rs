//! An OCI distribution server with a store on disk: pull, push, mount, list, delete, referrers. With `--remote-cache` blobs
//! may also be left to the cache of a build, which then need not be uploaded.
//!
//! Meant for loopback: development, tests, the demo. There is no authentication, and no digest algorithm but
//! SHA-256. Every write is atomic, and nothing is visible before it was verified; docs/design/registry.md says what is
//! promised, also after `kill -9`.
//!
//! ```sh
//! registry --root /var/lib/registry --port 5000
//! ```

mod access_log;
mod api;
mod cli;
mod commit;
mod document;
mod error;
mod keepalive;
mod route;
mod serve;
mod store;

// What is received is held in buffers of 400 KiB; musl gives each back to the kernel, which has to clear it for the next one:
// a third of all processor time.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    tool::main(|cli: cli::Cli| serve::run(cli.try_into()?))
}
