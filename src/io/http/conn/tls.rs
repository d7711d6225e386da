//! TLS: the settings of a job as a rustls configuration, made once each, and the handshake. Which
//! certificates are trusted is [`crate::io::http::conn::verifier`]'s; what failed is said by [`crate::io::http::conn::tls_error`].

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::danger::ServerCertVerifier;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use scenario_core::scenario::model::ClientCert;
use scenario_log::event::FetchErrorKind;

use super::client_cert;
use crate::io::http::blocking::run_blocking;
use crate::io::http::conn::tls_error;
use crate::io::http::conn::verifier::{InsecureCertVerifier, TrustedCertVerifier};
use crate::io::http::error::FetchError;
use crate::io::http::timing::{AttemptPhase, AttemptProgress};

/// Whom a job trusts, and what it shows of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct TlsTrust {
    /// These certificates instead of the system's.
    pub(crate) ca: Option<PathBuf>,
    /// Anyone.
    pub(crate) insecure: bool,
    /// What it shows to servers that ask.
    pub(crate) client_cert: Option<ClientCert>,
}

/// Which protocols a connection may speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum HttpVersions {
    /// HTTP/1.1.
    Http1Only,
    /// HTTP/2.
    Http2Only,
    /// What TLS agrees on.
    Negotiated,
}

impl HttpVersions {
    /// What is offered in the handshake (RFC 7301), best first.
    fn alpn_protocols(self) -> Vec<Vec<u8>> {
        let protocols: &[&[u8]] = match self {
            HttpVersions::Http1Only => &[b"http/1.1"],
            HttpVersions::Http2Only => &[b"h2"],
            HttpVersions::Negotiated => &[b"h2", b"http/1.1"],
        };
        protocols.iter().map(|protocol| protocol.to_vec()).collect()
    }
}

/// A configuration that is made when it is first wanted.
type LazyTlsConfig = Rc<OnceCell<Arc<ClientConfig>>>;

/// The configurations of a run.
pub(crate) struct TlsConfigs {
    folder: PathBuf,
    provider: Arc<CryptoProvider>,
    configs: RefCell<HashMap<(TlsTrust, HttpVersions), LazyTlsConfig>>,
    system_roots: OnceCell<Arc<RootCertStore>>,
}

impl TlsConfigs {
    /// None yet; `ca` files are relative to `folder`.
    pub(crate) fn new(folder: PathBuf) -> TlsConfigs {
        let provider = Arc::new(ring::default_provider());
        TlsConfigs { folder, provider, configs: RefCell::default(), system_roots: OnceCell::new() }
    }

    /// Makes a connection to `host` a TLS connection.
    pub(crate) async fn handshake(
        &self,
        tcp: TcpStream,
        host: &str,
        (trust, speaks): (&TlsTrust, HttpVersions),
        progress: &AttemptProgress,
    ) -> Result<TlsStream<TcpStream>, FetchError> {
        let config = self.config(trust, speaks).await?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let name = ServerName::try_from(bare.to_owned()).map_err(|_| {
            FetchError::permanent(
                FetchErrorKind::Tls,
                format!("no certificate can be for a host named {host:?}"),
            )
        })?;
        if let Ok(peer) = tcp.peer_addr() {
            progress.enter(AttemptPhase::Handshake(peer));
        }
        let started = Instant::now();
        let tls = TlsConnector::from(config).connect(name, tcp).await;
        progress.add_time(|timings| &mut timings.tls, started.elapsed());
        tls.map_err(|error| tls_error::handshake_error(&error, host))
    }

    /// The configuration for these settings.
    async fn config(&self, trust: &TlsTrust, speaks: HttpVersions) -> Result<Arc<ClientConfig>, FetchError> {
        let lazy = Rc::clone(self.configs.borrow_mut().entry((trust.clone(), speaks)).or_default());
        lazy.get_or_try_init(|| self.build_config(trust, speaks)).await.map(Arc::clone)
    }

    /// Makes a configuration.
    async fn build_config(
        &self,
        trust: &TlsTrust,
        speaks: HttpVersions,
    ) -> Result<Arc<ClientConfig>, FetchError> {
        let verifier =
            self.verifier(trust).await.map_err(|words| FetchError::permanent(FetchErrorKind::Tls, words))?;
        let config = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| FetchError::permanent(FetchErrorKind::Tls, error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut config = match &trust.client_cert {
            None => config.with_no_client_auth(),
            Some(client) => client_cert::with_client_cert(config, &self.folder, client)
                .await
                .map_err(|words| FetchError::permanent(FetchErrorKind::Tls, words))?,
        };
        config.alpn_protocols = speaks.alpn_protocols();
        Ok(Arc::new(config))
    }

    /// Who decides on a certificate.
    async fn verifier(&self, trust: &TlsTrust) -> Result<Arc<dyn ServerCertVerifier>, String> {
        if trust.insecure {
            return Ok(Arc::new(InsecureCertVerifier::new(&self.provider)));
        }
        let (roots, pinned) = match &trust.ca {
            Some(path) => load_ca_file(&self.folder, path).await?,
            None => (self.system_roots.get_or_try_init(load_system_roots).await.map(Arc::clone)?, Vec::new()),
        };
        Ok(Arc::new(TrustedCertVerifier::new(roots, pinned, &self.provider)?))
    }
}

impl fmt::Debug for TlsConfigs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// The roots that this machine trusts.
async fn load_system_roots() -> Result<Arc<RootCertStore>, String> {
    let loaded = run_blocking(|| {
        let found = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(found.certs);
        let errors: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
        Ok((roots, errors.join("; ")))
    });
    let (roots, errors) =
        loaded.await.map_err(|error| format!("the system's certificates could not be read: {error}"))?;
    if roots.is_empty() {
        let why = if errors.is_empty() { String::new() } else { format!(" ({errors})") };
        return Err(format!(
            "this machine has no certificates to trust{why}; `ca = \"FILE.pem\"` names some, `insecure = true` trusts anyone"
        ));
    }
    Ok(Arc::new(roots))
}

/// The certificates of a PEM file: as roots, and as they are.
async fn load_ca_file(
    folder: &Path,
    path: &Path,
) -> Result<(Arc<RootCertStore>, Vec<CertificateDer<'static>>), String> {
    let shown = path.display();
    let file = folder.join(path);
    let pem =
        run_blocking(|| std::fs::read(file)).await.map_err(|error| format!("ca = \"{shown}\": {error}"))?;
    let found: Result<Vec<CertificateDer<'static>>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let found = found.map_err(|error| format!("ca = \"{shown}\" is no PEM file: {error}"))?;
    let mut roots = RootCertStore::empty();
    let (good, _) = roots.add_parsable_certificates(found.iter().cloned());
    if good == 0 {
        return Err(format!("ca = \"{shown}\" holds no certificate that can be trusted"));
    }
    Ok((Arc::new(roots), found))
}
