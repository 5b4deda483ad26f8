//! Reads the request, checks every image, and says what is wrong with it.

use std::io::Write as _;

use anyhow::anyhow;
use tool::runfiles::{self, Runfiles};
use tool::{Failure, FailureContext as _, Outcome};

use crate::checks;
use crate::cli::Cli;
use crate::expectations::Expectations;
use crate::request::{Request, find};

pub(crate) fn run(cli: &Cli) -> Outcome {
    let program = runfiles::program_path().about("failed to find the path of this program")?;
    let request = Request::read(cli.request.as_deref().unwrap_or(&runfiles::plan_path(&program)))?;
    let runfiles = Runfiles::find(&program)?;
    let expectations = request
        .expectations
        .iter()
        .map(|path| Ok((path.as_str(), Expectations::read(&find(&runfiles, path)?)?)))
        .collect::<Result<Vec<_>, Failure>>()?;

    let mut out = std::io::stdout().lock();
    let (mut passed, mut failed) = (0, 0);
    for image in request.read_images(&runfiles)? {
        for (file, expectations) in &expectations {
            for check in checks::all(expectations, &image) {
                let about = format!("{} {} ({file})", image.platform, check.name);
                match check.problem {
                    None => {
                        passed += 1;
                        writeln!(out, "ok      {about}")?;
                    }
                    Some(problem) => {
                        failed += 1;
                        writeln!(out, "FAILED  {about}\n        {problem}")?;
                    }
                }
            }
        }
    }
    writeln!(out, "{passed} passed, {failed} failed")?;
    if passed + failed == 0 {
        return Err(Failure::usage(anyhow!("there is nothing to check"))
            .hint("write `metadataTest` or `fileExistenceTests` into a file of `configs`"));
    }
    if failed > 0 { Err(anyhow!("{failed} of {} checks failed", passed + failed).into()) } else { Ok(()) }
}
