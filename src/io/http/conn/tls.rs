//! TLS: rustls configurations from the settings of jobs, each made once, and the handshake. Which
//! certificates are trusted is decided in [`super::verifier`].

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

use super::client_cert::{self, read_file};
use super::tls_error::{self, config_error};
use super::verifier::{InsecureCertVerifier, TrustedCertVerifier};
use crate::io::http::blocking::run_blocking;
use crate::io::http::error::FetchError;
use crate::io::http::timing::{AttemptPhase, AttemptProgress};

/// Which certificates a job trusts, and its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct TlsTrust {
    /// The file of the trusted certificates, instead of the system's.
    pub(super) ca: Option<PathBuf>,
    /// Any certificate is trusted.
    pub(super) insecure: bool,
    /// For servers that ask for one.
    pub(super) client_cert: Option<ClientCert>,
}

/// The versions of HTTP that a connection may speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum HttpVersions {
    Http1Only,
    Http2Only,
    /// The one that the TLS handshake agrees on.
    Negotiated,
}

impl HttpVersions {
    /// The protocols that the handshake offers (RFC 7301), the best one first.
    fn alpn_protocols(self) -> Vec<Vec<u8>> {
        let protocols: &[&[u8]] = match self {
            HttpVersions::Http1Only => &[b"http/1.1"],
            HttpVersions::Http2Only => &[b"h2"],
            HttpVersions::Negotiated => &[b"h2", b"http/1.1"],
        };
        protocols.iter().map(|protocol| protocol.to_vec()).collect()
    }
}

/// A configuration that is made at its first use.
type LazyTlsConfig = Rc<OnceCell<Arc<ClientConfig>>>;

/// The configurations of a run.
pub(super) struct TlsConfigs {
    folder: PathBuf,
    provider: Arc<CryptoProvider>,
    configs: RefCell<HashMap<(TlsTrust, HttpVersions), LazyTlsConfig>>,
    system_roots: OnceCell<Arc<RootCertStore>>,
}

impl TlsConfigs {
    /// The files of certificates are relative to `folder`.
    pub(super) fn new(folder: PathBuf) -> TlsConfigs {
        let provider = Arc::new(ring::default_provider());
        TlsConfigs { folder, provider, configs: RefCell::default(), system_roots: OnceCell::new() }
    }

    /// Starts TLS on a connection to `host`.
    pub(super) async fn handshake(
        &self,
        tcp: TcpStream,
        host: &str,
        (trust, versions): (&TlsTrust, HttpVersions),
        progress: &AttemptProgress,
    ) -> Result<TlsStream<TcpStream>, FetchError> {
        let config = self.config(trust, versions).await?;
        let name = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let name = ServerName::try_from(name.to_owned())
            .map_err(|_| config_error(format!("no certificate can be for a host named {host:?}")))?;
        if let Ok(peer) = tcp.peer_addr() {
            progress.enter(AttemptPhase::Handshake(peer));
        }
        let started = Instant::now();
        let tls = TlsConnector::from(config).connect(name, tcp).await;
        progress.add_time(|timings| &mut timings.tls, started.elapsed());
        tls.map_err(|error| tls_error::handshake_error(&error, host))
    }

    /// The configuration for these settings.
    async fn config(
        &self,
        trust: &TlsTrust,
        versions: HttpVersions,
    ) -> Result<Arc<ClientConfig>, FetchError> {
        let lazy = Rc::clone(self.configs.borrow_mut().entry((trust.clone(), versions)).or_default());
        lazy.get_or_try_init(|| self.build_config(trust, versions)).await.map(Arc::clone)
    }

    async fn build_config(
        &self,
        trust: &TlsTrust,
        versions: HttpVersions,
    ) -> Result<Arc<ClientConfig>, FetchError> {
        let verifier = self.verifier(trust).await?;
        let config = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| config_error(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut config = match &trust.client_cert {
            None => config.with_no_client_auth(),
            Some(client_cert) => {
                client_cert::with_client_cert(config, &self.provider, &self.folder, client_cert).await?
            }
        };
        config.alpn_protocols = versions.alpn_protocols();
        Ok(Arc::new(config))
    }

    /// Decides which certificates are trusted.
    async fn verifier(&self, trust: &TlsTrust) -> Result<Arc<dyn ServerCertVerifier>, FetchError> {
        if trust.insecure {
            return Ok(Arc::new(InsecureCertVerifier));
        }
        let (roots, pinned) = match &trust.ca {
            Some(path) => load_ca_file(&self.folder, path).await?,
            None => (self.system_roots.get_or_try_init(load_system_roots).await.map(Arc::clone)?, Vec::new()),
        };
        let verifier = TrustedCertVerifier::new(roots, pinned, &self.provider);
        Ok(Arc::new(verifier.map_err(|error| config_error(error.to_string()))?))
    }
}

impl fmt::Debug for TlsConfigs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// The authorities that this machine trusts.
async fn load_system_roots() -> Result<Arc<RootCertStore>, FetchError> {
    let loaded = run_blocking(|| {
        let found = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(found.certs);
        let errors: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
        Ok((roots, errors.join("; ")))
    });
    let (roots, errors) = loaded
        .await
        .map_err(|error| config_error(format!("the system's certificates could not be read: {error}")))?;
    if roots.is_empty() {
        let reason = if errors.is_empty() { String::new() } else { format!(" ({errors})") };
        return Err(config_error(format!(
            "this machine has no certificates to trust{reason}; `ca = \"FILE.pem\"` names some, `insecure = true` trusts anyone"
        )));
    }
    Ok(Arc::new(roots))
}

/// The certificates of a PEM file: as authorities, and as they are.
async fn load_ca_file(
    folder: &Path,
    path: &Path,
) -> Result<(Arc<RootCertStore>, Vec<CertificateDer<'static>>), FetchError> {
    let shown = path.display();
    let pem =
        read_file(folder, path).await.map_err(|error| config_error(format!("ca = \"{shown}\": {error}")))?;
    let found: Result<Vec<CertificateDer<'static>>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let found =
        found.map_err(|error| config_error(format!("ca = \"{shown}\" is not a PEM file: {error}")))?;
    let mut roots = RootCertStore::empty();
    let (good, _) = roots.add_parsable_certificates(found.iter().cloned());
    if good == 0 {
        let message = format!("ca = \"{shown}\" contains no certificate that can be trusted");
        return Err(config_error(message));
    }
    Ok((Arc::new(roots), found))
}
