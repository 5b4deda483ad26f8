//! What a server proves with who it is.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::anyhow;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{InconsistentKeys, ServerConfig};
use tokio_rustls::TlsAcceptor;
use tool::Failure;

/// Protocols that clients can choose in the handshake, the better one first. gRPC needs the first one.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// The files that TLS needs; both or none. They are read once, at the start.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct TlsFiles {
    /// Speak TLS, with the certificate in this file (PEM; behind it those of the authorities between it and one that clients trust)
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,

    /// File with the private key of that certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
}

/// A certificate and its key.
#[derive(Clone)]
pub struct Tls(pub(crate) TlsAcceptor);

impl TlsFiles {
    /// Reads them; `None` where there is to be no TLS. Errors name the file.
    pub fn read(&self) -> Result<Option<Tls>, Failure> {
        let (Some(certificate), Some(key)) = (&self.tls_cert, &self.tls_key) else { return Ok(None) };
        let chain = read_chain(certificate)?;
        let private =
            PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable(error, "private key", key))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, private);
        let mut config = config.map_err(|error| match error {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => Failure::usage(anyhow!(
                "the private key in `{}` is not that of the certificate in `{}`",
                key.display(),
                certificate.display()
            ))
            .hint("the server's own certificate comes first in its file, those of authorities behind it"),
            error => Failure::usage(error).context(format!(
                "`{}` and `{}` cannot be used for TLS",
                certificate.display(),
                key.display()
            )),
        })?;
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
        Ok(Some(Tls(TlsAcceptor::from(Arc::new(config)))))
    }
}

fn read_chain(file: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let unreadable = |error| unreadable(error, "certificate", file);
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(file).map_err(unreadable)?.collect();
    let chain = chain.map_err(unreadable)?;
    if chain.is_empty() { Err(unreadable(pem::Error::NoItemsFound)) } else { Ok(chain) }
}

fn unreadable(error: pem::Error, what: &str, file: &Path) -> Failure {
    let file = file.display();
    match error {
        pem::Error::Io(error) => Failure::usage(error).context(format!("failed to read the {what} `{file}`")),
        pem::Error::NoItemsFound => Failure::usage(anyhow!("there is no {what} in `{file}`")).hint(format!(
            "expected is PEM: a line `-----BEGIN {}-----`, base64, a line with END",
            what.to_uppercase()
        )),
        error => Failure::usage(error).context(format!("`{file}` is not PEM")),
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

#[cfg(test)]
mod tests {
    use testkit::Certificate;

    use super::*;

    #[test]
    fn what_is_wrong_names_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (Certificate::valid("localhost"), Certificate::valid("localhost"));
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs_err::write(&path, text).unwrap();
            path
        };
        let (certificate, key) = (write("one.pem", &one.pem), write("one.key", &one.key_pem));
        let both = write("both.pem", &format!("{}{}", one.pem, one.key_pem));
        let (foreign, empty) = (write("other.key", &other.key_pem), write("empty.pem", ""));
        let broken = write("broken.pem", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n");
        let nonsense =
            write("nonsense.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        let absent = folder.path().join("absent.pem");
        let read = |certificate: &PathBuf, key: &PathBuf| {
            TlsFiles { tls_cert: Some(certificate.clone()), tls_key: Some(key.clone()) }.read()
        };
        assert!(TlsFiles::default().read().unwrap().is_none());
        assert!(read(&certificate, &key).unwrap().is_some());
        assert!(read(&both, &both).unwrap().is_some());
        for (files, expected, culprit) in [
            ((&absent, &key), "error: failed to read the certificate `", &absent),
            ((&certificate, &absent), "error: failed to read the private key `", &absent),
            ((&empty, &key), "error: there is no certificate in `", &empty),
            ((&certificate, &certificate), "error: there is no private key in `", &certificate),
            ((&broken, &key), "is not PEM", &broken),
            ((&nonsense, &key), "cannot be used for TLS", &nonsense),
            ((&certificate, &foreign), "error: the private key in `", &foreign),
        ] {
            let failure = read(files.0, files.1).unwrap_err();
            let message = failure.message();
            assert!(
                message.contains(expected) && message.contains(&format!("`{}`", culprit.display())),
                "{message}"
            );
            assert_eq!(failure.exit(), tool::Exit::Usage, "{message}");
        }
    }
}
