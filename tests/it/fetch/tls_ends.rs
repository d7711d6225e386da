//! TLS with parties that keep to the letter of no standard: certificates of version 1, and connections that
//! end without a goodbye.

use std::rc::Rc;
use std::sync::Arc;

use scenario_core::scenario::model::{ClientCert, FetchJob, LoadModel, LoadProfile};
use scenario_log::event::FetchErrorKind;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use tokio_rustls::rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::{
    DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme, client::danger,
};

use crate::fetch::harness::{Server, fetch, job, local};
use crate::fetch::tls::{https, identity, write_pem};

/// Made by `openssl x509 -req -signkey`: a certificate without extensions has version 1.
const OLD_CERT: &str = "-----BEGIN CERTIFICATE-----
MIIBFTCBvQIUQJrpW5eTmFk3w9pxZUcUj2RIdsUwCgYIKoZIzj0EAwIwDTELMAkG
A1UEAwwCdjEwIBcNMjYxMTMwMDAxOTMzWhgPMjEyNjExMDYwMDE5MzNaMA0xCzAJ
BgNVBAMMAnYxMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEjpNMSIIMGNH+nkGz
qQUf6dR0QEK+WjhJFn/dIESd7BlVJq8ZvazqgHif72sKitfLdupkWL42AFHoTZoX
u4wwqDAKBggqhkjOPQQDAgNHADBEAiBMd3oA9CiPzTZ0wSwjgyM985ysr7rdlPA/
DP/oU4UCKQIgFQXiLu3v9ImwxFn585p3eqIDOOdP64bH1bej2juiXMM=
-----END CERTIFICATE-----
";

/// Its key, for tests alone.
const OLD_KEY: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg+xuO2p/ifBKCB4zl
z8Cptg6IlQH4sAMBZZYYG4UWFOOhRANCAASOk0xIggwY0f6eQbOpBR/p1HRAQr5a
OEkWf90gRJ3sGVUmrxm9rOqAeJ/vawqK18t26mRYvjYAUehNmhe7jDCo
-----END PRIVATE KEY-----
";

/// Asks every client for a certificate, and accepts any or none.
#[derive(Debug)]
struct AnyClient;

impl ClientCertVerifier for AnyClient {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<danger::HandshakeSignatureValid, Error> {
        Ok(danger::HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<danger::HandshakeSignatureValid, Error> {
        Ok(danger::HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}

/// A server with the old certificate. It writes `head` and the number of the client's certificates, and closes
/// without a goodbye.
async fn old_server(head: &'static str) -> Server {
    let provider = Arc::new(ring::default_provider());
    let key = PrivateKeyDer::from_pem_slice(OLD_KEY.as_bytes()).unwrap();
    let key = provider.key_provider.load_private_key(key).unwrap();
    let chain = vec![CertificateDer::from_pem_slice(OLD_CERT.as_bytes()).unwrap()];
    let own = SingleCertAndKey::from(CertifiedKey::new(chain, key));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(Arc::new(AnyClient))
        .with_cert_resolver(Arc::new(own));
    let acceptor = Rc::new(TlsAcceptor::from(Arc::new(config)));
    Server::new(move |guest, _| {
        let acceptor = Rc::clone(&acceptor);
        async move {
            let Ok(mut tls) = acceptor.accept(guest.tcp).await else { return };
            let mut bytes = Vec::new();
            while !bytes.ends_with(b"\r\n\r\n") {
                if tls.read_buf(&mut bytes).await.unwrap_or_default() == 0 {
                    return;
                }
            }
            let shown = tls.get_ref().1.peer_certificates().map_or(0, <[_]>::len);
            tls.write_all(format!("{head}{shown}").as_bytes()).await.unwrap();
            tls.flush().await.unwrap();
            let (mut tcp, _) = tls.into_inner();
            let _ = tcp.shutdown().await;
            let _ = tcp.read_to_end(&mut Vec::new()).await;
        }
    })
    .await
}

fn closed() -> Option<LoadProfile> {
    let model = LoadModel::Closed { connections: 1 };
    Some(LoadProfile { model, max_requests: Some(1), duration: None })
}

#[test]
fn insecure_takes_a_certificate_that_cannot_be_read() {
    local(async {
        let server = old_server("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n").await;
        let (kind, error) = fetch(job(&https(&server))).await.failed();
        assert_eq!(kind, FetchErrorKind::Tls);
        assert!(error.contains("`insecure = true` would accept it"), "{error}");
        let run = fetch(FetchJob { insecure: true, ..job(&https(&server)) }).await;
        assert_eq!(run.fetched().bytes, 1);
    });
}

#[test]
fn a_certificate_of_our_own_may_be_of_version_1_but_needs_its_key() {
    local(async {
        let server = old_server("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n").await;
        let (cert, key) = (write_pem(OLD_CERT), write_pem(OLD_KEY));
        let with = |key: &str| {
            let client_cert = Some(ClientCert { cert: cert.clone().into(), key: key.into() });
            FetchJob { insecure: true, client_cert, log_lines: true, ..job(&https(&server)) }
        };
        assert_eq!(fetch(with(&key)).await.lines(), ["1"]);
        let other = write_pem(&identity("x", |_| {}).key.serialize_pem());
        let (_, error) = fetch(with(&other)).await.failed();
        assert!(error.contains("is not the key of"), "{error}");
    });
}

#[test]
fn an_end_without_a_goodbye_is_taken_where_the_length_is_known() {
    local(async {
        for head in [
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\n",
        ] {
            let server = old_server(head).await;
            for load in [None, closed()] {
                let run = fetch(FetchJob { insecure: true, load, ..job(&https(&server)) }).await;
                assert_eq!(run.fetched().bytes, 1);
            }
        }
    });
}

#[test]
fn an_end_without_a_goodbye_is_taken_as_the_end_of_a_body_only_if_the_job_says_so() {
    local(async {
        let server = old_server("HTTP/1.1 200 OK\r\n\r\n").await;
        for load in [None, closed()] {
            let strict = FetchJob { insecure: true, load, ..job(&https(&server)) };
            let (kind, error) = fetch(strict.clone()).await.failed();
            assert_eq!(kind, FetchErrorKind::Reset);
            assert!(
                error.contains("close_notify") && error.contains("`allow_unclean_close = true`"),
                "{error}"
            );
            assert!(!error.contains("docs.rs"), "{error}");
            let run = fetch(FetchJob { allow_unclean_close: true, ..strict }).await;
            assert_eq!(run.fetched().bytes, 1);
        }
        // A length that is stated still counts.
        let server = old_server("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n").await;
        let run = fetch(FetchJob { insecure: true, allow_unclean_close: true, ..job(&https(&server)) }).await;
        let (_, error) = run.failed();
        assert!(error.contains("after 1 of 9 bytes") && !error.contains("allow_unclean_close"), "{error}");
    });
}
