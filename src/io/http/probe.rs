//! Asks a port or a URL once: for a program that is to become ready, for one that must be alive, and before the
//! start of one whose port may be taken. The caller decides how often, and how long one attempt may take.
//!
//! A probe works like a fetch: it tries every address of a name. It uses no proxy, follows no redirect, and
//! accepts any certificate, because it sends nothing that must be kept secret from the program itself.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use tokio::sync::Semaphore;

use super::conn::connection::SendOutcome;
use super::conn::connector::HttpConnector;
use super::conn::endpoint::Endpoint;
use super::error::FetchError;
use super::request;
use super::request::hop::RequestHop;
use super::timing::{AttemptPhase, AttemptProgress};
use scenario_core::diagnostic::FilePlace;
use scenario_core::scenario::host_port::parse_host_port;
use scenario_core::scenario::model::{
    FailureBudget, FetchJob, FetchMode, Http2Mode, HttpProbe, ProbeTest, ScenarioText,
};
use scenario_core::scenario::unix_socket;
use scenario_log::time::Span;

/// How many attempts run at a time, for all programs: each needs a file descriptor.
const MAX_CONCURRENT_PROBES: usize = 256;

/// Asks ports and URLs.
pub struct NetworkProber {
    connector: HttpConnector,
    permits: Semaphore,
}

/// The target of probes.
pub enum ProbeTarget {
    /// A port of a host.
    Tcp(String, u16),
    /// A URL.
    Http(Box<FetchJob>, ScenarioText),
}

/// How far an attempt has got.
#[derive(Debug, Default)]
pub struct ProbeProgress(AttemptProgress);

impl ProbeProgress {
    /// The message for an attempt that has taken this long.
    #[must_use]
    pub fn too_slow(&self, limit: Span) -> String {
        self.0.timeout_error(limit).message
    }
}

/// The other end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbePeer {
    /// An address, and whether it is of this machine.
    Tcp(SocketAddr, bool),
    /// A Unix socket. A relative path starts at the scenario's folder.
    Unix(PathBuf),
}

impl ProbeTarget {
    /// The target of a probe; `None` if it is a command.
    #[must_use]
    pub fn new(test: &ProbeTest) -> Option<ProbeTarget> {
        match test {
            ProbeTest::Tcp(address) => {
                // An invalid address can only be a `[redacted]` from a log, and no run uses that.
                let (host, port) = parse_host_port(address.reveal()).ok()?;
                Some(ProbeTarget::Tcp(host.to_owned(), port))
            }
            ProbeTest::Http(http) => Some(ProbeTarget::Http(Box::new(probe_job(http)), http.url.clone())),
            ProbeTest::Command(_) => None,
        }
    }
}

impl NetworkProber {
    /// Paths of sockets are relative to `folder`.
    #[must_use]
    pub fn new(folder: PathBuf) -> NetworkProber {
        NetworkProber {
            connector: HttpConnector::new(folder),
            permits: Semaphore::new(MAX_CONCURRENT_PROBES),
        }
    }

    /// One attempt: the error is the reason why it has failed, for people.
    ///
    /// # Errors
    /// If nobody takes the connection, or the answer is not one that is wanted.
    pub async fn attempt(&self, target: &ProbeTarget, progress: &ProbeProgress) -> Result<(), String> {
        // The semaphore is never closed, so this cannot fail.
        let _permit = self.permits.acquire().await;
        let attempted = match target {
            ProbeTarget::Tcp(host, port) => self
                .connect_tcp(host, *port, &progress.0)
                .await
                .map(|peer| peer.map_err(|peer| format!("nobody listens on {peer}")).map(drop)),
            ProbeTarget::Http(job, url) => self.request(job, url, &progress.0).await,
        };
        attempted.unwrap_or_else(|error| Err(error.message))
    }

    /// The other end of a connection to the target, if one succeeds; for a URL no request is sent.
    pub async fn connect(&self, target: &ProbeTarget) -> Option<ProbePeer> {
        let _permit = self.permits.acquire().await;
        let progress = AttemptProgress::default();
        let connected = match target {
            ProbeTarget::Tcp(host, port) => self.connect_tcp(host, *port, &progress).await,
            ProbeTarget::Http(job, url) => {
                let hop = RequestHop::first(job, url).ok()?;
                if let Some(path) = unix_socket::socket_path(&hop.url) {
                    let endpoint = Endpoint::new(&hop.url, job);
                    return self
                        .connector
                        .connect(&endpoint, &progress)
                        .await
                        .ok()
                        .map(|_| ProbePeer::Unix(path));
                }
                let port = hop.url.port_or_known_default().unwrap_or_default();
                self.connect_tcp(hop.url.host_str().unwrap_or_default(), port, &progress).await
            }
        };
        connected.ok()?.ok()
    }

    /// The other end of a connection to a port; the inner error is an address on which nobody listens.
    async fn connect_tcp(
        &self,
        host: &str,
        port: u16,
        progress: &AttemptProgress,
    ) -> Result<Result<ProbePeer, SocketAddr>, FetchError> {
        let (tcp, peer) = self.connector.dial(host, port, progress).await?;
        let own = tcp.local_addr();
        // If nobody listens on a port of the range that outgoing connections use, a connection can
        // get that port as its own, and connect to itself.
        if own.as_ref().map_or(true, |own| *own == peer) {
            return Ok(Err(peer));
        }
        let is_here = own.is_ok_and(|own| own.ip() == peer.ip());
        Ok(Ok(ProbePeer::Tcp(peer, is_here)))
    }

    /// The answer to a request: the inner error is a status that is not wanted.
    async fn request(
        &self,
        job: &FetchJob,
        url: &ScenarioText,
        progress: &AttemptProgress,
    ) -> Result<Result<(), String>, FetchError> {
        let hop = RequestHop::first(job, url)?;
        let endpoint = Endpoint::new(&hop.url, job);
        let mut conn = self.connector.open(&endpoint, progress).await?;
        let form = endpoint.request_form(&conn);
        let request = request::build_request(&hop, job, &PathBuf::new(), form).await?;
        progress.enter(AttemptPhase::Head(conn.peer(), conn.receive_counter()));
        match conn.send(request).await {
            SendOutcome::Response(answer) => match answer.status().as_u16() {
                status if job.status.allows(status) => Ok(Ok(())),
                status => Ok(Err(format!("status {status}"))),
            },
            SendOutcome::Unanswered(_, error) | SendOutcome::Failed(error) => Err(error),
        }
    }
}

/// A probe as the job of a fetch.
fn probe_job(probe: &HttpProbe) -> FetchJob {
    FetchJob {
        name: String::new(),
        urls: Vec::new(),
        mode: FetchMode::Concurrent,
        log_lines: false,
        lines_until: None,
        method: "GET".to_owned(),
        headers: probe.headers.clone(),
        auth: None,
        body: None,
        timeout: Span::ZERO,
        redirects: 0,
        retries: 0,
        status: probe.status.clone(),
        may_fail: FailureBudget::Requests(0),
        max_body: 0,
        decode_body: false,
        ca: None,
        resolve: Vec::new(),
        server_name: None,
        keep_alive: true,
        streams: 1,
        insecure: true,
        allow_unclean_close: true,
        proxy: None,
        client_cert: None,
        http2: Http2Mode::Never,
        load: None,
        data: None,
        check: None,
        captures: Vec::new(),
        place: FilePlace::default(),
    }
}

impl fmt::Debug for NetworkProber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NetworkProber").finish_non_exhaustive()
    }
}
