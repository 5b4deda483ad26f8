//! Why an operation failed: what was done, where, what the registry said, and whose credentials were used.

use oci::RegistryHost;

use crate::{Cause, Operation, Remote};

/// A failed operation. The message says what failed and where; the cause is the source; [`Error::hints`] say what to
/// do. Neither holds a secret or the query of a URL.
#[derive(Debug, thiserror::Error)]
#[error("failed to {} `{}`", context.operation, context.remote)]
pub struct Error {
    context: Box<Context>,
    #[source]
    cause: Box<Cause>,
}

/// What an operation was about.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) operation: Operation,
    pub(crate) remote: Remote,
    pub(crate) credential: CredentialUse,
    pub(crate) attempts: u32,
}

/// Which credentials took part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CredentialUse {
    /// The registry never asked for any.
    #[default]
    NotAsked,
    /// None were found; these places were searched.
    NoneFound(Vec<String>),
    /// Those of this source were used.
    Used(String),
    /// None: the request went to a gateway, which has its own.
    Gateway,
    /// Those of `source` were kept back, because the registry names a token server that may not see them.
    Withheld {
        /// Where they came from.
        source: String,
        /// Host of the token server.
        realm: String,
    },
}

impl Error {
    pub(crate) fn new(context: Context, cause: Cause) -> Self {
        Self { context: Box::new(context), cause: Box::new(cause) }
    }

    pub(crate) fn outside_a_call(operation: Operation, remote: Remote, cause: Cause) -> Self {
        Self::new(Context { operation, remote, credential: CredentialUse::NotAsked, attempts: 1 }, cause)
    }

    /// Why.
    pub fn cause(&self) -> &Cause {
        &self.cause
    }

    /// What was done.
    pub fn operation(&self) -> &Operation {
        &self.context.operation
    }

    /// Where.
    pub fn remote(&self) -> &Remote {
        &self.context.remote
    }

    /// Which registry.
    pub fn registry(&self) -> &RegistryHost {
        &self.context.remote.registry
    }

    /// Which credentials took part.
    pub fn credential(&self) -> &CredentialUse {
        &self.context.credential
    }

    /// How often it was tried.
    pub fn attempts(&self) -> u32 {
        self.context.attempts
    }
}
