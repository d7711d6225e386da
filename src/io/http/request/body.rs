//! The body of a request, as hyper takes it: nothing, bytes in memory, or a file read as it is sent.
//! Never holds more than [`AHEAD`] pieces of a file.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::sync::{mpsc, oneshot};

use crate::io::http::blocking;

/// How much of a file is read at a time …
const CHUNK_LEN: usize = 256 << 10;

/// … and how many pieces wait to be sent: the thread that reads a file of up to 1 MiB never waits.
const MAX_QUEUED_CHUNKS: usize = 4;

/// A request's body.
#[derive(Debug)]
pub(crate) enum RequestBody {
    /// None.
    Empty,
    /// Bytes in memory, until they are taken.
    Bytes(Bytes),
    /// What is left of a file.
    File {
        /// Read by a thread of its own, which ends with the receiver.
        pieces: mpsc::Receiver<io::Result<Bytes>>,
        /// Bytes that were announced and not yet sent.
        left: u64,
    },
}

impl RequestBody {
    /// A file's bytes: as many as it has now.
    ///
    /// # Errors
    ///
    /// In words, without the path.
    pub(crate) async fn from_file(path: &Path) -> Result<RequestBody, String> {
        let (opened, size) = oneshot::channel();
        let (piece, pieces) = mpsc::channel(MAX_QUEUED_CHUNKS);
        let path = PathBuf::from(path);
        let reader = move || match open_regular_file(&path) {
            Ok((file, size)) => {
                if opened.send(Ok(size)).is_ok() {
                    send_chunks(file, size, &piece);
                }
            }
            Err(words) => drop(opened.send(Err(words))),
        };
        blocking::spawn_thread(reader).map_err(|error| error.to_string())?;
        let left = size.await.unwrap_or_else(|_| Err("its thread broke off".to_owned()))?;
        Ok(RequestBody::File { pieces, left })
    }
}

/// A regular file and its size.
fn open_regular_file(path: &Path) -> Result<(File, u64), String> {
    // Looked at first: opening a pipe would wait for its other end.
    let found = fs::metadata(path).map_err(|error| error.to_string())?;
    if found.is_dir() {
        return Err("is a folder".to_owned());
    }
    if !found.is_file() {
        return Err("is no regular file".to_owned());
    }
    let file = File::open(path).map_err(|error| error.to_string())?;
    Ok((file, found.len()))
}

/// Reads `size` bytes piece by piece, until nobody takes them any longer.
fn send_chunks(mut file: File, size: u64, pieces: &mpsc::Sender<io::Result<Bytes>>) {
    let mut left = size;
    while left > 0 {
        let want = usize::try_from(left).unwrap_or(CHUNK_LEN).min(CHUNK_LEN);
        let mut piece = vec![0; want];
        let got = file.read_exact(&mut piece).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => io::Error::other("the file became shorter while it was sent"),
            _ => error,
        });
        let failed = got.is_err();
        if pieces.blocking_send(got.map(|()| Bytes::from(piece))).is_err() || failed {
            return;
        }
        left -= want as u64;
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        match this {
            RequestBody::Empty => Poll::Ready(None),
            RequestBody::Bytes(bytes) => {
                let bytes = std::mem::take(bytes);
                *this = RequestBody::Empty;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            RequestBody::File { left: 0, .. } => Poll::Ready(None),
            RequestBody::File { pieces, left } => {
                let piece = std::task::ready!(pieces.poll_recv(cx))
                    .unwrap_or_else(|| Err(io::Error::other("the thread that reads the file broke off")))?;
                *left = left.saturating_sub(piece.len() as u64);
                Poll::Ready(Some(Ok(Frame::data(piece))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            RequestBody::Empty => true,
            RequestBody::Bytes(bytes) => bytes.is_empty(),
            RequestBody::File { left, .. } => *left == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match self {
            RequestBody::Empty => 0,
            RequestBody::Bytes(bytes) => bytes.len() as u64,
            RequestBody::File { left, .. } => *left,
        })
    }
}
