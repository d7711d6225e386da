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

use scenario_core::scenario::model::{FetchJob, Http2, Pace};
use scenario_log::event::FetchFault;

use super::proxy::Proxy;
use super::tls::{Speaks, Tls, Trust};
use crate::io::http::conn::connection::{Link, One, Two};
use crate::io::http::conn::route;
use crate::io::http::conn::route::Way;
use crate::io::http::conn::stream::{Stream, Wire};
use crate::io::http::conn::tcp;
use crate::io::http::conn::tcp::Names;
use crate::io::http::error::Fault;
use crate::io::http::timing::{Phase, Progress};

/// How long a connection is kept idle: less than the 5 s after which common servers close it
/// themselves, so that a request seldom meets one that is being closed.
pub(crate) const IDLE: Duration = Duration::from_secs(4);

/// How many idle connections an endpoint keeps.
const KEPT: usize = 256;

/// How many requests share a connection of HTTP/2 before there is another: what a server should let at
/// least (RFC 9113, section 6.5.2), so that none waits unseen for its turn.
const STREAMS: usize = 100;

/// What makes two requests able to use one connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Endpoint {
    way: Way,
    secure: bool,
    host: String,
    port: u16,
    speaks: Speaks,
    trust: Trust,
    /// No connection is shared, of whatever version.
    unshared: bool,
}

impl Endpoint {
    /// The proxy that is asked for the URLs of this endpoint, if there is one.
    pub(crate) fn forwarder(&self) -> Option<&Proxy> {
        self.way.forwarder(self.secure)
    }

    /// Where a request of `job` to `url` goes.
    pub(crate) fn new(url: &Url, job: &FetchJob) -> Endpoint {
        let secure = url.scheme() == "https";
        let speaks = match job.http2 {
            Http2::Never => Speaks::One,
            // A proxy is spoken to in HTTP/1.1.
            _ if job.proxy.is_some() && !secure => Speaks::One,
            Http2::Always => Speaks::Two,
            Http2::Auto if secure => Speaks::Either,
            Http2::Auto => Speaks::One,
        };
        let client = job.client.clone();
        let trust = match secure {
            true if job.insecure => Trust { ca: None, insecure: true, client },
            true => Trust { ca: job.ca.clone(), insecure: false, client },
            false => Trust::default(),
        };
        let host = url.host_str().unwrap_or_default().to_owned();
        Endpoint {
            way: Way::to(url, job),
            secure,
            host,
            port: url.port_or_known_default().unwrap_or_default(),
            speaks,
            trust,
            unshared: speaks != Speaks::One && is_closed_loop(job),
        }
    }

    /// Whether a connection to it is for one request at a time.
    pub(crate) fn keeps(&self, link: &Link) -> bool {
        self.unshared || !link.is_http2()
    }
}

/// Whether a fetch has so many connections, as it says.
fn is_closed_loop(job: &FetchJob) -> bool {
    job.load.as_ref().is_some_and(|load| matches!(load.pace, Pace::Closed { .. }))
}

impl Endpoint {
    /// Whether a connection to it speaks HTTP/1.1 with the server itself: surely, or perhaps.
    pub(crate) fn may_be_bare(&self) -> Option<bool> {
        match self.speaks {
            _ if self.forwarder().is_some() => None,
            Speaks::One => Some(true),
            // Without sharing it does no harm to find out on the first connections.
            Speaks::Either => Some(self.unshared),
            Speaks::Two => None,
        }
    }
}

/// The connections to one endpoint.
#[derive(Default)]
struct Lane {
    /// Unused ones, the last used last.
    idle: RefCell<Vec<(Link, Instant)>>,
    /// Those that are shared. Locked while one is made, so that there are no more than needed.
    shared: Mutex<Vec<Two>>,
    /// The endpoint has chosen HTTP/1.1 where it could choose.
    only_one: Cell<bool>,
}

/// By endpoint; only ever looked up, so its order cannot show.
type Lanes = RefCell<HashMap<Endpoint, Rc<Lane>>>;

/// The connections of a run.
pub(crate) struct Pool {
    folder: PathBuf,
    names: Names,
    tls: Tls,
    lanes: Rc<Lanes>,
    sweeping: Rc<Cell<bool>>,
}

/// A connection for a request.
#[derive(Debug)]
pub(crate) struct Lease {
    /// The connection.
    pub(crate) link: Link,
    /// It has been used before, and may have gone since.
    pub(crate) reused: bool,
}

impl Pool {
    /// No connections; files and sockets are relative to `folder`.
    pub(crate) fn new(folder: PathBuf) -> Pool {
        let tls = Tls::new(folder.clone());
        Pool { folder, names: Names::new(), tls, lanes: Rc::default(), sweeping: Rc::default() }
    }

    /// A connection to `endpoint`: a shared one, or, unless it must be `fresh`, an idle one; else a
    /// new one.
    pub(crate) async fn lease(
        &self,
        endpoint: &Endpoint,
        fresh: bool,
        progress: &Progress,
    ) -> Result<Lease, Fault> {
        let lane = self.lane(endpoint);
        if !fresh && let Some(link) = lane.take_idle().await {
            return Ok(Lease { link, reused: true });
        }
        if endpoint.speaks != Speaks::One && !endpoint.unshared && !lane.only_one.get() {
            return self.share(endpoint, &lane, progress).await;
        }
        let link = self.open(endpoint, progress).await?;
        Ok(Lease { link, reused: false })
    }

    /// The connections to an endpoint.
    fn lane(&self, endpoint: &Endpoint) -> Rc<Lane> {
        let mut lanes = self.lanes.borrow_mut();
        match lanes.get(endpoint) {
            Some(lane) => Rc::clone(lane),
            None => Rc::clone(lanes.entry(endpoint.clone()).or_default()),
        }
    }

    /// A connection that is shared, made by the first that wants it; a connection of one's own if the
    /// endpoint turns out to speak HTTP/1.1.
    async fn share(&self, endpoint: &Endpoint, lane: &Lane, progress: &Progress) -> Result<Lease, Fault> {
        let mut shared = lane.shared.lock().await;
        shared.retain(|two| !two.is_closed());
        if let Some(two) = shared.iter().find(|two| two.sharers() < STREAMS) {
            return Ok(Lease { link: Link::Two(two.clone()), reused: true });
        }
        if lane.only_one.get() {
            drop(shared);
            let link = self.open(endpoint, progress).await?;
            return Ok(Lease { link, reused: false });
        }
        let link = self.open(endpoint, progress).await?;
        match &link {
            Link::Two(two) => shared.push(two.clone()),
            Link::One(_) => lane.only_one.set(true),
        }
        Ok(Lease { link, reused: false })
    }

    /// A new TCP connection, with its other end.
    pub(crate) async fn dial(
        &self,
        host: &str,
        port: u16,
        progress: &Progress,
    ) -> Result<(TcpStream, SocketAddr), Fault> {
        let addresses = self.names.resolve(host, progress).await?;
        tcp::connect(&addresses, port, progress).await
    }

    /// A new TCP connection to an endpoint or to the proxy that speaks for it, through which TLS is spoken
    /// with the endpoint itself.
    async fn reach(
        &self,
        endpoint: &Endpoint,
        progress: &Progress,
    ) -> Result<(TcpStream, SocketAddr), Fault> {
        let Endpoint { host, port, .. } = endpoint;
        let proxy = match &endpoint.way {
            Way::Proxy(proxy) => proxy,
            Way::Closed => return Err(Fault::lasting(FetchFault::Connect, "`proxy` is no proxy's URL")),
            Way::Direct | Way::Socket(_) => return self.dial(host, *port, progress).await,
        };
        let (tcp, peer) = self.dial(&proxy.host, proxy.port, progress).await.map_err(Proxy::unreached)?;
        if !endpoint.secure {
            return Ok((tcp, peer));
        }
        progress.enter(Phase::Connecting(format!("{host}:{port} by the proxy {peer}")));
        let started = Instant::now();
        let tunnel = proxy.tunnel(tcp, host, *port).await;
        progress.took(|timings| &mut timings.connect, started.elapsed());
        Ok((tunnel?, peer))
    }

    /// A new connection.
    pub(crate) async fn open(&self, endpoint: &Endpoint, progress: &Progress) -> Result<Link, Fault> {
        self.connect(endpoint, progress).await?.speak().await
    }

    /// A new connection on which nothing has been said yet.
    pub(crate) async fn connect(&self, endpoint: &Endpoint, progress: &Progress) -> Result<Line, Fault> {
        let mut http2 = endpoint.speaks == Speaks::Two;
        if let Way::Socket(path) = &endpoint.way {
            let unix = route::connect(&self.folder, path, progress).await?;
            let peer = Rc::from(format!("the socket {}", path.display()));
            return Ok(Line { stream: Stream::Unix(unix), http2, peer });
        }
        let (tcp, peer) = self.reach(endpoint, progress).await?;
        let stream = if endpoint.secure {
            let wanted = (&endpoint.trust, endpoint.speaks);
            let tls = self.tls.handshake(tcp, &endpoint.host, wanted, progress).await?;
            if endpoint.speaks == Speaks::Either {
                http2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
            }
            Stream::Tls(Box::new(tls))
        } else {
            Stream::Plain(tcp)
        };
        Ok(Line { stream, http2, peer: Rc::from(peer.to_string()) })
    }

    /// Takes a connection back whose answer has been read to its end.
    pub(crate) fn give_back(&self, endpoint: &Endpoint, lease: Lease) {
        let link = lease.link;
        if !endpoint.keeps(&link) || link.is_closed() {
            return;
        }
        let lanes = self.lanes.borrow();
        let Some(lane) = lanes.get(endpoint) else { return };
        let mut idle = lane.idle.borrow_mut();
        if idle.len() < KEPT {
            link.rest();
            idle.push((link, Instant::now()));
            self.sweep();
        }
    }

    /// Sees to it that idle connections are closed in time.
    fn sweep(&self) {
        if self.sweeping.replace(true) {
            return;
        }
        let (lanes, sweeping) = (Rc::clone(&self.lanes), Rc::clone(&self.sweeping));
        tokio::task::spawn_local(async move {
            loop {
                tokio::time::sleep(IDLE / 4).await;
                let mut left = 0;
                for lane in lanes.borrow().values() {
                    let mut idle = lane.idle.borrow_mut();
                    idle.retain(|(link, since)| !link.is_closed() && since.elapsed() < IDLE);
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
pub(crate) struct Line {
    /// Its bytes.
    pub(crate) stream: Stream,
    /// The server wants HTTP/2.
    pub(crate) http2: bool,
    /// The words for its other end.
    pub(crate) peer: Rc<str>,
}

impl Line {
    /// Speaks HTTP on it, of the version that it is for.
    pub(crate) async fn speak(self) -> Result<Link, Fault> {
        let (wire, peer) = (Wire::new(self.stream), self.peer);
        Ok(match self.http2 {
            true => Link::Two(Two::new(wire, peer).await?),
            false => Link::One(One::new(wire, peer).await?),
        })
    }
}

impl Lane {
    /// The idle connection that was used last and is ready.
    async fn take_idle(&self) -> Option<Link> {
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
    fn take_ready(&self) -> Option<Link> {
        let mut idle = self.idle.borrow_mut();
        idle.retain(|(link, _)| !link.is_closed());
        let ready = idle.iter().rposition(|(link, _)| link.is_ready())?;
        Some(idle.remove(ready).0)
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("endpoints", &self.lanes.borrow().len()).finish_non_exhaustive()
    }
}
