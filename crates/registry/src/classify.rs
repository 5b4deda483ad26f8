//! From what the HTTP library reports to what we tell: whose fault it is decides about retries and hints.

use std::error::Error as StdError;
use std::io;

use reqwest::Url;

use crate::Cause;
use crate::cause::Source;

/// Scheme, host and port: all of a URL that is ever shown. Paths and queries of blobs may be signed.
pub(crate) fn shown(url: &Url) -> String {
    format!("{}://{}", url.scheme(), authority(url))
}

/// Host and port.
pub(crate) fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// What a failed request to `url` means.
pub(crate) fn classify(error: reqwest::Error, url: &Url) -> Cause {
    let error = error.without_url();
    let host = authority(url);
    let io = find::<io::Error>(&error).map(io::Error::kind);
    let text = deepest(&error);
    if let Some(tls) = find_tls(&error) {
        let plain = matches!(tls, rustls::Error::InvalidMessage(_));
        return Cause::Tls { host, plain, source: Source::from(tls.to_string()) };
    }
    if error.is_connect() {
        let source = Source::from(text);
        return match io {
            Some(io::ErrorKind::ConnectionRefused) => Cause::Refused { host, source },
            Some(io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof) => Cause::Interrupted(source),
            _ if mentions(&error, "dns error") => Cause::UnknownHost { host, source },
            _ => Cause::Connect { host, source },
        };
    }
    if error.is_builder() {
        return Cause::Protocol("an address in its answer cannot be used");
    }
    Cause::Interrupted(Source::from(text))
}

fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn StdError + 'static)| (*error).source())
}

fn find<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    chain(error).find_map(|error| error.downcast_ref::<E>())
}

/// TLS errors travel inside of I/O errors, one in the other, which do not show them as their source.
fn find_tls<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    chain(error).find_map(|error| {
        let mut error = error;
        while let Some(inner) = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            error = inner;
        }
        error.downcast_ref::<rustls::Error>()
    })
}

fn mentions(error: &(dyn StdError + 'static), text: &str) -> bool {
    chain(error).any(|error| error.to_string().contains(text))
}

/// The last cause says it; those above it only repeat that a request failed.
pub(crate) fn deepest(error: &(dyn StdError + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}
