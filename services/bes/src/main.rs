//! A build event service (google.devtools.build.v1) that pushes the images of the builds it hears of.
//!
//! Bazel tells it which targets are complete; what a target pushes says its plan, which lies in the remote cache, and so do
//! manifests, configs and layers. No machine that runs Bazel ever has a layer. What is promised, also after `kill -9`, is in
//! docs/design/bes.md.
//!
//! ```sh
//! bes --remote-cache grpc://cache.example.com:9092 --port 9090
//! bazel build //:push --remote_cache=grpc://cache.example.com:9092 --bes_backend=grpc://localhost:9090
//! ```

mod build;
mod cli;
mod connection;
mod events;
mod fetch;
mod journal;
mod log;
mod patience;
mod plan_file;
mod pushes;
mod sequence;
mod serve;
mod wire;

#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    tool::main(|cli: cli::Cli| serve::run(cli.try_into()?))
}
