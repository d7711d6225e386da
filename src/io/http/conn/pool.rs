//! The connections of a run: kept for the next request to the same endpoint, the last used first. One
//! of HTTP/2 is shared by up to [`STREAMS`] requests, except in a closed loop, which has as many
//! connections as it says. An idle one that is not shared is closed after [`IDLE`]. Opens, but never
//! sends.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::sync::Mutex;
use url::Url;

use scenario_core::scenario::model::{FetchJob, Http2Mode, LoadModel};
use scenario_log::event::FetchErrorKind;

use super::proxy::HttpProxy;
use super::tls::{HttpVersions, TlsConfigs, TlsTrust};
use crate::io::http::conn::connection::{Http1Conn, Http2Conn, HttpConn};
use crate::io::http::conn::route;
use crate::io::http::conn::route::ConnRoute;
use crate::io::http::conn::stream::{ConnStream, CountedStream};
use crate::io::http::conn::tcp;
use crate::io::http::conn::tcp::DnsResolver;
use crate::io::http::error::FetchError;
use crate::io::http::timing::{AttemptPhase, AttemptProgress};

/// How long a connection is kept idle: less than the 5 s after which common servers close it
/// themselves, so that a request seldom meets one that is being closed.
pub(crate) const IDLE_TIMEOUT: Duration = Duration::from_secs(4);

/// How many idle connections an endpoint keeps.
const MAX_IDLE_CONNS: usize = 256;

/// How many requests share a connection of HTTP/2 before there is another: what a server should let at
/// least (RFC 9113, section 6.5.2), so that none waits unseen for its turn.
const MAX_STREAMS_PER_CONN: usize = 100;

/// What makes two requests able to use one connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Endpoint {
    route: ConnRoute,
    secure: bool,
    host: String,
    port: u16,
    versions: HttpVersions,
    trust: TlsTrust,
    /// No connection is shared, of whatever version.
    is_exclusive: bool,
}

impl Endpoint {
    /// The proxy that is asked for the URLs of this endpoint, if there is one.
    pub(crate) fn forward_proxy(&self) -> Option<&HttpProxy> {
        self.route.forward_proxy(self.secure)
    }

    /// Where a request of `job` to `url` goes.
    pub(crate) fn new(url: &Url, job: &FetchJob) -> Endpoint {
        let secure = url.scheme() == "https";
        let speaks = match job.http2 {
            Http2Mode::Never => HttpVersions::Http1Only,
            // A proxy is spoken to in HTTP/1.1.
            _ if job.proxy.is_some() && !secure => HttpVersions::Http1Only,
            Http2Mode::Always => HttpVersions::Http2Only,
            Http2Mode::Auto if secure => HttpVersions::Negotiated,
            Http2Mode::Auto => HttpVersions::Http1Only,
        };
        let client = job.client_cert.clone();
        let trust = match secure {
            true if job.insecure => TlsTrust { ca: None, insecure: true, client_cert: client },
            true => TlsTrust { ca: job.ca.clone(), insecure: false, client_cert: client },
            false => TlsTrust::default(),
        };
        let host = url.host_str().unwrap_or_default().to_owned();
        Endpoint {
            route: ConnRoute::for_job(url, job),
            secure,
            host,
            port: url.port_or_known_default().unwrap_or_default(),
            versions: speaks,
            trust,
            is_exclusive: speaks != HttpVersions::Http1Only && is_closed_loop(job),
        }
    }

    /// Whether a connection to it is for one request at a time.
    pub(crate) fn is_conn_exclusive(&self, link: &HttpConn) -> bool {
        self.is_exclusive || !link.is_http2()
    }
}

/// Whether a fetch has so many connections, as it says.
fn is_closed_loop(job: &FetchJob) -> bool {
    job.load.as_ref().is_some_and(|load| matches!(load.model, LoadModel::Closed { .. }))
}

impl Endpoint {
    /// Whether a connection to it speaks HTTP/1.1 with the server itself: surely, or perhaps.
    pub(crate) fn fast_path_support(&self) -> Option<bool> {
        match self.versions {
            _ if self.forward_proxy().is_some() => None,
            HttpVersions::Http1Only => Some(true),
            // Without sharing it does no harm to find out on the first connections.
            HttpVersions::Negotiated => Some(self.is_exclusive),
            HttpVersions::Http2Only => None,
        }
    }
}

/// The connections to one endpoint.
#[derive(Default)]
struct EndpointConns {
    /// Unused ones, the last used last.
    idle: RefCell<Vec<(HttpConn, Instant)>>,
    /// Those that are shared. Locked while one is made, so that there are no more than needed.
    shared: Mutex<Vec<Http2Conn>>,
    /// The endpoint has chosen HTTP/1.1 where it could choose.
    is_http1_only: Cell<bool>,
}

/// By endpoint; only ever looked up, so its order cannot show.
type ConnsByEndpoint = RefCell<HashMap<Endpoint, Rc<EndpointConns>>>;

/// The connections of a run.
pub(crate) struct ConnPool {
    folder: PathBuf,
    resolver: DnsResolver,
    tls: TlsConfigs,
    conns: Rc<ConnsByEndpoint>,
    has_sweeper: Rc<Cell<bool>>,
}

/// A connection for a request.
#[derive(Debug)]
pub(crate) struct LeasedConn {
    /// The connection.
    pub(crate) conn: HttpConn,
    /// It has been used before, and may have gone since.
    pub(crate) reused: bool,
}

impl ConnPool {
    /// No connections; files and sockets are relative to `folder`.
    pub(crate) fn new(folder: PathBuf) -> ConnPool {
        let tls = TlsConfigs::new(folder.clone());
        ConnPool {
            folder,
            resolver: DnsResolver::new(),
            tls,
            conns: Rc::default(),
            has_sweeper: Rc::default(),
        }
    }

    /// A connection to `endpoint`: a shared one, or, unless it must be `fresh`, an idle one; else a
    /// new one.
    pub(crate) async fn lease(
        &self,
        endpoint: &Endpoint,
        fresh: bool,
        progress: &AttemptProgress,
    ) -> Result<LeasedConn, FetchError> {
        let lane = self.endpoint_conns(endpoint);
        if !fresh && let Some(link) = lane.take_idle().await {
            return Ok(LeasedConn { conn: link, reused: true });
        }
        if endpoint.versions != HttpVersions::Http1Only && !endpoint.is_exclusive && !lane.is_http1_only.get()
        {
            return self.lease_shared(endpoint, &lane, progress).await;
        }
        let link = self.open(endpoint, progress).await?;
        Ok(LeasedConn { conn: link, reused: false })
    }

    /// The connections to an endpoint.
    fn endpoint_conns(&self, endpoint: &Endpoint) -> Rc<EndpointConns> {
        let mut lanes = self.conns.borrow_mut();
        match lanes.get(endpoint) {
            Some(lane) => Rc::clone(lane),
            None => Rc::clone(lanes.entry(endpoint.clone()).or_default()),
        }
    }

    /// A connection that is shared, made by the first that wants it; a connection of one's own if the
    /// endpoint turns out to speak HTTP/1.1.
    async fn lease_shared(
        &self,
        endpoint: &Endpoint,
        lane: &EndpointConns,
        progress: &AttemptProgress,
    ) -> Result<LeasedConn, FetchError> {
        let mut shared = lane.shared.lock().await;
        shared.retain(|two| !two.is_closed());
        if let Some(two) = shared.iter().find(|two| two.sharer_count() < MAX_STREAMS_PER_CONN) {
            return Ok(LeasedConn { conn: HttpConn::Http2(two.clone()), reused: true });
        }
        if lane.is_http1_only.get() {
            drop(shared);
            let link = self.open(endpoint, progress).await?;
            return Ok(LeasedConn { conn: link, reused: false });
        }
        let link = self.open(endpoint, progress).await?;
        match &link {
            HttpConn::Http2(two) => shared.push(two.clone()),
            HttpConn::Http1(_) => lane.is_http1_only.set(true),
        }
        Ok(LeasedConn { conn: link, reused: false })
    }

    /// A new TCP connection, with its other end.
    pub(crate) async fn dial(
        &self,
        host: &str,
        port: u16,
        progress: &AttemptProgress,
    ) -> Result<(TcpStream, SocketAddr), FetchError> {
        let addresses = self.resolver.resolve(host, progress).await?;
        tcp::connect_tcp(&addresses, port, progress).await
    }

    /// A new TCP connection to an endpoint or to the proxy that speaks for it, through which TLS is spoken
    /// with the endpoint itself.
    async fn dial_route(
        &self,
        endpoint: &Endpoint,
        progress: &AttemptProgress,
    ) -> Result<(TcpStream, SocketAddr), FetchError> {
        let Endpoint { host, port, .. } = endpoint;
        let proxy = match &endpoint.route {
            ConnRoute::Proxy(proxy) => proxy,
            ConnRoute::InvalidProxy => {
                return Err(FetchError::permanent(FetchErrorKind::Connect, "`proxy` is no proxy's URL"));
            }
            ConnRoute::Direct | ConnRoute::Socket(_) => return self.dial(host, *port, progress).await,
        };
        let (tcp, peer) =
            self.dial(&proxy.host, proxy.port, progress).await.map_err(HttpProxy::unreachable_error)?;
        if !endpoint.secure {
            return Ok((tcp, peer));
        }
        progress.enter(AttemptPhase::Connecting(format!("{host}:{port} by the proxy {peer}")));
        let started = Instant::now();
        let tunnel = proxy.tunnel(tcp, host, *port).await;
        progress.add_time(|timings| &mut timings.connect, started.elapsed());
        Ok((tunnel?, peer))
    }

    /// A new connection.
    pub(crate) async fn open(
        &self,
        endpoint: &Endpoint,
        progress: &AttemptProgress,
    ) -> Result<HttpConn, FetchError> {
        self.connect(endpoint, progress).await?.start_http().await
    }

    /// A new connection on which nothing has been said yet.
    pub(crate) async fn connect(
        &self,
        endpoint: &Endpoint,
        progress: &AttemptProgress,
    ) -> Result<RawConn, FetchError> {
        let mut http2 = endpoint.versions == HttpVersions::Http2Only;
        if let ConnRoute::Socket(path) = &endpoint.route {
            let unix = route::connect_unix(&self.folder, path, progress).await?;
            let peer = Rc::from(format!("the socket {}", path.display()));
            return Ok(RawConn { stream: ConnStream::Unix(unix), is_http2: http2, peer });
        }
        let (tcp, peer) = self.dial_route(endpoint, progress).await?;
        let stream = if endpoint.secure {
            let wanted = (&endpoint.trust, endpoint.versions);
            let tls = self.tls.handshake(tcp, &endpoint.host, wanted, progress).await?;
            if endpoint.versions == HttpVersions::Negotiated {
                http2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
            }
            ConnStream::Tls(Box::new(tls))
        } else {
            ConnStream::Plain(tcp)
        };
        Ok(RawConn { stream, is_http2: http2, peer: Rc::from(peer.to_string()) })
    }

    /// Takes a connection back whose answer has been read to its end.
    pub(crate) fn release(&self, endpoint: &Endpoint, lease: LeasedConn) {
        let link = lease.conn;
        if !endpoint.is_conn_exclusive(&link) || link.is_closed() {
            return;
        }
        let lanes = self.conns.borrow();
        let Some(lane) = lanes.get(endpoint) else { return };
        let mut idle = lane.idle.borrow_mut();
        if idle.len() < MAX_IDLE_CONNS {
            link.finish_response();
            idle.push((link, Instant::now()));
            self.start_sweeper();
        }
    }

    /// Sees to it that idle connections are closed in time.
    fn start_sweeper(&self) {
        if self.has_sweeper.replace(true) {
            return;
        }
        let (lanes, sweeping) = (Rc::clone(&self.conns), Rc::clone(&self.has_sweeper));
        tokio::task::spawn_local(async move {
            loop {
                tokio::time::sleep(IDLE_TIMEOUT / 4).await;
                let mut left = 0;
                for lane in lanes.borrow().values() {
                    let mut idle = lane.idle.borrow_mut();
                    idle.retain(|(link, since)| !link.is_closed() && since.elapsed() < IDLE_TIMEOUT);
                    left += idle.len();
                }
                if left == 0 {
                    sweeping.set(false);
                    return;
                }
            }
        });
    }
}

/// A connection on which nothing has been said yet.
pub(crate) struct RawConn {
    /// Its bytes.
    pub(crate) stream: ConnStream,
    /// The server wants HTTP/2.
    pub(crate) is_http2: bool,
    /// The words for its other end.
    pub(crate) peer: Rc<str>,
}

impl RawConn {
    /// Speaks HTTP on it, of the version that it is for.
    pub(crate) async fn start_http(self) -> Result<HttpConn, FetchError> {
        let (wire, peer) = (CountedStream::new(self.stream), self.peer);
        Ok(match self.is_http2 {
            true => HttpConn::Http2(Http2Conn::new(wire, peer).await?),
            false => HttpConn::Http1(Http1Conn::new(wire, peer).await?),
        })
    }
}

impl EndpointConns {
    /// The idle connection that was used last and is ready.
    async fn take_idle(&self) -> Option<HttpConn> {
        if self.idle.borrow().is_empty() {
            return None;
        }
        if let Some(link) = self.take_ready() {
            return Some(link);
        }
        // The task of a connection that has just been given back may not have had its turn yet.
        tokio::task::yield_now().await;
        self.take_ready()
    }

    /// The last that is ready; drops those that are closed.
    fn take_ready(&self) -> Option<HttpConn> {
        let mut idle = self.idle.borrow_mut();
        idle.retain(|(link, _)| !link.is_closed());
        let ready = idle.iter().rposition(|(link, _)| link.is_ready())?;
        Some(idle.remove(ready).0)
    }
}

impl fmt::Debug for ConnPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("endpoints", &self.conns.borrow().len()).finish_non_exhaustive()
    }
}
