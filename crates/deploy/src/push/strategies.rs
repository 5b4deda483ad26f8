//! Which wishes go together.

use plan::{Deduplicate, Strategy};
use tool::Failure;

/// With these strategies others move the layers, so that nothing can be said about how.
pub(crate) fn check(operation: &plan::Push, deduplicate: Option<&Deduplicate>) -> Result<(), Failure> {
    let name = match operation.strategy {
        Strategy::Eager | Strategy::Lazy => return Ok(()),
        Strategy::CasRegistry => "cas_registry",
        Strategy::Bes => "bes",
    };
    if deduplicate.is_none() {
        return Ok(());
    }
    let error = anyhow::anyhow!("the strategy `{name}` does not go with deduplicated pushes");
    Err(Failure::usage(error).hint(
        "say deduplicated_push = \"disabled\" or --deduplicated-push=disabled, or take another strategy",
    ))
}
