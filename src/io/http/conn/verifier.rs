//! Which certificates are trusted: those that a known authority has signed, those that the job's `ca`
//! file contains, or, with `insecure`, all. The messages for a refusal are in [`super::tls_error`].

use std::fmt;
use std::sync::Arc;

use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::client::verify_server_name;
use tokio_rustls::rustls::client::{VerifierBuilderError, WebPkiServerVerifier};
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};
use webpki::EndEntityCert;

/// The certificate is signed by itself, and it is not a trusted one.
#[derive(Debug)]
pub(super) struct SelfSignedError;

impl fmt::Display for SelfSignedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("self-signed certificate")
    }
}

impl std::error::Error for SelfSignedError {}

/// Trusts certificates that an authority has signed, and the pinned certificates themselves.
#[derive(Debug)]
pub(super) struct TrustedCertVerifier {
    webpki: Arc<WebPkiServerVerifier>,
    pinned: Vec<CertificateDer<'static>>,
}

impl TrustedCertVerifier {
    /// Trusts `roots` as authorities, and `pinned` themselves. Fails if there are no roots.
    pub(super) fn new(
        roots: Arc<RootCertStore>,
        pinned: Vec<CertificateDer<'static>>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<TrustedCertVerifier, VerifierBuilderError> {
        WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(provider))
            .build()
            .map(|webpki| TrustedCertVerifier { webpki, pinned })
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
        // `openssl req -x509` makes certificates of authorities, which servers may not use. If the
        // scenario names one, its server uses it all the same. webpki has checked its dates before it
        // reports this error (`check_issuer_independent_properties`).
        if is_ca_as_end_entity(&error) && self.pinned.iter().any(|pinned| pinned == cert) {
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

/// Whether the only error is that a server uses the certificate of an authority.
fn is_ca_as_end_entity(error: &CertificateError) -> bool {
    let CertificateError::Other(OtherError(error)) = error else { return false };
    matches!(error.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
}

/// Whether a certificate names itself as its issuer.
fn is_self_signed(cert: &CertificateDer<'_>) -> bool {
    EndEntityCert::try_from(cert).is_ok_and(|cert| cert.issuer() == cert.subject())
}

/// Trusts any certificate, as `curl -k` does. It does not look into the certificate at all: old and broken
/// ones cannot be read (version 1, unknown extensions), and their keys are too short. An attacker
/// can show a certificate with a key of his own, so the check of a signature would protect nothing.
#[derive(Debug)]
pub(super) struct InsecureCertVerifier;

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
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        use SignatureScheme as S;
        vec![
            S::ECDSA_NISTP256_SHA256,
            S::ECDSA_NISTP384_SHA384,
            S::ECDSA_NISTP521_SHA512,
            S::ED25519,
            S::ED448,
            S::RSA_PSS_SHA256,
            S::RSA_PSS_SHA384,
            S::RSA_PSS_SHA512,
            S::RSA_PKCS1_SHA256,
            S::RSA_PKCS1_SHA384,
            S::RSA_PKCS1_SHA512,
            S::ECDSA_SHA1_Legacy,
            S::RSA_PKCS1_SHA1,
        ]
    }
}
