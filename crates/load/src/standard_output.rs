//! An archive on the standard output, for whatever the user does with it.

use std::io::{self, IsTerminal as _};

use tool::Failure;

use crate::archive::{Archive, Unwritten};

/// Writes an archive, unless the standard output is a terminal.
pub(crate) async fn write(archive: &Archive<'_>) -> Result<(), Failure> {
    if io::stdout().is_terminal() {
        let error = anyhow::anyhow!("an archive is not for a terminal");
        let hint = "let a file or a program have it: `bazel run TARGET > image.tar`, `bazel run TARGET | docker load`";
        return Err(Failure::usage(error).hint(hint));
    }
    archive.write(&mut tokio::io::stdout()).await.map_err(|unwritten| match unwritten {
        Unwritten::Blob { failure, .. } | Unwritten::Other(failure) => failure,
        Unwritten::Output { error, .. } => {
            Failure::new(error).context("failed to write the archive to the standard output")
        }
    })
}
