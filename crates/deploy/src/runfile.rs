//! Files of the build that a plan names.

use std::path::PathBuf;

use tool::Failure;
use tool::runfiles::Runfiles;

/// The file behind a runfiles path of the plan.
pub(crate) fn runfile(runfiles: &Runfiles, path: &str) -> Result<PathBuf, Failure> {
    runfiles.resolve(path).ok_or_else(|| {
        Failure::new(anyhow::anyhow!("the runfile `{path}` is not there"))
            .hint("start the target with `bazel run`, or build it with --remote_download_outputs=toplevel so that its runfiles are downloaded")
    })
}
