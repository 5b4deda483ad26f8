//! Whom an encrypted connection trusts, and whom it shows.

use std::error::Error as StdError;
use std::io;

use auth::Secret;
use tonic::transport::{Certificate, ClientTlsConfig, Identity};

use crate::Cause;
use crate::cause::Source;

/// What `grpcs` connections need beyond the defaults, all in PEM form.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// Certificates of the authorities to trust instead of the system's, as Bazel's `--tls_certificate` has them.
    pub authorities: Option<Vec<u8>>,
    /// A certificate with its chain, and its private key, to be shown to servers that ask for it, as Bazel's
    /// `--tls_client_certificate` and `--tls_client_key` have them.
    pub identity: Option<(Vec<u8>, Secret)>,
}

impl Tls {
    pub(crate) fn config(&self) -> ClientTlsConfig {
        let config = match &self.authorities {
            // The system's, or those of SSL_CERT_FILE.
            None => ClientTlsConfig::new().with_native_roots(),
            Some(pem) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)),
        };
        match &self.identity {
            None => config,
            Some((certificate, key)) => config.identity(Identity::from_pem(certificate, key.expose())),
        }
    }
}

/// Why there is no connection.
pub(crate) fn classify(error: tonic::transport::Error) -> Cause {
    match find_tls(&error) {
        None => Cause::Connect(Source::from(error)),
        Some(tls) => Cause::Tls {
            plain: matches!(tls, rustls::Error::InvalidMessage(_)),
            source: Source::from(tls.to_string()),
        },
    }
}

/// TLS errors travel inside of I/O errors, one in the other, which do not show them as their source.
fn find_tls<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    let mut chain =
        std::iter::successors(Some(error), |error: &&'a (dyn StdError + 'static)| (*error).source());
    chain.find_map(|error| {
        let mut error = error;
        while let Some(inner) = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            error = inner;
        }
        error.downcast_ref::<rustls::Error>()
    })
}
