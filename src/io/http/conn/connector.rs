//! New connections: from an endpoint to a stream that speaks HTTP. Keeps no connection and sends no
//! request.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Waker};
use std::time::Instant;

use tokio::io::{AsyncRead as _, ReadBuf};
use tokio::net::TcpStream;

use scenario_log::event::FetchErrorKind;

use super::connection::{Http1Conn, Http2Conn, HttpConn};
use super::endpoint::{ConnRoute, Endpoint};
use super::proxy;
use super::socket::{ShortageNotes, SocketShortage};
use super::stream::{ConnStream, CountedStream};
use super::tcp::{self, DnsResolver};
use super::tls::{HttpVersions, TlsConfigs};
use super::unix;
use crate::io::http::error::FetchError;
use crate::io::http::timing::{AttemptPhase, AttemptProgress};

/// Opens the connections of a run.
pub(crate) struct HttpConnector {
    folder: PathBuf,
    resolver: DnsResolver,
    tls: TlsConfigs,
    shortages: Rc<ShortageNotes>,
}

impl HttpConnector {
    /// Files and sockets are relative to `folder`.
    pub(crate) fn new(folder: PathBuf) -> HttpConnector {
        let tls = TlsConfigs::new(folder.clone());
        HttpConnector { folder, resolver: DnsResolver::new(), tls, shortages: Rc::default() }
    }

    /// A shortage of sockets that was not told yet.
    pub(crate) fn take_untold_shortage(&self) -> Option<SocketShortage> {
        self.shortages.take_untold()
    }

    /// A new connection that speaks HTTP.
    pub(crate) async fn open(
        &self,
        endpoint: &Endpoint,
        progress: &AttemptProgress,
    ) -> Result<HttpConn, FetchError> {
        self.connect(endpoint, progress).await?.start_http().await
    }

    /// A new connection before its first byte of HTTP.
    pub(crate) async fn connect(
        &self,
        endpoint: &Endpoint,
        progress: &AttemptProgress,
    ) -> Result<RawConn, FetchError> {
        let mut is_http2 = endpoint.versions == HttpVersions::Http2Only;
        if let ConnRoute::Socket(path) = &endpoint.route {
            let unix = unix::connect_unix(&self.folder, path, progress).await?;
            progress.count_opened();
            let peer = Rc::from(format!("the socket {}", path.display()));
            return Ok(RawConn { stream: ConnStream::Unix(unix), is_http2, peer });
        }
        let (tcp, peer) = self.dial_route(endpoint, progress).await?;
        let stream = if endpoint.is_tls {
            let wanted = (&endpoint.trust, endpoint.versions);
            let name = endpoint.server_name.as_ref().unwrap_or(&endpoint.host);
            // Boxed, as the tunnel below, so that a connection without it is opened by a small future.
            let tls = Box::pin(self.tls.handshake(tcp, name, wanted, progress)).await?;
            if endpoint.versions == HttpVersions::Negotiated {
                is_http2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
            }
            ConnStream::Tls { stream: Box::new(tls), allows_unclean_close: endpoint.allows_unclean_close }
        } else {
            ConnStream::Plain(tcp)
        };
        Ok(RawConn { stream, is_http2, peer: Rc::from(peer.to_string()) })
    }

    /// A new TCP connection to an endpoint, or to its proxy. For an endpoint with TLS the proxy makes a
    /// tunnel, so that the handshake is with the endpoint itself.
    async fn dial_route(
        &self,
        endpoint: &Endpoint,
        progress: &AttemptProgress,
    ) -> Result<(TcpStream, SocketAddr), FetchError> {
        let Endpoint { host, port, .. } = endpoint;
        let proxy = match &endpoint.route {
            ConnRoute::Proxy(proxy) => proxy,
            ConnRoute::InvalidProxy => {
                return Err(FetchError::permanent(
                    FetchErrorKind::Connect,
                    "`proxy` is not the URL of a proxy",
                ));
            }
            ConnRoute::Direct | ConnRoute::Socket(_) => {
                let (host, port) = endpoint.dialed.as_ref().map_or((host, port), |(host, port)| (host, port));
                return self.dial(host, *port, progress).await;
            }
        };
        let (tcp, peer) =
            self.dial(&proxy.host, proxy.port, progress).await.map_err(proxy::unreachable_error)?;
        if !endpoint.is_tls {
            return Ok((tcp, peer));
        }
        progress.enter(AttemptPhase::Connecting(format!("{host}:{port} by the proxy {peer}")));
        let started = Instant::now();
        let tunnel = Box::pin(proxy.tunnel(tcp, host, *port)).await;
        progress.add_time(|timings| &mut timings.connect, started.elapsed());
        Ok((tunnel?, peer))
    }

    /// A new TCP connection, and the address of its other end.
    pub(crate) async fn dial(
        &self,
        host: &str,
        port: u16,
        progress: &AttemptProgress,
    ) -> Result<(TcpStream, SocketAddr), FetchError> {
        let addresses = self.resolver.resolve(host, progress).await?;
        let connected = tcp::connect_tcp(&addresses, port, &self.shortages, progress).await?;
        progress.count_opened();
        Ok(connected)
    }
}

/// A connection between two requests, or before its first byte of HTTP.
#[derive(Debug)]
pub(crate) struct RawConn {
    pub(crate) stream: ConnStream,
    /// The server wants HTTP/2.
    pub(crate) is_http2: bool,
    /// The other end, for messages.
    pub(crate) peer: Rc<str>,
}

impl RawConn {
    /// Whether a request may be sent: nothing has arrived, and the server has not closed the connection.
    pub(crate) fn is_open(&mut self) -> bool {
        let mut byte = [0];
        let mut no_waker = Context::from_waker(Waker::noop());
        Pin::new(&mut self.stream).poll_read(&mut no_waker, &mut ReadBuf::new(&mut byte)).is_pending()
    }

    /// Starts HTTP, in the version that was agreed on.
    pub(crate) async fn start_http(self) -> Result<HttpConn, FetchError> {
        let (stream, peer) = (CountedStream::new(self.stream), self.peer);
        Ok(match self.is_http2 {
            true => HttpConn::Http2(Http2Conn::new(stream, peer).await?),
            false => HttpConn::Http1(Http1Conn::new(stream, peer).await?),
        })
    }
}
