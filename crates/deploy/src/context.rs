//! What all operations of a run share.

use std::sync::Arc;

use registry::Client;
use tokio::sync::Semaphore;
use tool::runfiles::Runfiles;

use crate::caches::Caches;
use crate::progress::Progress;
use crate::push::Overrides;

/// What all operations of a run share.
pub struct Context {
    /// Connections and credentials.
    pub client: Client,
    /// Where layers are found that are no runfiles.
    pub caches: Caches,
    /// Files of the build.
    pub runfiles: Runfiles,
    /// What to do.
    pub plan: plan::Plan,
    /// Where to show it.
    pub progress: Box<dyn Progress>,
    /// Bounds the transfers at a time. Questions are not bounded: waiting costs nothing.
    pub transfers: Arc<Semaphore>,
    /// Ask, but change nothing.
    pub dry_run: bool,
    /// What the command line says of pushes instead of the plan.
    pub overrides: Overrides,
}
