//! Names of images: registry, repository, tag, digest (distribution specification, "Pulling manifests").

use std::fmt;
use std::str::FromStr;

use crate::Digest;

/// What Docker Hub is called in references, and where its registry answers.
const DOCKER_HUB: &str = "index.docker.io";

/// Why a text is not a name of an image or of a part of one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// The host part.
    #[error("`{0}` is not a registry; expected `host` or `host:port` without scheme or path")]
    Registry(String),
    /// The path part.
    #[error(
        "`{0}` is not a repository; expected lower-case letters, digits, `.`, `_`, `-` in parts separated by `/`"
    )]
    Repository(String),
    /// The tag.
    #[error(
        "`{0}` is not a tag; expected at most 128 letters, digits, `_`, `.`, `-`, not starting with `.` or `-`"
    )]
    Tag(String),
    /// The digest.
    #[error(transparent)]
    Digest(#[from] crate::DigestError),
    /// A digest where a runtime wants a name.
    #[error("`{0}` ends in a digest; the name of an image ends in a tag, or in its repository")]
    Pinned(String),
}

/// `host` or `host:port` of a registry. `docker.io` is kept as `index.docker.io`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegistryHost(String);

impl RegistryHost {
    /// The text, such as `ghcr.io` or `localhost:5000`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host without the port and without brackets.
    pub fn host(&self) -> &str {
        match self.0.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or(rest),
            None => self.0.split(':').next().unwrap_or(&self.0),
        }
    }

    /// Whether it is Docker Hub.
    pub fn is_docker_hub(&self) -> bool {
        self.0 == DOCKER_HUB
    }

    /// Whether it is on this machine, where plain HTTP is the custom.
    pub fn is_loopback(&self) -> bool {
        let host = self.host();
        host == "localhost"
            || host.ends_with(".localhost")
            || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

impl FromStr for RegistryHost {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let error = || ReferenceError::Registry(text.to_owned());
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, port) = rest.split_once(']').ok_or_else(error)?;
                address.parse::<std::net::Ipv6Addr>().map_err(|_| error())?;
                ("v6", port.strip_prefix(':').or(if port.is_empty() { None } else { Some("?") }))
            }
            None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
        };
        let label = |label: &str| {
            !label.is_empty()
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        if !host.split('.').all(label) || host.len() > 253 {
            return Err(error());
        }
        if let Some(port) = port
            && (port.is_empty() || !port.bytes().all(|b| b.is_ascii_digit()) || port.parse::<u16>().is_err())
        {
            return Err(error());
        }
        let text = if text == "docker.io" { DOCKER_HUB } else { text };
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for RegistryHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Path of a repository within a registry, such as `library/ubuntu`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Repository(String);

impl Repository {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Repository {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let ok = !text.is_empty() && text.len() <= 255 && text.split('/').all(is_path_component);
        if ok { Ok(Self(text.to_owned())) } else { Err(ReferenceError::Repository(text.to_owned())) }
    }
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_path_component(text: &str) -> bool {
    let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = text.as_bytes();
    let (Some(&first), Some(&last)) = (bytes.first(), bytes.last()) else { return false };
    if !word(first) || !word(last) {
        return false;
    }
    bytes
        .chunk_by(|a, b| word(*a) == word(*b))
        .all(|run| word(run[0]) || matches!(run, b"." | b"_" | b"__") || run.iter().all(|b| *b == b'-'))
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A tag: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(String);

impl Tag {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Tag {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let ok = (1..=128).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
            && !text.starts_with(['.', '-']);
        if ok { Ok(Self(text.to_owned())) } else { Err(ReferenceError::Tag(text.to_owned())) }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A complete name: registry, repository, and a tag or a digest or both or neither.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// Where.
    pub registry: RegistryHost,
    /// Which repository there.
    pub repository: Repository,
    /// Which tag, if any.
    pub tag: Option<Tag>,
    /// Which content, if pinned.
    pub digest: Option<Digest>,
}

impl Reference {
    /// Parses what users type: `ubuntu`, `ghcr.io/me/app:1`, `localhost:5000/a@sha256:...`. A first part without `.`,
    /// `:` and not `localhost` belongs to the repository, and the registry is Docker Hub, whose one-part
    /// repositories live under `library/`.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest.parse()?)),
            None => (text, None),
        };
        let (path, tag) = match name.rsplit_once(':') {
            Some((path, tag)) if !tag.contains('/') => (path, Some(tag.parse()?)),
            _ => (name, None),
        };
        let (registry, repository) = match path.split_once('/') {
            Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => {
                (first.parse()?, rest.to_owned())
            }
            _ => (RegistryHost(DOCKER_HUB.to_owned()), path.to_owned()),
        };
        let repository = if registry.is_docker_hub() && !repository.contains('/') && !repository.is_empty() {
            format!("library/{repository}")
        } else {
            repository
        };
        Ok(Self { registry, repository: repository.parse()?, tag, digest })
    }
}

/// The name of an image in a container runtime: as it was typed, since runtimes differ in what they make of a short one, but
/// with the tag `latest` where there is none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ImageName(String);

impl ImageName {
    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name with the registry that is meant where none is named. containerd, and docker on top of it, want it so; docker
    /// shows it as it was typed.
    pub fn full(&self) -> String {
        let Ok(reference) = Reference::parse(&self.0) else { return self.0.clone() };
        let registry =
            if reference.registry.is_docker_hub() { "docker.io" } else { reference.registry.as_str() };
        let tag = reference.tag.as_ref().map_or("latest", Tag::as_str);
        format!("{registry}/{}:{tag}", reference.repository)
    }
}

impl FromStr for ImageName {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let reference = Reference::parse(text)?;
        if reference.digest.is_some() {
            return Err(ReferenceError::Pinned(text.to_owned()));
        }
        let tag = if reference.tag.is_some() { "" } else { ":latest" };
        Ok(Self(format!("{text}{tag}")))
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        self.digest.map_or(Ok(()), |digest| write!(f, "@{digest}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_users_type() {
        let digest = format!("sha256:{}", "1".repeat(64));
        let table = [
            ("ubuntu", "index.docker.io/library/ubuntu".to_owned()),
            ("ubuntu:24.04", "index.docker.io/library/ubuntu:24.04".to_owned()),
            ("nvidia/cuda:12", "index.docker.io/nvidia/cuda:12".to_owned()),
            ("docker.io/ubuntu", "index.docker.io/library/ubuntu".to_owned()),
            ("ghcr.io/me/app:v1.0_x-y", "ghcr.io/me/app:v1.0_x-y".to_owned()),
            ("localhost:5000/a/b", "localhost:5000/a/b".to_owned()),
            ("localhost/a", "localhost/a".to_owned()),
            ("[::1]:5000/a:t", "[::1]:5000/a:t".to_owned()),
            (&format!("ghcr.io/a@{digest}"), format!("ghcr.io/a@{digest}")),
            (&format!("ghcr.io/a:t@{digest}"), format!("ghcr.io/a:t@{digest}")),
        ];
        for (text, printed) in table {
            assert_eq!(Reference::parse(text).unwrap().to_string(), printed, "{text}");
        }
    }

    #[test]
    fn refuses_what_no_registry_would_take() {
        let bad = [
            "",
            "/",
            "a//b",
            "A/b",
            "ghcr.io/",
            "ghcr.io/A",
            "ghcr.io/a:",
            "ghcr.io/a:-x",
            "ghcr.io/a@sha256:12",
            "ghcr.io/../etc",
            "ghcr.io/a/..",
            "ghcr.io/a.-b",
            "ghcr.io/a_",
            "ghcr.io/a___b",
            "https://ghcr.io/a",
            "ghcr.io:99999/a",
            "ghcr.io:/a",
            "gh cr.io/a",
            "ghcr.io/a b",
            "-x.io/a",
        ];
        for text in bad {
            assert!(Reference::parse(text).is_err(), "{text}");
        }
        assert!("t".repeat(129).parse::<Tag>().is_err());
        assert!("user@host".parse::<RegistryHost>().is_err());
    }

    #[test]
    fn names_stay_as_they_are_typed() {
        let table = [
            ("app", "app:latest"),
            ("my-project/app:v1", "my-project/app:v1"),
            ("localhost:5000/app", "localhost:5000/app:latest"),
            ("docker.io/library/app:1", "docker.io/library/app:1"),
        ];
        for (text, name) in table {
            assert_eq!(text.parse::<ImageName>().unwrap().as_str(), name);
        }
        for (typed, full) in [
            ("app", "docker.io/library/app:latest"),
            ("my/app:1", "docker.io/my/app:1"),
            ("docker.io/app:1", "docker.io/library/app:1"),
            ("ghcr.io/my/app:1", "ghcr.io/my/app:1"),
            ("localhost:5000/app", "localhost:5000/app:latest"),
        ] {
            assert_eq!(typed.parse::<ImageName>().unwrap().full(), full);
        }
        for text in ["", "App", "a:-b", &format!("a@sha256:{}", "1".repeat(64))] {
            assert!(text.parse::<ImageName>().is_err(), "{text}");
        }
    }

    #[test]
    fn knows_the_hosts_on_this_machine() {
        for (text, loopback) in [
            ("localhost:5000", true),
            ("127.0.0.1:5000", true),
            ("127.8.0.1", true),
            ("[::1]:5000", true),
            ("registry.localhost", true),
            ("10.0.0.1:5000", false),
            ("localhost.example.com", false),
        ] {
            assert_eq!(text.parse::<RegistryHost>().unwrap().is_loopback(), loopback, "{text}");
        }
    }
}
