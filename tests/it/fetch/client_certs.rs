//! Client certificates: accepted ones, refused ones, and files that are not valid.

use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use scenario_core::scenario::model::{ClientCert, FetchJob};
use scenario_log::event::FetchErrorKind;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};

use crate::fetch::harness::{Rig, Server, fetch, folder, job, local};
use crate::fetch::tls::{Identity, https, identity, identity_from, write_pem};

/// A server that accepts only clients whose certificate is from the authority of `accepted`. It answers
/// with the length of the client's certificate.
async fn asking(
    server: &Identity,
    accepted: &Identity,
    version: &'static SupportedProtocolVersion,
) -> Server {
    let mut roots = RootCertStore::empty();
    let authority = std::fs::read(folder().join(&accepted.authority)).unwrap();
    roots.add(CertificateDer::from_pem_slice(&authority).unwrap()).unwrap();
    let provider = Arc::new(ring::default_provider());
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![server.cert.clone()], PrivateKeyDer::Pkcs8(server.key.serialize_der().into()))
        .unwrap();
    let acceptor = Rc::new(TlsAcceptor::from(Arc::new(config)));
    Server::new(move |guest, _| {
        let acceptor = Rc::clone(&acceptor);
        async move {
            let mut tls = match acceptor.accept(guest.tcp).into_fallible().await {
                Ok(tls) => tls,
                Err((_, mut tcp)) => {
                    // Closes so that the alert about the client arrives.
                    let _ = tcp.shutdown().await;
                    let _ = tcp.read_to_end(&mut Vec::new()).await;
                    return;
                }
            };
            let shown = tls.get_ref().1.peer_certificates().map_or(0, |chain| chain[0].len()).to_string();
            let mut bytes = Vec::new();
            while tls.read_buf(&mut bytes).await.is_ok_and(|read| read > 0) {
                if bytes.ends_with(b"\r\n\r\n") {
                    bytes.clear();
                    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{shown}", shown.len());
                    if tls.write_all(head.as_bytes()).await.is_err() {
                        return;
                    }
                }
            }
        }
    })
    .await
}

/// The certificate and the key of a client, as files.
fn client_cert(identity: &Identity) -> ClientCert {
    let cert = rcgen_pem("CERTIFICATE", &identity.cert);
    ClientCert { cert: write_pem(&cert).into(), key: write_pem(&identity.key.serialize_pem()).into() }
}

fn rcgen_pem(label: &str, der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

fn job_for(server: &Server, ca: &Identity, client: Option<ClientCert>) -> FetchJob {
    FetchJob { ca: Some(PathBuf::from(&ca.authority)), client_cert: client, ..job(&https(server)) }
}

#[test]
fn a_client_of_a_known_authority_is_accepted() {
    local(async {
        let (itself, client) = (identity("127.0.0.1", |_| {}), identity("client", |_| {}));
        for version in [&TLS12, &TLS13] {
            let server = asking(&itself, &client, version).await;
            let run =
                fetch(FetchJob { log_lines: true, ..job_for(&server, &itself, Some(client_cert(&client))) })
                    .await;
            assert_eq!(run.lines().concat(), client.cert.len().to_string());
        }
    });
}

#[test]
fn a_refused_client_learns_the_reason() {
    local(async {
        let (itself, client) = (identity("127.0.0.1", |_| {}), identity("client", |_| {}));
        let server = asking(&itself, &client, &TLS13).await;
        let (namesake, stranger) = (identity("client", |_| {}), identity_from("stranger", "client", |_| {}));
        let old = identity("old", |params| params.not_after = rcgen::date_time_ymd(2001, 1, 1));
        let old_server = asking(&itself, &old, &TLS13).await;
        for (server, client, message) in [
            (&server, None, "asks for a client's certificate: `cert` and `key` name one"),
            (&server, Some(&namesake), "does not accept the client's certificate, `cert`"),
            (&server, Some(&stranger), "does not know the authority of the client's certificate"),
            (&old_server, Some(&old), "has expired"),
        ] {
            let (kind, error) = fetch(job_for(server, &itself, client.map(client_cert))).await.failed();
            assert_eq!(kind, FetchErrorKind::Tls, "{error}");
            assert!(error.contains(message), "{error}");
        }
    });
}

#[test]
fn jobs_with_different_client_certificates_share_no_connection() {
    local(async {
        let (itself, client) = (identity("127.0.0.1", |_| {}), identity("client", |_| {}));
        let server = asking(&itself, &client, &TLS12).await;
        let jobs =
            vec![job_for(&server, &itself, Some(client_cert(&client))), job_for(&server, &itself, None)];
        let mut rig = Rig::new(jobs, &[]);
        rig.start(1);
        rig.wait_for_ends(1).await;
        rig.run(1).await.fetched();
        rig.start_job(2, 1);
        rig.wait_for_ends(1).await;
        rig.run(2).await.failed();
        rig.start(3);
        rig.wait_for_ends(1).await;
        rig.run(3).await.fetched();
        assert_eq!(server.connections(), 2, "the third request uses the connection of the first");
    });
}

#[test]
fn invalid_files_are_errors() {
    local(async {
        let (itself, client) = (identity("127.0.0.1", |_| {}), identity("client", |_| {}));
        let server = asking(&itself, &client, &TLS13).await;
        let ClientCert { cert, key } = client_cert(&client);
        let other = client_cert(&identity("other", |_| {}));
        let garbage =
            PathBuf::from(write_pem("-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n"));
        let empty = PathBuf::from(write_pem(""));
        for (cert, key, message) in [
            (PathBuf::from("none.pem"), key.clone(), "cert = \"none.pem\": No such file"),
            (cert.clone(), PathBuf::from("none.pem"), "key = \"none.pem\": No such file"),
            (garbage, key.clone(), "is not a PEM file"),
            (empty.clone(), key.clone(), "contains no certificate"),
            (cert.clone(), empty, "contains no private key"),
            (cert.clone(), cert.clone(), "contains no private key"),
            (cert.clone(), other.key, "is not the key of cert = "),
        ] {
            let (kind, error) =
                fetch(job_for(&server, &itself, Some(ClientCert { cert, key }))).await.failed();
            assert_eq!(kind, FetchErrorKind::Tls);
            assert!(error.contains(message), "{message}: {error}");
        }
    });
}
