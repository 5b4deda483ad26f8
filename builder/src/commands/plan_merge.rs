//! `builder plan merge`: several plans become one.

use blob::AtomicFile;
use plan::Plan;
use tool::{FailureContext as _, Outcome};

use crate::cli::PlanMergeArgs;

pub(crate) fn run(args: &PlanMergeArgs) -> Outcome {
    let mut merged = Plan::default();
    for path in &args.plan {
        let text = fs_err::read(path)?;
        merged.append(Plan::from_json(&text).about(format!("`{}`", path.display())).or_usage()?);
    }
    AtomicFile::write(&args.output, merged.to_json().as_bytes())?;
    Ok(())
}
