//! Which certificates are trusted: those that a known authority vouches for, those that the job's
//! `ca` file holds themselves, or, with `insecure`, all. Gives no words; see [`crate::io::http::conn::tls_error`].

use std::fmt;
use std::sync::Arc;

use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::client::verify_server_name;
use tokio_rustls::rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};
use webpki::EndEntityCert;

/// The certificate vouches only for itself, and nobody trusts it.
#[derive(Debug)]
pub(crate) struct SelfSignedError;

impl fmt::Display for SelfSignedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("self-signed certificate")
    }
}

impl std::error::Error for SelfSignedError {}

/// Trusts what an authority vouches for, and the named certificates themselves.
#[derive(Debug)]
pub(crate) struct TrustedCertVerifier {
    webpki: Arc<WebPkiServerVerifier>,
    pinned: Vec<CertificateDer<'static>>,
}

impl TrustedCertVerifier {
    /// Trusts `roots` as authorities and, as they are, `named`.
    ///
    /// # Errors
    ///
    /// In words, if there are no roots.
    pub(crate) fn new(
        roots: Arc<RootCertStore>,
        named: Vec<CertificateDer<'static>>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<TrustedCertVerifier, String> {
        WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(provider))
            .build()
            .map(|webpki| TrustedCertVerifier { webpki, pinned: named })
            .map_err(|error| error.to_string())
    }
}

impl ServerCertVerifier for TrustedCertVerifier {
    fn verify_server_cert(
        &self,
        cert: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let error = match self.webpki.verify_server_cert(cert, chain, name, ocsp, now) {
            Err(Error::InvalidCertificate(error)) => error,
            other => return other,
        };
        // `openssl req -x509` makes certificates that are authorities, which no server may use. One
        // that the scenario names is what its server uses all the same. Its dates were looked at
        // before this was (webpki's `check_issuer_independent_properties`).
        if is_ca_as_end_entity(&error) && self.pinned.iter().any(|named| named == cert) {
            verify_server_name(&ParsedCertificate::try_from(cert)?, name)?;
            return Ok(ServerCertVerified::assertion());
        }
        let unknown = matches!(error, CertificateError::UnknownIssuer) || is_ca_as_end_entity(&error);
        if unknown && is_self_signed(cert) {
            return Err(CertificateError::Other(OtherError(Arc::new(SelfSignedError))).into());
        }
        Err(error.into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.webpki.verify_tls12_signature(message, cert, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.webpki.verify_tls13_signature(message, cert, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.webpki.supported_verify_schemes()
    }
}

/// Whether the only fault is that a server uses an authority's certificate.
fn is_ca_as_end_entity(error: &CertificateError) -> bool {
    let CertificateError::Other(OtherError(error)) = error else { return false };
    matches!(error.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
}

/// Whether a certificate says that it was issued by itself.
fn is_self_signed(cert: &CertificateDer<'_>) -> bool {
    EndEntityCert::try_from(cert).is_ok_and(|cert| cert.issuer() == cert.subject())
}

/// Trusts any certificate whose key the server holds.
#[derive(Debug)]
pub(crate) struct InsecureCertVerifier {
    algorithms: WebPkiSupportedAlgorithms,
}

impl InsecureCertVerifier {
    /// With this provider's algorithms.
    pub(crate) fn new(provider: &CryptoProvider) -> InsecureCertVerifier {
        InsecureCertVerifier { algorithms: provider.signature_verification_algorithms }
    }
}

impl ServerCertVerifier for InsecureCertVerifier {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
