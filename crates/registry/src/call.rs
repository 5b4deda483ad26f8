//! One operation on one repository, while it runs.

use std::sync::{Arc, Mutex, PoisonError};

use oci::Repository;

use crate::host::Host;
use crate::scopes::Scopes;
use crate::{CredentialUse, Operation, Remote};

/// One operation: what, where, with which rights, and with whose credentials so far.
pub(crate) struct Call {
    pub(crate) operation: Operation,
    pub(crate) remote: Remote,
    /// The rights that it needs by itself.
    pub(crate) scopes: Scopes,
    mount_from: Option<Repository>,
    pub(crate) host: Arc<Host>,
    credential: Mutex<CredentialUse>,
}

impl Call {
    /// An operation that reads or writes, and mounts from another repository if one is given.
    pub(crate) fn new(
        operation: Operation,
        remote: Remote,
        push: bool,
        mount_from: Option<Repository>,
        host: Arc<Host>,
    ) -> Self {
        let scopes = Scopes::new(&remote.repository, push, mount_from.as_ref());
        Self { operation, remote, scopes, mount_from, host, credential: Mutex::default() }
    }

    /// The rights that it asks for together with those of its repository's neighbours.
    pub(crate) fn together(&self) -> Option<Scopes> {
        self.host.together(&self.remote.repository, &self.scopes, self.mount_from.as_ref())
    }

    pub(crate) fn credential(&self) -> CredentialUse {
        self.credential.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn note_credential(&self, used: CredentialUse) {
        *self.credential.lock().unwrap_or_else(PoisonError::into_inner) = used;
    }
}
