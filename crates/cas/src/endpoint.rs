//! Addresses in the syntax of Bazel's `--remote_cache`.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use auth::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;

/// Where a remote cache listens: `grpcs://host[:port]`, `grpc://host[:port]`, `unix:/path`, or `host[:port]`, which means
/// `grpcs`. A user name and password before the host are sent with every call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    transport: Transport,
    basic: Option<Secret>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    /// Host and port, in the clear.
    Plain(String),
    /// Host and port, encrypted.
    Tls(String),
    /// An absolute path.
    Unix(String),
}

/// A text is not the address of a remote cache. The text is not repeated: it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Nothing there.
    #[error("the address is empty; expected `grpcs://host[:port]`, `grpc://host[:port]` or `unix:/path`")]
    Empty,
    /// Another protocol.
    #[error("only gRPC is spoken; expected `grpcs://host[:port]`, `grpc://host[:port]` or `unix:/path`")]
    Scheme,
    /// Not a host and a port.
    #[error("expected a host, and maybe a port, behind the scheme, and nothing else")]
    Host,
    /// Not a path.
    #[error("expected an absolute path behind `unix:`")]
    Path,
}

impl Endpoint {
    pub(crate) fn transport(&self) -> &Transport {
        &self.transport
    }

    /// The value of an `Authorization` header.
    pub(crate) fn basic(&self) -> Option<&Secret> {
        self.basic.as_ref()
    }

    /// What credential helpers are asked about; a socket of this machine needs no credentials.
    pub(crate) fn credential_uri(&self, service: &str) -> Option<String> {
        match &self.transport {
            Transport::Plain(host) | Transport::Tls(host) => Some(format!("https://{host}/{service}")),
            Transport::Unix(_) => None,
        }
    }

    /// Whether what is sent can be read on its way through a network.
    pub(crate) fn is_exposed(&self) -> bool {
        match &self.transport {
            Transport::Plain(host) => !is_loopback(host),
            Transport::Tls(_) | Transport::Unix(_) => false,
        }
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(EndpointError::Empty);
        }
        if let Some(rest) = text.strip_prefix("unix:") {
            let path = rest.strip_prefix("//").unwrap_or(rest);
            let absolute = path.starts_with('/') && path.len() > 1;
            let transport = absolute.then(|| Transport::Unix(path.to_owned())).ok_or(EndpointError::Path)?;
            return Ok(Self { transport, basic: None });
        }
        let (scheme, rest) = text.split_once("://").unwrap_or(("grpcs", text));
        let (host, basic) = parse_host(rest)?;
        match scheme {
            "grpc" => Ok(Self { transport: Transport::Plain(host), basic }),
            "grpcs" => Ok(Self { transport: Transport::Tls(host), basic }),
            _ => Err(EndpointError::Scheme),
        }
    }
}

fn parse_host(text: &str) -> Result<(String, Option<Secret>), EndpointError> {
    // The scheme has no default port, so that one that is given is kept.
    let url = Url::parse(&format!("grpc://{text}")).map_err(|_| EndpointError::Host)?;
    let bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    let host = url.host_str().filter(|host| bare && !host.is_empty()).ok_or(EndpointError::Host)?;
    let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let pair = format!("{}:{}", decoded(url.username()), decoded(url.password().unwrap_or_default()));
    let basic = (pair != ":").then(|| Secret::new(format!("Basic {}", STANDARD.encode(pair))));
    Ok((host, basic))
}

/// Whether a host, maybe with a port, is this machine.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Percent-decoded; a plus sign is a plus sign here.
fn decoded(text: &str) -> String {
    let text = text.replace('+', "%2B");
    url::form_urlencoded::parse(text.as_bytes()).map(|(name, _)| name.into_owned()).collect()
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.transport {
            Transport::Plain(host) => write!(f, "grpc://{host}"),
            Transport::Tls(host) => write!(f, "grpcs://{host}"),
            Transport::Unix(path) => write!(f, "unix:{path}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_bazel() {
        let table = [
            ("grpc://localhost:9092", "grpc://localhost:9092"),
            ("grpcs://cache.example.com", "grpcs://cache.example.com"),
            ("grpcs://cache.example.com/", "grpcs://cache.example.com"),
            ("cache.example.com:443", "grpcs://cache.example.com:443"),
            ("cache.example.com", "grpcs://cache.example.com"),
            ("grpc://[::1]:80", "grpc://[::1]:80"),
            ("unix:/run/cache.sock", "unix:/run/cache.sock"),
            ("unix:///run/cache.sock", "unix:/run/cache.sock"),
            (" grpc://a:1\n", "grpc://a:1"),
            ("grpc://me:secret@a:1", "grpc://a:1"),
        ];
        for (text, expected) in table {
            assert_eq!(text.parse::<Endpoint>().unwrap().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn refuses_the_rest() {
        let table = [
            ("", EndpointError::Empty),
            ("http://cache:8080", EndpointError::Scheme),
            ("https://cache", EndpointError::Scheme),
            ("grpc://", EndpointError::Host),
            ("grpc://cache/path", EndpointError::Host),
            ("grpc://cache?x", EndpointError::Host),
            ("grpc://cache:port", EndpointError::Host),
            ("unix:", EndpointError::Path),
            ("unix:relative", EndpointError::Path),
        ];
        for (text, expected) in table {
            assert_eq!(text.parse::<Endpoint>(), Err(expected), "{text}");
        }
    }

    #[test]
    fn only_this_machine_may_be_told_in_the_clear() {
        for text in
            ["grpc://localhost:1", "grpc://127.0.0.2:1", "grpc://[::1]:1", "grpcs://cache", "unix:/run/cache"]
        {
            assert!(!text.parse::<Endpoint>().unwrap().is_exposed(), "{text}");
        }
        for text in
            ["grpc://cache", "grpc://10.0.0.1:1", "grpc://[2001:db8::1]:1", "grpc://localhost.example.com"]
        {
            assert!(text.parse::<Endpoint>().unwrap().is_exposed(), "{text}");
        }
    }

    #[test]
    fn user_info_becomes_a_header() {
        let endpoint: Endpoint = "grpcs://me:pa%2Bss+@cache".parse().unwrap();
        assert_eq!(endpoint.basic().unwrap().expose(), format!("Basic {}", STANDARD.encode("me:pa+ss+")));
        assert!(!format!("{endpoint:?}").contains("ss"), "{endpoint:?}");
        assert_eq!("cache".parse::<Endpoint>().unwrap().basic(), None);
    }
}
