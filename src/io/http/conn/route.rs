//! The way to the other end of a request: over TCP, a Unix socket or a proxy. Knows no TLS and no HTTP.

use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use tokio::net::UnixStream;
use url::Url;

use scenario_core::scenario::model::FetchJob;
use scenario_core::scenario::socket;
use scenario_log::event::FetchFault;

use super::proxy::Proxy;
use crate::io::http::error::Fault;
use crate::io::http::timing::{Phase, Progress};

/// How the other end is reached.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Way {
    /// By its name or address, and its port.
    Direct,
    /// By this socket; of a relative path, in the scenario's folder.
    Socket(PathBuf),
    /// By this proxy.
    Proxy(Proxy),
    /// Not at all: the proxy is none.
    Closed,
}

impl Way {
    /// The way of a job to a URL.
    pub(crate) fn to(url: &Url, job: &FetchJob) -> Way {
        match (socket::path(url), &job.proxy) {
            (Some(path), _) => Way::Socket(path),
            (None, None) => Way::Direct,
            // What is no proxy after all is not passed by.
            (None, Some(proxy)) => Proxy::of(proxy.reveal()).map_or(Way::Closed, Way::Proxy),
        }
    }

    /// The proxy that is asked for URLs of itself, if there is one: those of TLS go through it.
    pub(crate) fn forwarder(&self, secure: bool) -> Option<&Proxy> {
        match self {
            Way::Proxy(proxy) if !secure => Some(proxy),
            _ => None,
        }
    }
}

/// A connection to a Unix socket.
pub(crate) async fn connect(folder: &Path, path: &Path, progress: &Progress) -> Result<UnixStream, Fault> {
    let shown = path.display();
    progress.enter(Phase::Connecting(format!("the socket {shown}")));
    let started = Instant::now();
    let path = folder.join(path);
    let connected = UnixStream::connect(&path).await;
    progress.took(|timings| &mut timings.connect, started.elapsed());
    connected.map_err(|error| {
        let words = format!("no connection to the socket {shown}: {}", why(&path, &error));
        Fault::passing(FetchFault::Connect, words)
    })
}

/// Why there is no connection. The system says of what is no socket only that it refuses.
fn why(path: &Path, error: &io::Error) -> String {
    let is_other = fs::metadata(path).is_ok_and(|found| !found.file_type().is_socket());
    match error.kind() {
        io::ErrorKind::ConnectionRefused if is_other => "it is no socket".to_owned(),
        io::ErrorKind::ConnectionRefused => "nobody listens on it (connection refused)".to_owned(),
        _ => error.to_string(),
    }
}
