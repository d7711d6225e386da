//! Lets connections in, and ends them.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::sync::{Notify, Semaphore, mpsc, watch};
use tokio::task::JoinSet;

use crate::web::server::SHUTDOWN_GRACE;

/// How many connections there are at most, and which part of the descriptors they may take: the others
/// are the run's.
const MAX_CONNECTIONS: usize = 4_096;
const FD_DIVISOR: usize = 2;

/// How long a request may take to be written.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How much one connection keeps of what it has not written, or of a request, in bytes.
const MAX_BUFFER_LEN: usize = 16 << 10;

/// How long nobody is let in once the system has let nobody be.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(50);

/// Cuts the connection that a request came by.
#[derive(Clone, Debug, Default)]
pub(super) struct ConnectionCut(Arc<Notify>);

impl ConnectionCut {
    pub(super) fn close_connection(&self) {
        self.0.notify_one();
    }
}

/// Serves until the end, and then for the moment that what is under way may take.
pub(super) async fn accept_connections(
    listener: TcpListener,
    router: Router,
    mut ended: watch::Receiver<bool>,
    (attends, mut all_gone): (mpsc::Sender<()>, mpsc::Receiver<()>),
) {
    let listener = listener.set_nonblocking(true).and_then(|()| tokio::net::TcpListener::from_std(listener));
    let Ok(listener) = listener else { return };
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let room = limit
        .map_or(MAX_CONNECTIONS, |limit| usize::try_from(limit).unwrap_or(MAX_CONNECTIONS) / FD_DIVISOR)
        .clamp(1, MAX_CONNECTIONS);
    let room = Arc::new(Semaphore::new(room));
    let mut open = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            _ = ended.wait_for(|ended| *ended) => break,
            Some(_) = open.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
            continue;
        };
        // Who finds no room is sent away, and may come again.
        if let Ok(room) = Arc::clone(&room).try_acquire_owned() {
            let (router, ended) = (router.clone(), ended.clone());
            open.spawn(async move {
                serve_connection(stream, router, ended).await;
                drop(room);
            });
        }
    }
    drop(listener);
    drop(attends);
    let gone = async {
        while open.join_next().await.is_some() {}
        // Nothing is ever sent: it ends when the last that could has gone.
        let _: Option<()> = all_gone.recv().await;
    };
    let _ = tokio::time::timeout(SHUTDOWN_GRACE, gone).await;
}

/// Attends to one connection, until it ends or is cut.
async fn serve_connection(stream: TcpStream, router: Router, mut ended: watch::Receiver<bool>) {
    // What is written is to be there at once; without it, it comes a little later.
    let _ = stream.set_nodelay(true);
    let cut = ConnectionCut::default();
    let router = router.layer(axum::Extension(cut.clone()));
    let service = TowerToHyperService::new(router);
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(MAX_BUFFER_LEN);
    let connection = server.serve_connection(TokioIo::new(stream), service).with_upgrades();
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        biased;
        () = cut.0.notified() => return,
        _ = &mut connection => return,
        _ = ended.wait_for(|ended| *ended) => connection.as_mut().graceful_shutdown(),
    }
    let _: Result<(), hyper::Error> = connection.await;
}
