//! The endpoint of a request: all that decides which connection the request can use. Opens none.

use std::path::PathBuf;

use url::Url;

use scenario_core::scenario::model::{FetchJob, Http2Mode, LoadModel};
use scenario_core::scenario::unix_socket;

use super::connection::HttpConn;
use super::proxy::HttpProxy;
use super::tls::{HttpVersions, TlsTrust};
use crate::io::http::request::RequestForm;

/// Two requests with equal endpoints can use the same connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Endpoint {
    pub(super) route: ConnRoute,
    pub(super) is_tls: bool,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) versions: HttpVersions,
    pub(super) trust: TlsTrust,
    /// TLS may end without a goodbye.
    pub(super) allows_unclean_close: bool,
    /// No connection is shared, not even one of HTTP/2.
    pub(super) is_exclusive: bool,
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
        Endpoint {
            route: ConnRoute::for_job(url, job),
            is_tls,
            host: url.host_str().unwrap_or_default().to_owned(),
            port: url.port_or_known_default().unwrap_or_default(),
            versions,
            trust,
            allows_unclean_close: is_tls && job.allow_unclean_close,
            is_exclusive: versions != HttpVersions::Http1Only && is_closed_loop(job),
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
