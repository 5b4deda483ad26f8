//! What a check of images wants to know of a layout, in files of their own: a folder with `images.json` and, for each
//! image, its configuration and its listing. `builder` writes such a folder, `tester` reads it.

use serde::{Deserialize, Serialize};

/// The name of the list in an extract.
pub const LIST: &str = "images.json";

/// An image in an extract. Names of files are relative to the folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extracted {
    /// `os/architecture[/variant]`, or the digest of an image that does not say.
    pub platform: String,
    /// File with the image configuration.
    pub config: String,
    /// File with the listing of the files that a container sees.
    pub listing: String,
    /// Whether every layer is in the listing. One that is no tar is not.
    pub complete: bool,
}
