//! Accepts connections, and ends them.

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

/// The most connections, and the part of the descriptors that they may take: the others are for the
/// run.
const MAX_CONNECTIONS: usize = 4_096;
const FD_DIVISOR: usize = 2;

/// How long a client may take to write the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How much one connection buffers of its answers or of a request, in bytes.
const MAX_BUFFER_LEN: usize = 16 << 10;

/// How long no connection is accepted after the system has refused one.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(50);

/// Cuts the connection of a request.
#[derive(Clone, Debug, Default)]
pub(super) struct ConnectionCut(Arc<Notify>);

impl ConnectionCut {
    pub(super) fn close_connection(&self) {
        self.0.notify_one();
    }
}

/// Serves until the end, and then for the moment that open requests may take.
pub(super) async fn accept_connections(
    listener: TcpListener,
    router: Router,
    mut ended: watch::Receiver<bool>,
    (open_connections, mut all_closed): (mpsc::Sender<()>, mpsc::Receiver<()>),
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
        // A client that finds no room is sent away, and may come again.
        if let Ok(room) = Arc::clone(&room).try_acquire_owned() {
            let (router, ended) = (router.clone(), ended.clone());
            open.spawn(async move {
                serve_connection(stream, router, ended).await;
                drop(room);
            });
        }
    }
    drop(listener);
    drop(open_connections);
    let gone = async {
        while open.join_next().await.is_some() {}
        // Nothing is ever sent: this ends when the last sender is dropped.
        let _: Option<()> = all_closed.recv().await;
    };
    let _ = tokio::time::timeout(SHUTDOWN_GRACE, gone).await;
}

/// Serves one connection, until it ends or is cut.
async fn serve_connection(stream: TcpStream, router: Router, mut ended: watch::Receiver<bool>) {
    // Answers should arrive at once; without this they come a little later.
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
