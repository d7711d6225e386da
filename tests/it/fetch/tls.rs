//! TLS, with certificates that the tests make.

use std::rc::Rc;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use scenario_core::scenario::model::FetchJob;
use scenario_log::event::FetchErrorKind;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::fetch::harness::{Server, fetch, folder, job, local};
use crate::fetch::http2::serve_h2;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A certificate, its key, and the name of a `ca` file with its authority.
pub(crate) struct Identity {
    pub(crate) cert: CertificateDer<'static>,
    pub(crate) key: KeyPair,
    pub(crate) authority: String,
}

/// A certificate for `name`, changed by `change`, from an authority of its own.
pub(crate) fn identity(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Identity {
    identity_from("authority of a test", name, change)
}

/// A certificate as [`identity`] makes it, from an authority with the name `from`.
pub(crate) fn identity_from(from: &str, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Identity {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(DnType::CommonName, from);
    let authority_key = KeyPair::generate().unwrap();
    let file = write_pem(&authority.self_signed(&authority_key).unwrap().pem());
    let issuer = Issuer::new(authority, authority_key);
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    let cert = params.signed_by(&key, &issuer).unwrap().der().clone();
    Identity { cert, key, authority: file }
}

/// A self-signed certificate.
fn self_signed(change: impl FnOnce(&mut CertificateParams)) -> Identity {
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    let cert = params.self_signed(&key).unwrap();
    Identity { authority: write_pem(&cert.pem()), cert: cert.der().clone(), key }
}

/// Writes a PEM file into the folder of the tests, and returns its name.
pub(crate) fn write_pem(pem: &str) -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("ca-{}-{}.pem", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    std::fs::write(folder().join(&name), pem).unwrap();
    name
}

/// The side of a server in TLS with this identity. It speaks the first of `protocols` that the client speaks, too.
pub(crate) fn acceptor(identity: &Identity, protocols: &[&str]) -> TlsAcceptor {
    let key = PrivateKeyDer::Pkcs8(identity.key.serialize_der().into());
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![identity.cert.clone()], key)
        .unwrap();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    TlsAcceptor::from(Arc::new(config))
}

/// A server with this identity. It speaks the first of `protocols` that the client speaks, too.
pub(crate) async fn secure(identity: &Identity, protocols: &[&str]) -> Server {
    let acceptor = Rc::new(acceptor(identity, protocols));
    Server::new(move |guest, _| {
        let acceptor = Rc::clone(&acceptor);
        async move {
            let Ok(mut tls) = acceptor.accept(guest.tcp).await else { return };
            if tls.get_ref().1.alpn_protocol() == Some(b"h2") {
                return serve_h2(tls).await;
            }
            let mut bytes = Vec::new();
            while tls.read_buf(&mut bytes).await.is_ok_and(|read| read > 0) {
                if bytes.ends_with(b"\r\n\r\n") && tls.write_all(OK.as_bytes()).await.is_err() {
                    return;
                }
            }
        }
    })
    .await
}

pub(crate) fn https(server: &Server) -> String {
    format!("https://{}/", server.address())
}

/// Fetches with a `ca` file, or with the system's authorities. Returns the body's length or the failure.
async fn outcome(server: &Server, ca: Option<&str>) -> Result<u64, (FetchErrorKind, String)> {
    let run = fetch(FetchJob { ca: ca.map(Into::into), ..job(&https(server)) }).await;
    if run.heads() > 0 { Ok(run.fetched().bytes) } else { Err(run.failed()) }
}

/// Asserts that a server is refused with this message, and accepted with `insecure`.
async fn assert_refused(identity: &Identity, ca: Option<&str>, wanted: &[&str]) {
    let server = secure(identity, &[]).await;
    let (kind, error) = outcome(&server, ca).await.unwrap_err();
    assert_eq!(kind, FetchErrorKind::Tls, "{error}");
    for wanted in wanted {
        assert!(error.contains(wanted), "{wanted:?} in {error:?}");
    }
    let run = fetch(FetchJob { insecure: true, ca: ca.map(Into::into), ..job(&https(&server)) }).await;
    assert_eq!(run.fetched().bytes, 2);
}

#[test]
fn a_named_authority_is_trusted() {
    local(async {
        let identity = identity("127.0.0.1", |_| {});
        let server = secure(&identity, &[]).await;
        let run = fetch(FetchJob { ca: Some(identity.authority.into()), ..job(&https(&server)) }).await;
        assert_eq!((run.responded().1, run.fetched().bytes), ("HTTP/1.1", 2));
        assert!(run.fetched().timings.tls.is_some());
    });
}

#[test]
fn a_named_certificate_is_trusted_itself() {
    local(async {
        for is_ca in [IsCa::NoCa, IsCa::Ca(BasicConstraints::Unconstrained)] {
            let identity = self_signed(|params| params.is_ca = is_ca);
            let server = secure(&identity, &[]).await;
            assert_eq!(outcome(&server, Some(&identity.authority)).await, Ok(2));
        }
    });
}

#[test]
fn a_named_certificate_must_still_be_for_the_host_and_not_expired() {
    local(async {
        let other = self_signed(|params| {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.subject_alt_names = vec![rcgen::SanType::DnsName("other.example".try_into().unwrap())];
        });
        assert_refused(&other, Some(&other.authority), &["not for 127.0.0.1"]).await;
        let old = self_signed(|params| {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.not_after = date_time_ymd(2001, 1, 1);
        });
        assert_refused(&old, Some(&old.authority), &["expired"]).await;
    });
}

#[test]
fn expired() {
    local(async {
        let old = identity("127.0.0.1", |params| params.not_after = date_time_ymd(2001, 1, 1));
        assert_refused(&old, Some(&old.authority), &["expired", "years", "insecure = true"]).await;
        let young = identity("127.0.0.1", |params| params.not_before = date_time_ymd(4000, 1, 1));
        assert_refused(&young, Some(&young.authority), &["valid only in", "insecure = true"]).await;
    });
}

#[test]
fn for_another_host() {
    local(async {
        let other = identity("other.example", |_| {});
        let message = ["not for 127.0.0.1 but for other.example", "insecure = true"];
        assert_refused(&other, Some(&other.authority), &message).await;
    });
}

#[test]
fn a_self_signed_certificate() {
    local(async {
        let stranger = identity("127.0.0.1", |_| {}).authority;
        for is_ca in [IsCa::NoCa, IsCa::Ca(BasicConstraints::Unconstrained)] {
            let identity = self_signed(|params| params.is_ca = is_ca);
            assert_refused(&identity, Some(&stranger), &["self-signed", "ca = ", "insecure = true"]).await;
        }
    });
}

#[test]
fn unknown_authority() {
    local(async {
        let stranger = identity_from("stranger", "127.0.0.1", |_| {}).authority;
        let namesake = identity("127.0.0.1", |_| {}).authority;
        let identity = identity("127.0.0.1", |_| {});
        assert_refused(&identity, Some(&namesake), &["authority is unknown", "not its key", "ca = "]).await;
        assert_refused(&identity, Some(&stranger), &["authority is unknown", "ca = ", "insecure = true"])
            .await;
        // The system's authorities, if it has any, do not know it either.
        assert_refused(&identity, None, &["ca = ", "insecure = true"]).await;
    });
}

#[test]
fn plain_http_on_a_tls_port() {
    local(async {
        // A server that answers in HTTP as soon as something connects.
        let server = Server::new(|mut guest, _| async move {
            guest.say("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await;
            guest.wait().await;
        })
        .await;
        let (kind, error) = fetch(FetchJob { insecure: true, ..job(&https(&server)) }).await.failed();
        assert_eq!(kind, FetchErrorKind::Tls);
        assert!(error.contains("does not speak TLS") && error.contains("http://"), "{error}");
        // A server that closes the connection.
        let server = Server::new(|guest, _| async move { drop(guest) }).await;
        let (kind, error) = fetch(FetchJob { insecure: true, ..job(&https(&server)) }).await.failed();
        assert_eq!(kind, FetchErrorKind::Tls);
        assert!(error.contains("within the TLS handshake"), "{error}");
    });
}

#[test]
fn an_invalid_ca_file_is_an_error() {
    local(async {
        let server = Server::answering(OK).await;
        let garbage = write_pem("-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n");
        for (file, reason) in
            [("none.pem", "No such file"), (&*garbage, "PEM"), (&*write_pem(""), "no certificate")]
        {
            let (kind, error) = outcome(&server, Some(file)).await.unwrap_err();
            assert_eq!(kind, FetchErrorKind::Tls);
            assert!(error.contains(file) && error.contains(reason), "{error}");
        }
    });
}
