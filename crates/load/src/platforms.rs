//! Which images of an index are meant.

use std::env::consts::ARCH;
use std::str::FromStr;

use oci::{Platform, PlatformError};

/// What `--platform` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Platforms {
    /// Nothing.
    #[default]
    Unsaid,
    /// `all`.
    All,
    /// These, the most important one first.
    Some(Vec<Platform>),
}

impl FromStr for Platforms {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Self, PlatformError> {
        if text == "all" {
            return Ok(Self::All);
        }
        text.split(',').map(|part| part.trim().parse()).collect::<Result<_, _>>().map(Self::Some)
    }
}

/// The platform of containers on this machine: Linux, also where a daemon runs it in a virtual machine.
pub(crate) fn of_this_machine() -> Platform {
    let (architecture, variant) = match ARCH {
        "x86_64" => ("amd64", ""),
        "aarch64" => ("arm64", ""),
        "arm" => ("arm", "v7"),
        "x86" => ("386", ""),
        "powerpc64" => ("ppc64le", ""),
        other => (other, ""),
    };
    Platform::new("linux", architecture, variant)
}

/// The variants of an architecture, the most capable one first. A processor that runs one runs those behind it, too.
/// (The same order as in containerd's package `platforms`.)
fn variants(architecture: &str) -> &'static [&'static str] {
    match architecture {
        "amd64" => &["v4", "v3", "v2", "v1"],
        "arm" => &["v8", "v7", "v6", "v5"],
        _ => &[],
    }
}

/// The variant that is meant where none is named.
fn implied_variant(architecture: &str) -> &'static str {
    match architecture {
        "amd64" => "v1",
        "arm" => "v7",
        "arm64" => "v8",
        _ => "",
    }
}

/// How far an image is from what is wanted: 0 is the same, more are less capable variants, `None` would not run.
pub(crate) fn distance(wanted: &Platform, found: &Platform) -> Option<usize> {
    if wanted.os != found.os || wanted.architecture != found.architecture {
        return None;
    }
    let variant = |platform: &Platform| {
        let named = platform.variant.clone().filter(|variant| !variant.is_empty());
        named.unwrap_or_else(|| implied_variant(&platform.architecture).to_owned())
    };
    let order = variants(&wanted.architecture);
    let (wanted, found) = (variant(wanted), variant(found));
    if wanted == found {
        return Some(0);
    }
    let place = |variant: &str| order.iter().position(|known| *known == variant);
    place(&found)?.checked_sub(place(&wanted)?)
}

/// The nearest of these platforms; of equally near ones the first.
pub(crate) fn nearest<'a, T>(
    wanted: &Platform,
    offered: impl IntoIterator<Item = &'a (Platform, T)>,
) -> Option<&'a (Platform, T)>
where
    T: 'a,
{
    let near = offered.into_iter().filter_map(|offer| Some((distance(wanted, &offer.0)?, offer)));
    near.min_by_key(|(distance, _)| *distance).map(|(_, offer)| offer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platform(text: &str) -> Platform {
        text.parse().unwrap()
    }

    #[test]
    fn reads_what_users_type() {
        assert_eq!("all".parse(), Ok(Platforms::All));
        let some = Platforms::Some(vec![platform("linux/amd64"), platform("linux/arm/v7")]);
        assert_eq!("linux/amd64, linux/arm/v7".parse(), Ok(some));
        for bad in ["", "linux", "linux/amd64,", "all,linux/amd64"] {
            assert!(bad.parse::<Platforms>().is_err(), "{bad}");
        }
    }

    #[test]
    fn lesser_variants_run_too() {
        let table = [
            ("linux/amd64", "linux/amd64", Some(0)),
            ("linux/amd64", "linux/amd64/v1", Some(0)),
            ("linux/amd64/v3", "linux/amd64", Some(2)),
            ("linux/amd64", "linux/amd64/v3", None),
            ("linux/arm64", "linux/arm64/v8", Some(0)),
            ("linux/arm", "linux/arm/v7", Some(0)),
            ("linux/arm/v7", "linux/arm/v5", Some(2)),
            ("linux/arm/v6", "linux/arm/v7", None),
            ("linux/arm64", "linux/arm/v7", None),
            ("linux/amd64", "windows/amd64", None),
            ("linux/riscv64", "linux/riscv64", Some(0)),
            ("linux/riscv64/x", "linux/riscv64/y", None),
        ];
        for (wanted, found, expected) in table {
            assert_eq!(distance(&platform(wanted), &platform(found)), expected, "{wanted} {found}");
        }
    }

    #[test]
    fn the_nearest_is_taken() {
        let offered = ["linux/arm/v5", "linux/arm/v7", "linux/arm/v6", "linux/arm/v6"]
            .map(platform)
            .into_iter()
            .zip(0..)
            .collect::<Vec<_>>();
        assert_eq!(nearest(&platform("linux/arm/v6"), &offered).unwrap().1, 2);
        assert!(nearest(&platform("linux/amd64"), &offered).is_none());
    }
}
