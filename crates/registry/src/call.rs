//! One operation on one repository, while it runs.

use std::sync::{Arc, Mutex, PoisonError};

use crate::host::Host;
use crate::names::Scopes;
use crate::{CredentialUse, Operation, Remote};

/// One operation: what, where, with which rights, and with whose credentials so far.
pub(crate) struct Call {
    pub(crate) operation: Operation,
    pub(crate) remote: Remote,
    pub(crate) scopes: Scopes,
    pub(crate) host: Arc<Host>,
    credential: Mutex<CredentialUse>,
}

impl Call {
    pub(crate) fn new(operation: Operation, remote: Remote, scopes: Scopes, host: Arc<Host>) -> Self {
        Self { operation, remote, scopes, host, credential: Mutex::default() }
    }

    pub(crate) fn credential(&self) -> CredentialUse {
        self.credential.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn note_credential(&self, used: CredentialUse) {
        *self.credential.lock().unwrap_or_else(PoisonError::into_inner) = used;
    }
}
