//! The socket of a new TCP connection, and what it means if the system has none. Waits for nothing but the
//! connection.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd as _;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};
use tokio::net::{TcpSocket, TcpStream};

/// How many descriptors stay free for the programs of the run and for its files, if the limit is not small …
const RESERVED_FDS: u64 = 24;

/// … and the share of a small limit that stays free.
const RESERVED_SHARE: u64 = 4;

/// The pause before the system is asked again.
pub(super) const SHORTAGE_PAUSE: Duration = Duration::from_millis(10);

/// The system has no socket for a new connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SocketShortage {
    /// No local port is free for this address.
    Ports,
    /// The process may not open more files.
    Descriptors,
}

impl SocketShortage {
    /// The shortage that an error means.
    fn from_error(error: &io::Error) -> Option<SocketShortage> {
        match Errno::from_io_error(error)? {
            Errno::ADDRNOTAVAIL => Some(SocketShortage::Ports),
            Errno::MFILE | Errno::NFILE => Some(SocketShortage::Descriptors),
            _ => None,
        }
    }

    /// The missing resource, and the cure.
    pub(crate) fn advice(self) -> String {
        match self {
            SocketShortage::Ports => "no local port is free for a new connection: each one is in use, or was until a minute ago (TIME_WAIT). Connections that are kept need fewer ports, and so does a lower rate; `sysctl net.ipv4.ip_local_port_range=\"1024 65535\"` gives more".to_owned(),
            SocketShortage::Descriptors => {
                let limit = getrlimit(Resource::Nofile).current;
                let limit = limit.map_or_else(|| "the system's".to_owned(), |limit| limit.to_string());
                format!("no file descriptor is free for a new connection: the limit is {limit}. `ulimit -n 65536` before the run gives more; fewer connections need fewer")
            }
        }
    }
}

/// The shortages of a run, each of which is told once.
#[derive(Debug, Default)]
pub(crate) struct ShortageNotes {
    told: RefCell<Vec<SocketShortage>>,
    untold: Cell<Option<SocketShortage>>,
}

impl ShortageNotes {
    pub(super) fn add(&self, shortage: SocketShortage) {
        let mut told = self.told.borrow_mut();
        if !told.contains(&shortage) {
            told.push(shortage);
            self.untold.set(Some(shortage));
        }
    }

    /// A shortage that was not told yet.
    pub(crate) fn take_untold(&self) -> Option<SocketShortage> {
        self.untold.take()
    }
}

/// The shortage because of which no connection to one of these addresses was possible; `None` if waiting does
/// not help.
pub(super) fn shortage_of(refusals: &[(SocketAddr, io::Error)]) -> Option<SocketShortage> {
    refusals.iter().find_map(|(peer, error)| {
        SocketShortage::from_error(error).filter(|shortage| may_pass(*shortage, *peer))
    })
}

/// Connects to an address, if the system has a socket for that now.
pub(super) async fn connect(peer: SocketAddr) -> io::Result<TcpStream> {
    let socket = if peer.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Descriptors are numbered from the lowest free one.
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let reserved = RESERVED_FDS.min(limit / RESERVED_SHARE);
    if u64::try_from(socket.as_raw_fd()).is_ok_and(|number| number >= limit - reserved) {
        return Err(Errno::MFILE.into());
    }
    socket.connect(peer).await
}

/// Whether waiting can help. Without any address of its own for this one, the system reports a shortage of
/// ports, too.
fn may_pass(shortage: SocketShortage, peer: SocketAddr) -> bool {
    shortage == SocketShortage::Descriptors || has_route(peer)
}

/// Whether the system has an address of its own for connections to this one.
fn has_route(peer: SocketAddr) -> bool {
    let any: SocketAddr = match peer {
        SocketAddr::V4(_) => ([0, 0, 0, 0], 0).into(),
        SocketAddr::V6(_) => ([0_u16; 8], 0).into(),
    };
    // A socket of UDP sends nothing when it connects.
    std::net::UdpSocket::bind(any).and_then(|socket| socket.connect(peer)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_shortage_is_waited_for() {
        for (errno, shortage) in [
            (Errno::ADDRNOTAVAIL, Some(SocketShortage::Ports)),
            (Errno::MFILE, Some(SocketShortage::Descriptors)),
            (Errno::NFILE, Some(SocketShortage::Descriptors)),
            (Errno::CONNREFUSED, None),
        ] {
            assert_eq!(SocketShortage::from_error(&errno.into()), shortage);
        }
        assert!(has_route("127.0.0.1:1".parse().unwrap()));
    }
}
