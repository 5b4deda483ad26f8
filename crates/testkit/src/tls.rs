//! Certificates for servers on loopback.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

static SERIAL: AtomicU64 = AtomicU64::new(0);

/// A certificate that only those trust who are told to, and its key.
pub struct Certificate {
    /// The certificate, for whoever is to trust it.
    pub pem: String,
    /// Its private key.
    pub key_pem: String,
    pub(crate) acceptor: TlsAcceptor,
}

impl Certificate {
    /// For a name or an address.
    pub fn valid(name: &str) -> Self {
        Self::new(name, 2099)
    }

    /// For a name or an address, until some time ago.
    pub fn expired(name: &str) -> Self {
        Self::new(name, 2001)
    }

    fn new(name: &str, end: i32) -> Self {
        let mut params =
            CertificateParams::new(vec![name.to_owned()]).expect("tests use names that can be certified");
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(end, 1, 1);
        // Two authorities of one name would be taken for one another.
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        params.distinguished_name.push(DnType::CommonName, format!("testkit {serial}"));
        let key = KeyPair::generate().expect("keys can be made");
        let certificate = params.self_signed(&key).expect("certificates can be made");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has all versions")
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
            )
            .expect("certificate and key belong together");
        Self {
            pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            acceptor: TlsAcceptor::from(Arc::new(config)),
        }
    }
}
