//! The endpoint of a request: all that decides which connection the request can use. Opens none.

use std::path::PathBuf;

use url::Url;

use scenario_core::scenario::host_port::parse_host_port;
use scenario_core::scenario::model::{FetchJob, Http2Mode, LoadModel};
use scenario_core::scenario::unix_socket;

use super::connection::HttpConn;
use super::proxy::HttpProxy;
use super::tls::{HttpVersions, TlsTrust};
use crate::io::http::request::RequestForm;

/// How many requests share a connection of HTTP/2 before another one is opened. Servers should allow at
/// least this many (RFC 9113, section 6.5.2), so no request waits unseen for its turn.
const MAX_STREAMS_PER_CONN: usize = 100;

/// Two requests with equal endpoints can use the same connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Endpoint {
    pub(super) route: ConnRoute,
    pub(super) is_tls: bool,
    pub(super) host: String,
    pub(super) port: u16,
    /// Where connections go instead of to the host and the port.
    pub(super) dialed: Option<(String, u16)>,
    /// The name of the server in TLS, if it is not the host.
    pub(super) server_name: Option<String>,
    pub(super) versions: HttpVersions,
    pub(super) trust: TlsTrust,
    /// TLS may end without a goodbye.
    pub(super) allows_unclean_close: bool,
    /// Connections are kept after an answer.
    pub(super) keeps_conns: bool,
    /// No connection is shared, not even one of HTTP/2.
    pub(super) is_exclusive: bool,
    /// How many requests share a connection of HTTP/2.
    pub(super) max_streams: usize,
}

/// How the endpoint is reached.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum ConnRoute {
    /// By its name or address, and its port.
    Direct,
    /// By this Unix socket. A relative path starts at the scenario's folder.
    Socket(PathBuf),
    Proxy(HttpProxy),
    /// Not at all: the job's proxy is not the URL of one.
    InvalidProxy,
}

impl Endpoint {
    /// The endpoint of a request of `job` to `url`.
    pub(crate) fn new(url: &Url, job: &FetchJob) -> Endpoint {
        let is_tls = url.scheme() == "https";
        let versions = match job.http2 {
            Http2Mode::Never => HttpVersions::Http1Only,
            // A proxy that forwards requests gets them in HTTP/1.1.
            _ if job.proxy.is_some() && !is_tls => HttpVersions::Http1Only,
            Http2Mode::Always => HttpVersions::Http2Only,
            Http2Mode::Auto if is_tls => HttpVersions::Negotiated,
            Http2Mode::Auto => HttpVersions::Http1Only,
        };
        let client_cert = job.client_cert.clone();
        let trust = match is_tls {
            true if job.insecure => TlsTrust { ca: None, insecure: true, client_cert },
            true => TlsTrust { ca: job.ca.clone(), insecure: false, client_cert },
            false => TlsTrust::default(),
        };
        let host = url.host_str().unwrap_or_default().to_owned();
        let port = url.port_or_known_default().unwrap_or_default();
        let shares_conns = job.keep_alive && (job.streams > 1 || !is_closed_loop(job));
        Endpoint {
            route: ConnRoute::for_job(url, job),
            is_tls,
            dialed: dialed_address(&host, port, job),
            server_name: job.server_name.clone().filter(|_| is_tls && is_host_of(&host, job)),
            host,
            port,
            versions,
            trust,
            allows_unclean_close: is_tls && job.allow_unclean_close,
            keeps_conns: job.keep_alive,
            is_exclusive: versions != HttpVersions::Http1Only && !shares_conns,
            max_streams: if is_closed_loop(job) { job.streams as usize } else { MAX_STREAMS_PER_CONN },
        }
    }

    /// The proxy that forwards requests to this endpoint, if there is one. Requests over TLS are not
    /// forwarded: they go through a tunnel.
    fn forward_proxy(&self) -> Option<&HttpProxy> {
        match &self.route {
            ConnRoute::Proxy(proxy) if !self.is_tls => Some(proxy),
            _ => None,
        }
    }

    /// The form of a request in HTTP/1.1 to this endpoint.
    pub(crate) fn http1_form(&self) -> RequestForm<'_> {
        match self.forward_proxy() {
            Some(proxy) => RequestForm::Http1Proxy(proxy.authorization.as_ref()),
            None => RequestForm::Http1Origin,
        }
    }

    /// The form of a request on this connection to the endpoint.
    pub(crate) fn request_form(&self, conn: &HttpConn) -> RequestForm<'_> {
        if conn.is_http2() { RequestForm::Http2Origin } else { self.http1_form() }
    }

    /// Whether a connection to it carries one request at a time.
    pub(crate) fn is_conn_exclusive(&self, conn: &HttpConn) -> bool {
        self.is_exclusive || !conn.is_http2()
    }

    /// Whether a connection to it speaks HTTP/1.1 with the server itself: `Some(true)` if it always does,
    /// `Some(false)` if the first connections will show it.
    pub(crate) fn fast_path_support(&self) -> Option<bool> {
        match self.versions {
            _ if self.forward_proxy().is_some() => None,
            HttpVersions::Http1Only => Some(true),
            // A first connection in HTTP/2 does no harm if connections are not shared.
            HttpVersions::Negotiated => Some(self.is_exclusive),
            HttpVersions::Http2Only => None,
        }
    }
}

/// Where a job wants connections to this host and port to go instead.
fn dialed_address(host: &str, port: u16, job: &FetchJob) -> Option<(String, u16)> {
    if job.resolve.is_empty() {
        return None;
    }
    let address = format!("{host}:{port}");
    let (_, to) = job.resolve.iter().find(|(from, _)| *from == address)?;
    parse_host_port(to).ok().map(|(host, port)| (host.to_owned(), port))
}

/// Whether a host is one of the job's own, and not one that a redirect leads to.
fn is_host_of(host: &str, job: &FetchJob) -> bool {
    let urls = job.urls.iter().filter_map(|url| Url::parse(url.reveal()).ok());
    urls.into_iter().any(|url| url.host_str() == Some(host))
}

/// Whether a job has a fixed number of connections.
fn is_closed_loop(job: &FetchJob) -> bool {
    job.load.as_ref().is_some_and(|load| matches!(load.model, LoadModel::Closed { .. }))
}

impl ConnRoute {
    fn for_job(url: &Url, job: &FetchJob) -> ConnRoute {
        match (unix_socket::socket_path(url), &job.proxy) {
            (Some(path), _) => ConnRoute::Socket(path),
            (None, None) => ConnRoute::Direct,
            // An invalid proxy must not turn into a direct connection.
            (None, Some(proxy)) => {
                HttpProxy::from_url(proxy.reveal()).map_or(ConnRoute::InvalidProxy, ConnRoute::Proxy)
            }
        }
    }
}
