//! The way to the other end of a request: over TCP, a Unix socket or a proxy. Knows no TLS and no HTTP.

use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use tokio::net::UnixStream;
use url::Url;

use scenario_core::scenario::model::FetchJob;
use scenario_core::scenario::unix_socket;
use scenario_log::event::FetchErrorKind;

use super::proxy::HttpProxy;
use crate::io::http::error::FetchError;
use crate::io::http::timing::{AttemptPhase, AttemptProgress};

/// How the other end is reached.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ConnRoute {
    /// By its name or address, and its port.
    Direct,
    /// By this socket; of a relative path, in the scenario's folder.
    Socket(PathBuf),
    /// By this proxy.
    Proxy(HttpProxy),
    /// Not at all: the proxy is none.
    InvalidProxy,
}

impl ConnRoute {
    /// The way of a job to a URL.
    pub(crate) fn for_job(url: &Url, job: &FetchJob) -> ConnRoute {
        match (unix_socket::socket_path(url), &job.proxy) {
            (Some(path), _) => ConnRoute::Socket(path),
            (None, None) => ConnRoute::Direct,
            // What is no proxy after all is not passed by.
            (None, Some(proxy)) => {
                HttpProxy::from_url(proxy.reveal()).map_or(ConnRoute::InvalidProxy, ConnRoute::Proxy)
            }
        }
    }

    /// The proxy that is asked for URLs of itself, if there is one: those of TLS go through it.
    pub(crate) fn forward_proxy(&self, secure: bool) -> Option<&HttpProxy> {
        match self {
            ConnRoute::Proxy(proxy) if !secure => Some(proxy),
            _ => None,
        }
    }
}

/// A connection to a Unix socket.
pub(crate) async fn connect_unix(
    folder: &Path,
    path: &Path,
    progress: &AttemptProgress,
) -> Result<UnixStream, FetchError> {
    let shown = path.display();
    progress.enter(AttemptPhase::Connecting(format!("the socket {shown}")));
    let started = Instant::now();
    let path = folder.join(path);
    let connected = UnixStream::connect(&path).await;
    progress.add_time(|timings| &mut timings.connect, started.elapsed());
    connected.map_err(|error| {
        let words = format!("no connection to the socket {shown}: {}", connect_error_reason(&path, &error));
        FetchError::transient(FetchErrorKind::Connect, words)
    })
}

/// Why there is no connection. The system says of what is no socket only that it refuses.
fn connect_error_reason(path: &Path, error: &io::Error) -> String {
    let is_other = fs::metadata(path).is_ok_and(|found| !found.file_type().is_socket());
    match error.kind() {
        io::ErrorKind::ConnectionRefused if is_other => "it is no socket".to_owned(),
        io::ErrorKind::ConnectionRefused => "nobody listens on it (connection refused)".to_owned(),
        _ => error.to_string(),
    }
}
