//! The connections of a run, kept for the next request to the same endpoint; the one used last comes
//! first. Requests share a connection of HTTP/2, as many as the endpoint and the server allow. An idle connection
//! that is not shared is closed after [`IDLE_TIMEOUT`]. Sends no request.
//!
//! A connection of HTTP/1.1 is kept by hyper, or *raw*: then a request can be written to it by hand, and hyper
//! starts on it only when a request needs that.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::connection::{Http2Conn, HttpConn};
use super::connector::{HttpConnector, RawConn};
use super::endpoint::Endpoint;
use super::tls::HttpVersions;
use crate::io::http::error::FetchError;
use crate::io::http::timing::{AttemptPhase, AttemptProgress};

/// How long an idle connection is kept. Common servers close theirs after 5 s; with less than that, a
/// request seldom meets a connection that is being closed.
pub(crate) const IDLE_TIMEOUT: Duration = Duration::from_secs(4);

/// How many idle connections an endpoint keeps.
const MAX_IDLE_CONNS: usize = 256;

/// How often a request that connects looks whether the system has no socket for it.
const SHORTAGE_POLL: Duration = Duration::from_millis(10);

/// The connections to one endpoint.
#[derive(Default)]
pub(crate) struct EndpointConns {
    /// Idle ones; the one used last is the last.
    idle: RefCell<Vec<(HttpConn, Instant)>>,
    /// Raw idle ones, in the same order.
    raw: RefCell<Vec<(RawConn, Instant)>>,
    /// Shared ones. Locked while one is opened, so that no more are opened than needed.
    shared: Mutex<Vec<Http2Conn>>,
    /// The endpoint could choose, and chose HTTP/1.1.
    is_http1_only: Cell<bool>,
}

/// Only ever looked up by endpoint, so its order cannot show.
type ConnsByEndpoint = RefCell<HashMap<Endpoint, Rc<EndpointConns>>>;

/// The connections of a run.
pub(crate) struct ConnPool {
    connector: HttpConnector,
    conns: Rc<ConnsByEndpoint>,
    has_sweeper: Rc<Cell<bool>>,
}

/// A connection for a request.
#[derive(Debug)]
pub(crate) struct LeasedConn {
    pub(crate) conn: HttpConn,
    /// An earlier request used it, and the server may have closed it since.
    pub(crate) reused: bool,
}

/// A connection for a request that is written by hand.
pub(crate) enum RawLease {
    /// It speaks HTTP/1.1. Whether an earlier request used it.
    Raw(RawConn, bool),
    /// A new one, on which the server wants HTTP/2.
    Http2(RawConn),
}

impl ConnPool {
    /// A pool without connections. Files and sockets are relative to `folder`.
    pub(crate) fn new(folder: PathBuf) -> ConnPool {
        ConnPool { connector: HttpConnector::new(folder), conns: Rc::default(), has_sweeper: Rc::default() }
    }

    /// Opens connections that the pool does not keep.
    pub(crate) fn connector(&self) -> &HttpConnector {
        &self.connector
    }

    /// A connection to `endpoint`: an idle one (unless `fresh`), a shared one, or a new one.
    pub(crate) async fn lease(
        &self,
        endpoint: &Endpoint,
        fresh: bool,
        progress: &AttemptProgress,
    ) -> Result<LeasedConn, FetchError> {
        let conns = self.endpoint_conns(endpoint);
        if !fresh {
            if let Some(conn) = conns.take_idle().await {
                return Ok(LeasedConn { conn, reused: true });
            }
            if let Some(raw) = conns.take_raw() {
                return Ok(LeasedConn { conn: raw.start_http().await?, reused: true });
            }
        }
        let can_share = endpoint.versions != HttpVersions::Http1Only && !endpoint.is_exclusive;
        if can_share && !conns.is_http1_only.get() {
            return self.lease_shared(endpoint, &conns, progress).await;
        }
        self.open_or_take_idle(endpoint, &conns, progress).await
    }

    /// A new connection or, if the system has no socket for it, the next one that becomes idle.
    async fn open_or_take_idle(
        &self,
        endpoint: &Endpoint,
        conns: &EndpointConns,
        progress: &AttemptProgress,
    ) -> Result<LeasedConn, FetchError> {
        let idle = async {
            loop {
                tokio::time::sleep(SHORTAGE_POLL).await;
                if progress.shortage().is_some() {
                    if let Some(conn) = conns.take_idle().await {
                        return Ok(conn);
                    }
                    if let Some(raw) = conns.take_raw() {
                        return raw.start_http().await;
                    }
                    self.close_idle();
                }
            }
        };
        tokio::select! {
            biased;
            conn = self.connector.open(endpoint, progress) => Ok(LeasedConn { conn: conn?, reused: false }),
            conn = idle => {
                progress.set_shortage(None);
                Ok(LeasedConn { conn: conn?, reused: true })
            }
        }
    }

    /// A new raw connection to `endpoint`, whose connections are `conns`, or, if the system has no socket for it,
    /// the next one that becomes idle.
    pub(crate) async fn open_raw_or_take_idle(
        &self,
        endpoint: &Endpoint,
        conns: &EndpointConns,
        progress: &AttemptProgress,
    ) -> Result<RawLease, FetchError> {
        let idle = async {
            loop {
                tokio::time::sleep(SHORTAGE_POLL).await;
                if progress.shortage().is_some() {
                    if let Some(raw) = conns.take_raw() {
                        return raw;
                    }
                    self.close_idle();
                }
            }
        };
        let new = tokio::select! {
            biased;
            new = self.connector.connect(endpoint, progress) => new?,
            raw = idle => {
                progress.set_shortage(None);
                return Ok(RawLease::Raw(raw, true));
            }
        };
        if new.is_http2 {
            conns.is_http1_only.set(false);
            return Ok(RawLease::Http2(new));
        }
        Ok(RawLease::Raw(new, false))
    }

    /// Takes back a raw connection whose answer has been read to its end.
    pub(crate) fn release_raw(&self, endpoint: &Endpoint, conns: &EndpointConns, raw: RawConn, now: Instant) {
        let mut kept = conns.raw.borrow_mut();
        if endpoint.keeps_conns && kept.len() < MAX_IDLE_CONNS {
            kept.push((raw, now));
            self.start_sweeper();
        }
    }

    /// Closes every idle connection, so that others can be opened.
    fn close_idle(&self) {
        for conns in self.conns.borrow().values() {
            conns.idle.borrow_mut().clear();
            conns.raw.borrow_mut().clear();
        }
    }

    /// The connections to an endpoint.
    pub(crate) fn endpoint_conns(&self, endpoint: &Endpoint) -> Rc<EndpointConns> {
        let mut all = self.conns.borrow_mut();
        match all.get(endpoint) {
            Some(conns) => Rc::clone(conns),
            None => Rc::clone(all.entry(endpoint.clone()).or_default()),
        }
    }

    /// A shared connection; the first request that wants one opens it. If the endpoint turns out to speak
    /// HTTP/1.1, each request gets a connection of its own.
    async fn lease_shared(
        &self,
        endpoint: &Endpoint,
        conns: &EndpointConns,
        progress: &AttemptProgress,
    ) -> Result<LeasedConn, FetchError> {
        progress.enter(AttemptPhase::Sharing);
        let mut shared = conns.shared.lock().await;
        // The lock keeps the others waiting in the meantime.
        for conn in shared.iter() {
            conn.wait_for_stream_limit().await;
        }
        shared.retain(|conn| !conn.is_closed());
        let has_room = |conn: &&Http2Conn| {
            let limit = conn.stream_limit().unwrap_or(1).min(endpoint.max_streams);
            conn.sharer_count() < limit
        };
        if let Some(conn) = shared.iter().find(has_room) {
            return Ok(LeasedConn { conn: HttpConn::Http2(conn.clone()), reused: true });
        }
        if conns.is_http1_only.get() {
            // Nothing will be shared: the others need not wait for this connection.
            drop(shared);
            return self.open_or_take_idle(endpoint, conns, progress).await;
        }
        let conn = self.connector.open(endpoint, progress).await?;
        match &conn {
            HttpConn::Http2(two) => shared.push(two.clone()),
            HttpConn::Http1(_) => conns.is_http1_only.set(true),
        }
        Ok(LeasedConn { conn, reused: false })
    }

    /// Takes back a connection whose answer has been read to its end.
    pub(crate) fn release(&self, endpoint: &Endpoint, lease: LeasedConn) {
        let conn = lease.conn;
        if !endpoint.is_conn_exclusive(&conn) || conn.is_closed() || !endpoint.keeps_conns {
            return;
        }
        let all = self.conns.borrow();
        let Some(conns) = all.get(endpoint) else { return };
        let mut idle = conns.idle.borrow_mut();
        if idle.len() < MAX_IDLE_CONNS {
            conn.finish_response();
            idle.push((conn, Instant::now()));
            self.start_sweeper();
        }
    }

    /// Starts the task that closes idle connections in time. It ends when none is left.
    fn start_sweeper(&self) {
        if self.has_sweeper.replace(true) {
            return;
        }
        let (all, has_sweeper) = (Rc::clone(&self.conns), Rc::clone(&self.has_sweeper));
        tokio::task::spawn_local(async move {
            loop {
                tokio::time::sleep(IDLE_TIMEOUT / 4).await;
                let mut left = 0;
                for conns in all.borrow().values() {
                    let mut idle = conns.idle.borrow_mut();
                    idle.retain(|(conn, since)| !conn.is_closed() && since.elapsed() < IDLE_TIMEOUT);
                    let mut raw = conns.raw.borrow_mut();
                    raw.retain(|(_, since)| since.elapsed() < IDLE_TIMEOUT);
                    left += idle.len() + raw.len();
                }
                if left == 0 {
                    has_sweeper.set(false);
                    return;
                }
            }
        });
    }
}

impl EndpointConns {
    /// Whether connections to the endpoint speak HTTP/1.1, as far as is known.
    pub(crate) fn speaks_http1(&self, endpoint: &Endpoint) -> bool {
        endpoint.versions == HttpVersions::Http1Only || self.is_http1_only.get()
    }

    /// The raw idle connection that was used last and is open. Drops those that are closed.
    pub(crate) fn take_raw(&self) -> Option<RawConn> {
        let mut kept = self.raw.borrow_mut();
        while let Some((mut raw, since)) = kept.pop() {
            if since.elapsed() < IDLE_TIMEOUT && raw.is_open() {
                return Some(raw);
            }
        }
        None
    }

    /// The idle connection that was used last and is ready.
    async fn take_idle(&self) -> Option<HttpConn> {
        if self.idle.borrow().is_empty() {
            return None;
        }
        if let Some(conn) = self.take_ready() {
            return Some(conn);
        }
        // The task of a connection that was just released may not have run yet.
        tokio::task::yield_now().await;
        self.take_ready()
    }

    /// The last one that is ready. Drops those that are closed.
    fn take_ready(&self) -> Option<HttpConn> {
        let mut idle = self.idle.borrow_mut();
        idle.retain(|(conn, _)| !conn.is_closed());
        let ready = idle.iter().rposition(|(conn, _)| conn.is_ready())?;
        Some(idle.remove(ready).0)
    }
}
