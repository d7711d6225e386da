//! Accepts the connections of a link, and follows the orders of the engine.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use rustix::net::Shutdown;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::io::link::address::{BoundListener, SocketFile};
use crate::io::link::connection;
use crate::io::link::state::{LinkOrder, LinkState};
use crate::io::link::stream::LinkStream;

/// The length of the queue of connections that the system has made and the link has not accepted.
const BACKLOG: i32 = 4096;

/// The wait before the next try when the system has nothing left for a connection.
const SHORTAGE_PAUSE: Duration = Duration::from_millis(50);

/// Serves a link until there are no orders any more.
pub(super) async fn serve(
    state: Rc<LinkState>,
    listener: BoundListener,
    mut orders: watch::Receiver<LinkOrder>,
) {
    let Ok(listener) = Listener::new(listener) else { return };
    let connections = RefCell::new(JoinSet::new());
    let follow = async {
        let mut resets = 0;
        while orders.changed().await.is_ok() {
            let LinkOrder { faults, resets: ordered } = orders.borrow_and_update().clone();
            state.set_faults(faults);
            if ordered != resets {
                resets = ordered;
                state.reset.notify_waiters();
            }
        }
    };
    let accept: Pin<Box<dyn Future<Output = Option<()>>>> = Box::pin(async {
        let mut listener = listener;
        let mut count = 0;
        loop {
            if state.refuses() {
                listener = listener.refuse_until_changed(&state).await?;
            }
            let accepted = tokio::select! {
                biased;
                () = state.changed.notified() => continue,
                accepted = listener.accept() => accepted,
            };
            let client = match accepted {
                Ok(client) => client,
                // Whoever came has gone already.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
                Err(_) => {
                    tokio::time::sleep(SHORTAGE_PAUSE).await;
                    continue;
                }
            };
            count += 1;
            state.tell(count, None).await;
            let mut connections = connections.borrow_mut();
            connections.spawn_local(connection::serve(Rc::clone(&state), client, count));
            // Those that have ended are forgotten.
            while connections.try_join_next().is_some() {}
        }
    });
    tokio::select! {
        () = follow => {}
        _none = accept => {}
    }
}

/// A listener that can refuse connections for a while. The runtime knows its socket only while it listens: to the
/// runtime, a socket that has refused is closed for ever.
#[derive(Debug)]
enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener, SocketFile),
}

impl Listener {
    fn new(bound: BoundListener) -> io::Result<Listener> {
        Ok(match bound {
            BoundListener::Tcp(listener) => Listener::Tcp(TcpListener::from_std(listener)?),
            BoundListener::Unix(listener, file) => Listener::Unix(UnixListener::from_std(listener)?, file),
        })
    }

    async fn accept(&self) -> io::Result<LinkStream> {
        match self {
            Listener::Tcp(listener) => listener.accept().await.map(|(tcp, _)| LinkStream::from_tcp(tcp)),
            Listener::Unix(listener, _) => listener.accept().await.map(|(unix, _)| LinkStream::Unix(unix)),
        }
    }

    /// Refuses connections as a port does on which nobody listens, until the link changes so that it does not.
    /// `None` if the runtime is at its end.
    async fn refuse_until_changed(self, state: &LinkState) -> Option<Listener> {
        let refusing = match self {
            Listener::Tcp(listener) => {
                let listener = listener.into_std().ok()?;
                // Its port stays taken, and it can listen again.
                let _ = rustix::net::shutdown(&listener, Shutdown::Read);
                RefusingListener::Tcp(listener)
            }
            // The file without a listener refuses.
            Listener::Unix(_, file) => RefusingListener::Unix(file),
        };
        while state.refuses() {
            state.changed.notified().await;
        }
        loop {
            match refusing.listen_again() {
                Ok(std) => return refusing.into_listener(std),
                Err(_shortage) => tokio::time::sleep(SHORTAGE_PAUSE).await,
            }
        }
    }
}

/// A listener that refuses.
#[derive(Debug)]
enum RefusingListener {
    Tcp(std::net::TcpListener),
    Unix(SocketFile),
}

impl RefusingListener {
    /// Listens again. A Unix socket is a new one.
    fn listen_again(&self) -> io::Result<Option<std::os::unix::net::UnixListener>> {
        match self {
            RefusingListener::Tcp(listener) => {
                rustix::net::listen(listener, BACKLOG)?;
                Ok(None)
            }
            RefusingListener::Unix(file) => file.listen().map(Some),
        }
    }

    fn into_listener(self, unix: Option<std::os::unix::net::UnixListener>) -> Option<Listener> {
        match (self, unix) {
            (RefusingListener::Tcp(listener), _) => TcpListener::from_std(listener).ok().map(Listener::Tcp),
            (RefusingListener::Unix(file), Some(unix)) => {
                UnixListener::from_std(unix).ok().map(|unix| Listener::Unix(unix, file))
            }
            (RefusingListener::Unix(_), None) => None,
        }
    }
}
