//! The way to the other end of a request: over TCP or a Unix socket. Knows no TLS and no HTTP.

use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use tokio::net::UnixStream;
use url::Url;

use crate::scenario::socket;
use crate::words::event::FetchFault;

use super::fault::Fault;
use super::progress::{Phase, Progress};

/// How the other end is reached.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Way {
    /// By its name or address, and its port.
    Direct,
    /// By this socket; of a relative path, in the scenario's folder.
    Socket(PathBuf),
}

impl Way {
    /// The way to a URL.
    pub(super) fn to(url: &Url) -> Way {
        socket::path(url).map_or(Way::Direct, Way::Socket)
    }
}

/// A connection to a Unix socket.
pub(super) async fn connect(folder: &Path, path: &Path, progress: &Progress) -> Result<UnixStream, Fault> {
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
