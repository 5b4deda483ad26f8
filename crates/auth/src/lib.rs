//! Credentials for registries: docker config files, credential helpers, secrets.
//!
//! A [`Keychain`] asks its [`Source`]s in order until one has credentials for a registry. A source that fails is
//! reported and the next one is asked, so that a broken helper never stands in the way of a public image. Sources
//! are values: where files lie comes in as [`Locations`], nothing here reads the environment.
//!
//! Deliberately not here: HTTP. What a registry does with a credential (Basic, token exchange) is crate `registry`'s.
//! The crate `docker_credential` is not used: its helpers may hang for ever, its errors name neither the file nor what
//! is wrong with it, and it repeats a helper's output, which can hold a secret.
//!
//! ```
//! let keychain = auth::Keychain::new(auth::Locations::default().sources());
//! let answer = keychain.look_up("ghcr.io", "me/app");
//! assert!(answer.found.is_none());
//! ```

mod bazel_helper;
mod docker_config;
mod docker_helper;
mod error;
mod keychain;
mod locations;
mod process;
mod secret;

pub use bazel_helper::{BazelHelper, HelperHeaders};
pub use docker_config::DockerConfigFile;
pub use docker_helper::DockerHelper;
pub use error::Error;
pub use keychain::{Answer, Found, Keychain, Query, Source};
pub use locations::Locations;
pub use process::DEFAULT_TIMEOUT;
pub use secret::{Credential, Secret};
