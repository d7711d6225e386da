//! Accepts the connections of a link, and follows the orders of the engine.

use std::cell::RefCell;
use std::io;
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
    let accept = async {
        let mut count = 0;
        loop {
            let client = listener.accept(&state).await;
            count += 1;
            state.tell(count, None).await;
            let mut connections = connections.borrow_mut();
            connections.spawn_local(connection::serve(Rc::clone(&state), client, count));
            // Those that have ended are forgotten.
            while connections.try_join_next().is_some() {}
        }
    };
    tokio::select! {
        () = follow => {}
        () = accept => {}
    }
}

/// A listener that can refuse connections for a while.
#[derive(Debug)]
enum Listener {
    Tcp(TcpListener),
    /// `None` while it refuses.
    Unix(RefCell<Option<UnixListener>>, SocketFile),
}

impl Listener {
    fn new(bound: BoundListener) -> io::Result<Listener> {
        Ok(match bound {
            BoundListener::Tcp(listener) => Listener::Tcp(TcpListener::from_std(listener)?),
            BoundListener::Unix(listener, file) => {
                Listener::Unix(RefCell::new(Some(UnixListener::from_std(listener)?)), file)
            }
        })
    }

    /// The next connection. While the link refuses, there is none.
    async fn accept(&self, state: &LinkState) -> LinkStream {
        loop {
            if state.refuses() {
                self.refuse_until_changed(state).await;
                continue;
            }
            let accepted = tokio::select! {
                biased;
                () = state.changed.notified() => continue,
                accepted = self.accept_one() => accepted,
            };
            match accepted {
                Ok(stream) => return stream,
                // Whoever came has gone already.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(_) => tokio::time::sleep(SHORTAGE_PAUSE).await,
            }
        }
    }

    async fn accept_one(&self) -> io::Result<LinkStream> {
        match self {
            Listener::Tcp(listener) => listener.accept().await.map(|(tcp, _)| LinkStream::from_tcp(tcp)),
            Listener::Unix(listener, _) => {
                let accept = std::future::poll_fn(|cx| match &*listener.borrow() {
                    Some(listener) => listener.poll_accept(cx),
                    None => std::task::Poll::Ready(Err(io::Error::other("it does not listen"))),
                });
                accept.await.map(|(unix, _)| LinkStream::Unix(unix))
            }
        }
    }

    /// Refuses connections as a port does on which nobody listens, until the link changes so that it does not.
    async fn refuse_until_changed(&self, state: &LinkState) {
        match self {
            // Its port stays taken, and it listens again below (tcp(7), of a socket that listens).
            Listener::Tcp(listener) => drop(rustix::net::shutdown(listener, Shutdown::Read)),
            // The file without a listener refuses.
            Listener::Unix(listener, _) => *listener.borrow_mut() = None,
        }
        while state.refuses() {
            state.changed.notified().await;
        }
        while let Err(_shortage) = self.listen_again() {
            tokio::time::sleep(SHORTAGE_PAUSE).await;
        }
    }

    fn listen_again(&self) -> io::Result<()> {
        match self {
            Listener::Tcp(listener) => Ok(rustix::net::listen(listener, BACKLOG)?),
            Listener::Unix(listener, file) => {
                *listener.borrow_mut() = Some(UnixListener::from_std(file.listen()?)?);
                Ok(())
            }
        }
    }
}
