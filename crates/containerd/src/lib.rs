//! A client of containerd that brings images into its stores, blob by blob: what is there already is not sent again.
//!
//! [`sockets`] says where a containerd may listen, [`Client::connect`] takes the first one that answers. All that is written
//! is held by a [`Lease`] until it ends: [`Lease::missing`] asks what has to be sent, [`Lease::write`] sends a blob, going on
//! where an earlier attempt stopped, and [`Lease::put_image`] gives the whole a name. [`labels`] says what must be noted on
//! manifests and indexes, so that the collector of garbage sees what they need.
//!
//! An image has to come from below: layers and configs, then manifests, then the index, then the name. The namespace of
//! docker is `moby`; its names are full ones (`docker.io/library/app:latest`), and nothing else is needed for
//! docker to show an image and to run it, if its image store is this containerd: no labels of its own, no snapshots. Layers
//! are unpacked at the first run, by docker as by containerd's own tools. Of an index, the images that
//! were not brought are shown as empty. What a name stood for before is garbage from then on, where `docker load` leaves an
//! image without a name; containers that were made of it still start. Whether docker uses this containerd, only docker can say.
//! (Tried with docker 28.5 and containerd 2.1.)
//!
//! Deliberately not here: reading images, unpacking, choosing platforms, and the environment. containerd is reached
//! through a socket of this machine; on systems without such sockets [`Client::connect`] says so.
//!
//! ```no_run
//! # async fn example(layer: oci::Descriptor, manifest: oci::Descriptor, parsed: oci::Manifest) -> Result<(), containerd::Error> {
//! use containerd::{Client, from_memory, labels, sockets};
//! let client = Client::connect(&sockets(None, None), "moby").await?;
//! let lease = client.lease().await?;
//! let import = async {
//!     for layer in lease.missing(&[layer]).await? {
//!         lease.write(&layer, &labels::none(), from_memory("the layer")).await?;
//!     }
//!     lease.write(&manifest, &labels::of_manifest(&parsed), from_memory("the manifest")).await?;
//!     lease.put_image("docker.io/library/app:latest", &manifest).await
//! };
//! let imported = import.await;
//! // Also after an error: what was written so far is no longer held.
//! let ended = lease.end().await;
//! imported.and(ended)
//! # ?; Ok(())
//! # }
//! ```

mod answer;
mod client;
mod error;
mod images;
pub mod labels;
mod lease;
mod missing;
mod patience;
mod probe;
mod session;
mod sockets;
mod source;
mod write;

pub use answer::Answer;
pub use client::Client;
pub use error::{Error, Operation};
pub use images::Placed;
pub use lease::Lease;
pub use patience::Patience;
pub use probe::{Reason, Tried};
pub use sockets::sockets;
pub use source::{ByteStream, from_memory};
pub use write::Written;
