//! Brings images into container runtimes: by containerd's own interface, which takes only the layers that it lacks, or as
//! an archive to `docker image load` and its like.
//!
//! What an image consists of, and where its bytes come from, is `deploy`'s business.

use std::path::PathBuf;

use deploy::FailedOperation;

mod archive;
mod by_archive;
mod containerd;
mod docker;
#[cfg(test)]
mod fixture;
mod names;
mod platforms;
mod prepare;
mod program;
mod report;
mod run;
mod standard_output;
mod store;

pub use platforms::Platforms;
pub use report::Report;
pub use run::load_all;

/// What the command line and the environment say of loads.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Which images of an index.
    pub platforms: Platforms,
    /// The platform where nobody names one (`DOCKER_DEFAULT_PLATFORM`); none: Linux on this machine's processor.
    pub default_platform: Option<oci::Platform>,
    /// Whole references that images get, too.
    pub tags: Vec<String>,
    /// Registry that images are named after instead of that in the plan, where they are named in parts.
    pub registry: Option<String>,
    /// Repository that images are named after instead of that in the plan, where they are named in parts.
    pub repository: Option<String>,
    /// The program that takes archives (`LOADER_BINARY`), instead of that of the daemon.
    pub loader: Option<String>,
    /// Socket of containerd (`CONTAINERD_ADDRESS`), instead of those that are looked for.
    pub containerd: Option<String>,
    /// Folder below which the sockets of rootless runtimes lie (`XDG_RUNTIME_DIR`).
    pub runtime_dir: Option<PathBuf>,
}

/// What became of a load.
pub type Loaded = Result<Report, FailedOperation>;
