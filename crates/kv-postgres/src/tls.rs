//! Encryption, with the meanings that libpq gives the modes.
//!
//! | mode | encrypted | certificate |
//! | --- | --- | --- |
//! | `disable` | no | |
//! | `prefer` | if the server can | not looked at |
//! | `require` | yes | not looked at, unless `sslrootcert` is given: then as `verify-ca` |
//! | `verify-ca` | yes | signed by `sslrootcert`, or by an authority of the system |
//! | `verify-full` | yes | and made out to the host |

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use lakehold_kv::BoxError;
use rustls::CertificateError;
use rustls::ClientConfig;
use rustls::DigitallySignedStruct;
use rustls::Error;
use rustls::RootCertStore;
use rustls::SignatureScheme;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::client::danger::ServerCertVerified;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::ServerName;
use rustls::pki_types::UnixTime;
use rustls::pki_types::pem::PemObject as _;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

/// What is asked of encryption.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum TlsMode {
    Disable,
    #[default]
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

impl TlsMode {
    /// The part of it that the library decides.
    pub(crate) fn for_library(self) -> SslMode {
        match self {
            Self::Disable => SslMode::Disable,
            Self::Prefer => SslMode::Prefer,
            Self::Require | Self::VerifyCa | Self::VerifyFull => SslMode::Require,
        }
    }
}

/// Mode and files.
#[derive(Clone, Debug, Default)]
pub(crate) struct TlsSettings {
    pub(crate) mode: TlsMode,
    /// Authorities to trust, in PEM; `system` for those of the system.
    pub(crate) root: Option<PathBuf>,
    /// Our own certificate and its key, in PEM.
    pub(crate) certificate: Option<(PathBuf, PathBuf)>,
}

/// Why encryption cannot be set up: names the file.
#[derive(Debug, thiserror::Error)]
#[error("{what} {}", .path.display())]
pub(crate) struct TlsError {
    what: &'static str,
    path: PathBuf,
    #[source]
    source: BoxError,
}

impl TlsError {
    fn new(what: &'static str, path: &Path, source: impl Into<BoxError>) -> Self {
        Self { what, path: path.to_path_buf(), source: source.into() }
    }
}

/// Makes what encrypts connections. Reads the files; blocks on the disk.
pub(crate) fn connector(settings: &TlsSettings) -> Result<MakeRustlsConnect, TlsError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("the provider has the cipher suites of these versions")
        .dangerous()
        .with_custom_certificate_verifier(verifier(settings, provider)?);
    let Some((certificate, key)) = &settings.certificate else {
        return Ok(MakeRustlsConnect::new(builder.with_no_client_auth()));
    };
    let chain = certificates(certificate)?;
    let secret = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| TlsError::new("no private key in sslkey", key, error))?;
    let config = builder
        .with_client_auth_cert(chain, secret)
        .map_err(|error| TlsError::new("sslkey does not belong to sslcert", certificate, error))?;
    Ok(MakeRustlsConnect::new(config))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |error| TlsError::new("no certificates in", path, error);
    CertificateDer::pem_file_iter(path).and_then(Iterator::collect).map_err(failed)
}

fn verifier(
    settings: &TlsSettings,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, TlsError> {
    let checked = match (settings.mode, &settings.root) {
        (TlsMode::VerifyFull, _) => Checked::Full(authorities(settings, provider)?),
        (TlsMode::VerifyCa, _) | (TlsMode::Require, Some(_)) => {
            Checked::Authority(authorities(settings, provider)?)
        }
        (TlsMode::Disable | TlsMode::Prefer | TlsMode::Require, _) => Checked::Nothing(provider),
    };
    Ok(Arc::new(checked))
}

fn authorities(
    settings: &TlsSettings,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, TlsError> {
    let mut roots = RootCertStore::empty();
    let system = Path::new("system");
    let path = settings.root.as_deref().unwrap_or(system);
    if path == system {
        // Those that cannot be read are left out; that there are none is noticed below.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    } else {
        for certificate in certificates(path)? {
            roots.add(certificate).map_err(|error| TlsError::new("not usable:", path, error))?;
        }
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| TlsError::new("no authorities in", path, error))
}

/// How much of the server's certificate is checked. The handshake's signature always is.
#[derive(Debug)]
enum Checked {
    Nothing(Arc<CryptoProvider>),
    Authority(Arc<WebPkiServerVerifier>),
    Full(Arc<WebPkiServerVerifier>),
}

impl ServerCertVerifier for Checked {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verify = |verifier: &WebPkiServerVerifier| {
            verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        };
        match self {
            Self::Nothing(_) => Ok(ServerCertVerified::assertion()),
            Self::Full(verifier) => verify(verifier),
            Self::Authority(verifier) => match verify(verifier) {
                // The name is looked at last: everything else was right.
                Err(Error::InvalidCertificate(
                    CertificateError::NotValidForName
                    | CertificateError::NotValidForNameContext { .. },
                )) => Ok(ServerCertVerified::assertion()),
                verified => verified,
            },
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match self {
            Self::Nothing(provider) => {
                let algorithms = &provider.signature_verification_algorithms;
                rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
            }
            Self::Authority(verifier) | Self::Full(verifier) => {
                verifier.verify_tls12_signature(message, certificate, signature)
            }
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match self {
            Self::Nothing(provider) => {
                let algorithms = &provider.signature_verification_algorithms;
                rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
            }
            Self::Authority(verifier) | Self::Full(verifier) => {
                verifier.verify_tls13_signature(message, certificate, signature)
            }
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        match self {
            Self::Nothing(provider) => {
                provider.signature_verification_algorithms.supported_schemes()
            }
            Self::Authority(verifier) | Self::Full(verifier) => verifier.supported_verify_schemes(),
        }
    }
}
