//! From a host name to its addresses, and from addresses to a TCP connection. Knows neither TLS nor HTTP.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::sync::{OnceCell, Semaphore};
use tokio::task::JoinSet;
use url::Host;

use scenario_log::event::FetchErrorKind;

use super::socket::{self, ShortageNotes};
use crate::io::http::blocking::run_blocking;
use crate::io::http::error::FetchError;
use crate::io::http::timing::{AttemptPhase, AttemptProgress};

/// The head start of each address before the next one is tried as well (RFC 8305).
const HAPPY_EYEBALLS_DELAY: Duration = Duration::from_millis(250);

/// How many names are looked up at a time: each takes a thread.
const MAX_CONCURRENT_LOOKUPS: usize = 64;

/// The outcome of a lookup. The error is text because all requests that share the lookup get a copy.
type DnsLookup = Rc<OnceCell<Result<Vec<IpAddr>, String>>>;

/// The lookups in progress. Their results are not kept: the system does that.
#[derive(Debug)]
pub(super) struct DnsResolver {
    lookups: RefCell<HashMap<String, DnsLookup>>,
    thread_permits: Semaphore,
}

impl DnsResolver {
    pub(super) fn new() -> DnsResolver {
        DnsResolver { lookups: RefCell::default(), thread_permits: Semaphore::new(MAX_CONCURRENT_LOOKUPS) }
    }

    /// The addresses of a host, in the system's order; requests for the same name at the same time
    /// share one lookup.
    pub(super) async fn resolve(
        &self,
        host: &str,
        progress: &AttemptProgress,
    ) -> Result<Vec<IpAddr>, FetchError> {
        let name = match Host::parse(host) {
            Ok(Host::Ipv4(ip)) => return Ok(vec![ip.into()]),
            Ok(Host::Ipv6(ip)) => return Ok(vec![ip.into()]),
            Ok(Host::Domain(name)) => name,
            Err(error) => return Err(FetchError::permanent(FetchErrorKind::Dns, format!("{host}: {error}"))),
        };
        progress.enter(AttemptPhase::Resolving(name.clone()));
        let started = Instant::now();
        let lookup = Rc::clone(self.lookups.borrow_mut().entry(name.clone()).or_default());
        let found = lookup.get_or_init(|| self.look_up_in_turn(&name)).await;
        self.lookups.borrow_mut().remove(&name);
        progress.add_time(|timings| &mut timings.dns, started.elapsed());
        found.clone().map_err(|error| {
            FetchError::transient(FetchErrorKind::Dns, format!("the name {name} was not resolved: {error}"))
        })
    }

    /// Asks the system as soon as there is a thread for it.
    async fn look_up_in_turn(&self, name: &str) -> Result<Vec<IpAddr>, String> {
        // The semaphore is never closed, so this cannot fail.
        let _permit = self.thread_permits.acquire().await;
        look_up_host(name).await.map_err(|error| error.to_string())
    }
}

/// The addresses of a name, each once, in the system's order.
async fn look_up_host(name: &str) -> io::Result<Vec<IpAddr>> {
    let query = (name.to_owned(), 0);
    let found = run_blocking(move || query.to_socket_addrs()).await?;
    let mut addresses: Vec<IpAddr> = Vec::new();
    for address in found.map(|address| address.ip()) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    if addresses.is_empty() { Err(io::Error::other("it has no address")) } else { Ok(addresses) }
}

/// A connection to the first of the addresses that takes one. If the system has no socket for it now, it waits
/// until there is one: a request that fails at once would only be followed by the next one.
pub(super) async fn connect_tcp(
    addresses: &[IpAddr],
    port: u16,
    notes: &ShortageNotes,
    progress: &AttemptProgress,
) -> Result<(TcpStream, SocketAddr), FetchError> {
    let peers: Vec<SocketAddr> = addresses.iter().map(|ip| SocketAddr::new(*ip, port)).collect();
    let shown: Vec<String> = peers.iter().map(ToString::to_string).collect();
    progress.enter(AttemptPhase::Connecting(shown.join(", ")));
    let started = Instant::now();
    let connected = loop {
        let connected = match *peers {
            [peer] => socket::connect(peer).await.map(|tcp| (tcp, peer)).map_err(|error| vec![(peer, error)]),
            _ => race_connects(&peers).await,
        };
        let shortage = connected.as_ref().err().and_then(|refusals| socket::shortage_of(refusals));
        progress.set_shortage(shortage);
        let Some(shortage) = shortage else { break connected };
        notes.add(shortage);
        tokio::time::sleep(socket::SHORTAGE_PAUSE).await;
    };
    progress.add_time(|timings| &mut timings.connect, started.elapsed());
    let (tcp, peer) = connected.map_err(|refusals| {
        let refusals: Vec<String> = refusals.iter().map(|(peer, error)| format!("{peer}: {error}")).collect();
        FetchError::transient(FetchErrorKind::Connect, format!("no connection to {}", refusals.join("; ")))
    })?;
    // Without it a small request may wait for an acknowledgement. If it fails, nothing is lost.
    let _ = tcp.set_nodelay(true);
    Ok((tcp, peer))
}

/// Tries one address after the other: the next one when the one before it fails, or after its head start.
/// The first connection wins; the others are dropped.
async fn race_connects(
    peers: &[SocketAddr],
) -> Result<(TcpStream, SocketAddr), Vec<(SocketAddr, io::Error)>> {
    let mut connects = JoinSet::new();
    let mut refusals = Vec::new();
    let mut untried = peers.iter().copied();
    loop {
        let next = untried.next();
        if let Some(peer) = next {
            connects.spawn_local(async move { (peer, socket::connect(peer).await) });
        }
        let ended = match next {
            Some(_) => tokio::time::timeout(HAPPY_EYEBALLS_DELAY, connects.join_next()).await.ok(),
            None => Some(connects.join_next().await),
        };
        match ended {
            Some(Some(Ok((peer, Ok(tcp))))) => return Ok((tcp, peer)),
            Some(Some(Ok((peer, Err(error))))) => refusals.push((peer, error)),
            Some(Some(Err(_))) | None => {}
            Some(None) if next.is_none() => return Err(refusals),
            Some(None) => {}
        }
    }
}
