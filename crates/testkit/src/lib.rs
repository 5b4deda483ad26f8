//! Misbehaving servers and judges for tests, in nobody's normal dependencies.
//!
//! [`FakeRegistry`] is a registry in memory that can be told to fail in every way that a registry was ever seen to
//! fail, and that remembers what it was asked. [`proxy`] puts latency, counters and the same faults before a real one;
//! [`Breaker`] cuts connections to whatever server at a byte. [`base_image`] makes a large image without a large file. With
//! the feature `cas`, `fake_cas` is a remote cache, and with `containerd`, `fake_containerd` is a containerd.
//!
//! Nothing is shared with the crate `registry`: a bug must not agree with itself. Everything listens on loopback, on
//! ports that the system picks, and nothing sleeps except where latency is what is asked for.
//!
//! ```
//! use testkit::{FakeRegistry, Fault};
//! let registry = FakeRegistry::start();
//! let image = registry.add_image("library/base", "1", &["linux/amd64", "linux/arm64"]);
//! registry.fault(Fault::parse("GET manifests 503 2")?);
//! assert!(registry.host().starts_with("127.0.0.1:"));
//! assert_eq!(registry.requests().len(), 0);
//! # let _ = image;
//! # Ok::<(), anyhow::Error>(())
//! ```

mod answer;
mod background;
pub mod base_image;
mod breaker;
#[cfg(feature = "cas")]
pub mod fake_cas;
#[cfg(feature = "containerd")]
pub mod fake_containerd;
mod fake_registry;
mod fault;
mod guard;
mod handler;
mod image;
mod log;
pub mod proxy;
mod routes;
mod server;
mod store;
mod tls;

pub use breaker::{Break, Breaker};
pub use fake_registry::FakeRegistry;
pub use fault::{Action, Fault};
pub use guard::{Guard, TokenPolicy};
pub use image::{Document, Image, artifact, digest_of, image, index};
pub use log::{Kind, Record, Summary, summary};
pub use tls::Certificate;
