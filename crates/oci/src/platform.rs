//! Platforms as image indexes name them (image specification, "Platform Variants"): Go's words for them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Operating system, architecture and variant that an image is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Platform {
    /// Go's `GOARCH`, such as `amd64`.
    #[serde(default)]
    pub architecture: String,
    /// Go's `GOOS`, such as `linux`.
    #[serde(default)]
    pub os: String,
    /// Minimum version of the operating system (Windows).
    #[serde(rename = "os.version", default, skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
    /// Features of the operating system (Windows).
    #[serde(rename = "os.features", default, skip_serializing_if = "Option::is_none")]
    pub os_features: Option<Vec<String>>,
    /// Variant of the architecture, such as `v8`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

/// Why a text is not a platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a platform; expected `os/architecture` or `os/architecture/variant`, such as `linux/arm64/v8`"
)]
pub struct PlatformError {
    /// What was given.
    pub text: String,
}

impl Platform {
    /// A platform; an empty variant counts as none, and 64-bit ARM without one is `v8`.
    pub fn new(os: impl Into<String>, architecture: impl Into<String>, variant: &str) -> Self {
        let architecture = architecture.into();
        let variant = match (architecture.as_str(), variant) {
            ("arm64", "") => Some("v8".to_owned()),
            (_, "") => None,
            (_, variant) => Some(variant.to_owned()),
        };
        Self { architecture, os: os.into(), os_version: None, os_features: None, variant }
    }

    /// `unknown/unknown`: the place that `BuildKit` gives to attestations.
    pub fn is_unknown(&self) -> bool {
        self.os == "unknown" || self.architecture == "unknown"
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.as_ref().map_or(Ok(()), |variant| write!(f, "/{variant}"))
    }
}

impl FromStr for Platform {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Self, PlatformError> {
        let word = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
        };
        let parts: Vec<&str> = text.split('/').collect();
        match parts.as_slice() {
            [os, architecture] if word(os) && word(architecture) => Ok(Self::new(*os, *architecture, "")),
            [os, architecture, variant] if word(os) && word(architecture) && word(variant) => {
                Ok(Self::new(*os, *architecture, variant))
            }
            _ => Err(PlatformError { text: text.to_owned() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_and_prints() {
        let table = [
            ("linux/amd64", "linux/amd64"),
            ("linux/arm64", "linux/arm64/v8"),
            ("linux/arm/v7", "linux/arm/v7"),
            ("windows/amd64", "windows/amd64"),
        ];
        for (text, printed) in table {
            assert_eq!(text.parse::<Platform>().unwrap().to_string(), printed);
        }
        for text in ["", "linux", "linux/", "/amd64", "linux/arm/v7/x", "lin ux/amd64"] {
            assert!(text.parse::<Platform>().is_err(), "{text}");
        }
    }

    #[test]
    fn keeps_the_specification_s_names() {
        let json = r#"{"architecture":"amd64","os":"windows","os.version":"10.0.1"}"#;
        let platform: Platform = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&platform).unwrap(), json);
    }
}
