//! Where a registry may send us: to a download or an upload elsewhere, without credentials, never from HTTPS to HTTP,
//! and not to addresses inside our own network.

use std::net::IpAddr;

use oci::RegistryHost;
use reqwest::Url;

use crate::Cause;
use crate::classify::shown;
use crate::http::is_loopback;

/// Longest chain that is followed.
pub(crate) const MAX_REDIRECTS: usize = 10;

/// The target of a `Location` header, relative to where it came from, if it may be followed.
pub(crate) fn follow(registry: &RegistryHost, from: &Url, location: &str) -> Result<Url, Cause> {
    let mut to =
        from.join(location).map_err(|_| Cause::Protocol("a `Location` header that is no address"))?;
    let refuse = |to: &Url, reason| Err(Cause::Redirect { to: shown(to), reason });
    // Registries behind a proxy that ends TLS often believe that they are called over plain HTTP.
    if from.scheme() == "https" && to.scheme() == "http" && to.host_str() == from.host_str() {
        let port = to.port().filter(|port| *port != 443).or(from.port());
        if port == from.port() {
            let _ = to.set_scheme("https");
            let _ = to.set_port(port);
        }
    }
    match to.scheme() {
        "https" => {}
        "http" if from.scheme() == "http" => {}
        "http" => return refuse(&to, "from HTTPS to plain HTTP"),
        _ => return refuse(&to, "neither HTTPS nor HTTP"),
    }
    if !to.username().is_empty() || to.password().is_some() {
        return refuse(&to, "it holds a user name or password");
    }
    let inside = is_loopback(&to) || address(&to).is_some_and(is_private);
    let from_inside = registry.is_loopback() || registry.host().parse().is_ok_and(is_private);
    if inside && !from_inside && to.host_str() != Some(registry.host()) {
        return refuse(&to, "an address of the local network, given by a registry outside of it");
    }
    Ok(to)
}

fn address(url: &Url) -> Option<IpAddr> {
    url.host_str()?.trim_matches(['[', ']']).parse().ok()
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_private() || v4.is_link_local() || v4.is_loopback() || v4.is_unspecified(),
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => is_private(IpAddr::V4(v4)),
            None => {
                v6.is_loopback() || v6.is_unspecified() || v6.is_unique_local() || v6.is_unicast_link_local()
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_to_places_outside_and_never_down_to_http() {
        let table = [
            ("ghcr.io", "https://ghcr.io/v2/", "/v2/x", Some("https://ghcr.io/v2/x")),
            ("ghcr.io", "https://ghcr.io/v2/a/", "x?y=1", Some("https://ghcr.io/v2/a/x?y=1")),
            ("ghcr.io", "https://ghcr.io/v2/", "https://cdn.io/x", Some("https://cdn.io/x")),
            ("ghcr.io", "https://ghcr.io/v2/", "http://ghcr.io/x", Some("https://ghcr.io/x")),
            ("ghcr.io", "https://ghcr.io/v2/", "http://ghcr.io:80/x", Some("https://ghcr.io/x")),
            ("ghcr.io", "https://ghcr.io/v2/", "http://ghcr.io:443/x", Some("https://ghcr.io/x")),
            ("a.io:8443", "https://a.io:8443/v2/", "http://a.io:8443/x", Some("https://a.io:8443/x")),
            ("a.io:8443", "https://a.io:8443/v2/", "http://a.io/x", Some("https://a.io:8443/x")),
            ("a.io:8443", "https://a.io:8443/v2/", "http://a.io:9000/x", None),
            ("ghcr.io", "https://ghcr.io/v2/", "http://cdn.io/x", None),
            ("ghcr.io", "https://ghcr.io/v2/", "ftp://cdn.io/x", None),
            ("ghcr.io", "https://ghcr.io/v2/", "https://u:p@cdn.io/x", None),
            ("ghcr.io", "https://ghcr.io/v2/", "https://169.254.169.254/x", None),
            ("ghcr.io", "https://ghcr.io/v2/", "https://[::ffff:10.0.0.1]/x", None),
            ("ghcr.io", "https://ghcr.io/v2/", "https://localhost/x", None),
            ("10.0.0.1", "https://10.0.0.1/v2/", "https://10.0.0.2/x", Some("https://10.0.0.2/x")),
            ("localhost:1", "http://localhost:1/", "http://127.0.0.1:2/x", Some("http://127.0.0.1:2/x")),
            ("localhost:1", "http://localhost:1/", "https://cdn.io/x", Some("https://cdn.io/x")),
        ];
        for (registry, from, location, expected) in table {
            let to = follow(&registry.parse().unwrap(), &from.parse().unwrap(), location);
            assert_eq!(to.as_ref().ok().map(Url::as_str), expected, "{registry} {location}: {to:?}");
        }
    }
}
