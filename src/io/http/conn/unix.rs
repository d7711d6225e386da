//! From a path to a connection to a Unix socket. Knows no HTTP.

use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;
use std::time::Instant;

use tokio::net::UnixStream;

use scenario_log::event::FetchErrorKind;

use crate::io::http::error::FetchError;
use crate::io::http::timing::{AttemptPhase, AttemptProgress};

/// A connection to a Unix socket.
pub(super) async fn connect_unix(
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
        let message = format!("no connection to the socket {shown}: {}", connect_error_reason(&path, &error));
        FetchError::transient(FetchErrorKind::Connect, message)
    })
}

/// Why there is no connection. For a file that is not a socket, the system reports only a refusal.
fn connect_error_reason(path: &Path, error: &io::Error) -> String {
    let is_other = fs::metadata(path).is_ok_and(|found| !found.file_type().is_socket());
    match error.kind() {
        io::ErrorKind::ConnectionRefused if is_other => "it is not a socket".to_owned(),
        io::ErrorKind::ConnectionRefused => "nobody listens on it (connection refused)".to_owned(),
        _ => error.to_string(),
    }
}
