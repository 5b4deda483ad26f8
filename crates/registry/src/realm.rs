//! Which token servers may see credentials. A registry names its token server itself, so a registry that was taken
//! over, or one that only forwards, could name anybody's (go-containerregistry#2193, GHSA-28r5-37g7-p6mp).

use std::collections::BTreeSet;
use std::net::IpAddr;

use oci::RegistryHost;
use reqwest::Url;

/// Registries whose token server has another domain.
const KNOWN_PAIRS: &[(&str, &str)] = &[("dhi.io", "auth.docker.io")];

/// Domains under which strangers have hosts side by side, beyond two-part country domains such as `co.uk`.
const SHARED_SUFFIXES: &[&str] = &[
    "amazonaws.com",
    "azurecr.io",
    "azurewebsites.net",
    "cloudfront.net",
    "fly.dev",
    "github.io",
    "gitlab.io",
    "googleapis.com",
    "herokuapp.com",
    "jfrog.io",
    "netlify.app",
    "ngrok.io",
    "pages.dev",
    "pkg.dev",
    "run.app",
    "vercel.app",
    "web.app",
    "windows.net",
    "workers.dev",
];

/// What to do about a token server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It may see credentials.
    Trusted,
    /// It may be asked for an anonymous token.
    Anonymous,
    /// It must not be asked at all.
    Refused(&'static str),
}

/// Judges a token server for a registry that is spoken to over `http` or `https`.
pub(crate) fn judge(
    registry: &RegistryHost,
    registry_is_plain: bool,
    realm: &Url,
    trusted: &BTreeSet<String>,
) -> Verdict {
    let host = realm.host_str().unwrap_or_default().trim_matches(['[', ']']).to_ascii_lowercase();
    let own = registry.host().to_ascii_lowercase();
    let both_local = registry.is_loopback() && is_loopback(&host);
    if realm.scheme() != "https" && !(registry_is_plain && (host == own || both_local)) {
        return Verdict::Refused("it speaks plain HTTP");
    }
    if host == own
        || both_local
        || trusted.contains(&host)
        || KNOWN_PAIRS.contains(&(own.as_str(), host.as_str()))
    {
        return Verdict::Trusted;
    }
    if host.parse::<IpAddr>().is_ok() || is_loopback(&host) {
        return Verdict::Refused("it is a bare address, or on this machine");
    }
    match (registrable_domain(&own), registrable_domain(&host)) {
        (Some(a), Some(b)) if a == b => Verdict::Trusted,
        _ => Verdict::Anonymous,
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The part of a name that one party registered, without a list of all public suffixes: the last two labels, or
/// three where the last two look like a suffix. `None` for addresses and names without a dot.
fn registrable_domain(host: &str) -> Option<String> {
    if host.parse::<IpAddr>().is_ok() {
        return None;
    }
    let labels: Vec<&str> = host.split('.').collect();
    let last_two = labels.get(labels.len().checked_sub(2)?..)?;
    let country = last_two[1].len() == 2 && last_two[0].len() <= 3;
    let shared = SHARED_SUFFIXES.contains(&last_two.join(".").as_str());
    if shared {
        // Where strangers are neighbours only the very same host counts.
        return Some(host.to_owned());
    }
    let wanted = if country { 3 } else { 2 };
    labels.len().checked_sub(wanted).map(|start| labels[start..].join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_stay_in_the_family() {
        let refused = "refused";
        let table = [
            ("ghcr.io", "https://ghcr.io/token", "trusted"),
            ("index.docker.io", "https://auth.docker.io/token", "trusted"),
            ("registry.gitlab.com", "https://gitlab.com/jwt/auth", "trusted"),
            ("dhi.io", "https://auth.docker.io/token", "trusted"),
            ("registry.corp.co.uk", "https://sso.corp.co.uk/t", "trusted"),
            ("registry.corp.co.uk", "https://evil.co.uk/t", "anonymous"),
            ("a.azurecr.io", "https://a.azurecr.io/oauth2/token", "trusted"),
            ("a.azurecr.io", "https://b.azurecr.io/oauth2/token", "anonymous"),
            ("ghcr.io", "https://evil.com/token", "anonymous"),
            ("ghcr.io", "https://ghcr.io.evil.com/token", "anonymous"),
            ("ghcr.io", "https://notghcr.io/token", "anonymous"),
            ("example.com", "https://token.allowed.net/t", "trusted"),
            ("ghcr.io", "http://ghcr.io/token", refused),
            ("ghcr.io", "https://169.254.169.254/latest", refused),
            ("ghcr.io", "https://localhost/token", refused),
            ("10.0.0.1:5000", "https://10.0.0.2/token", refused),
            ("localhost:5000", "http://localhost:5001/token", "trusted"),
            ("localhost:5000", "http://127.0.0.1:5001/token", "trusted"),
            ("localhost:5000", "http://ghcr.io/token", refused),
            ("localhost:5000", "https://ghcr.io/token", "anonymous"),
        ];
        let trusted = BTreeSet::from(["token.allowed.net".to_owned()]);
        for (registry, realm, expected) in table {
            let registry: RegistryHost = registry.parse().unwrap();
            let verdict = judge(&registry, registry.is_loopback(), &realm.parse().unwrap(), &trusted);
            let found = match verdict {
                Verdict::Trusted => "trusted",
                Verdict::Anonymous => "anonymous",
                Verdict::Refused(_) => refused,
            };
            assert_eq!(found, expected, "{registry} {realm}");
        }
    }
}
