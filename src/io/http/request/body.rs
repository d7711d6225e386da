//! The body of a request, as hyper takes it: nothing, bytes in memory, or a file that is read while it is
//! sent. Never holds more than [`MAX_QUEUED_CHUNKS`] pieces of a file.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::sync::{mpsc, oneshot};

use scenario_core::scenario::model::FetchBody;
use scenario_log::event::FetchErrorKind;

use super::multipart::{self, BodySegment};
use crate::io::http::blocking;
use crate::io::http::error::FetchError;

/// How many bytes of a file are read at a time.
const CHUNK_LEN: usize = 256 << 10;

/// How many pieces wait to be sent. With four, the thread that reads a file of up to 1 MiB never waits.
const MAX_QUEUED_CHUNKS: usize = 4;

/// A request's body.
#[derive(Debug)]
pub(crate) enum RequestBody {
    Empty,
    Bytes(Bytes),
    /// The rest of what a thread sends: files, and what stands between them.
    File {
        /// A thread of its own reads them; it ends when this receiver is dropped.
        pieces: mpsc::Receiver<io::Result<Bytes>>,
        /// How many announced bytes are not sent yet.
        left: u64,
    },
}

impl RequestBody {
    /// The body that a job gives; a file's path is relative to `folder`.
    pub(super) async fn for_job(body: &FetchBody, folder: &Path) -> Result<RequestBody, FetchError> {
        match body {
            FetchBody::Text(_) | FetchBody::Json(_) | FetchBody::Form(_) => {
                Ok(RequestBody::from_bytes(RequestBody::in_memory(body)))
            }
            FetchBody::File(path) => {
                let shown = path.display().to_string();
                RequestBody::from_segments(vec![BodySegment::File { path: folder.join(path), shown }]).await
            }
            FetchBody::Multipart(parts) => {
                RequestBody::from_segments(multipart::segments(parts, folder)).await
            }
        }
    }

    /// The bytes of a body that needs no file.
    pub(super) fn in_memory(body: &FetchBody) -> Option<Bytes> {
        match body {
            FetchBody::Text(text) | FetchBody::Json(text) => Some(Bytes::from(text.reveal().to_owned())),
            FetchBody::Form(fields) => {
                let fields = fields.iter().map(|(name, value)| (name, value.reveal()));
                let mut encoder = url::form_urlencoded::Serializer::new(String::new());
                Some(Bytes::from(encoder.extend_pairs(fields).finish()))
            }
            FetchBody::File(_) | FetchBody::Multipart(_) => None,
        }
    }

    /// A body in memory, or none.
    pub(super) fn from_bytes(bytes: Option<Bytes>) -> RequestBody {
        bytes.map_or(RequestBody::Empty, RequestBody::Bytes)
    }

    /// The bytes that these pieces have now, one after the other.
    async fn from_segments(segments: Vec<BodySegment>) -> Result<RequestBody, FetchError> {
        let failed = |error: String| {
            let message = format!("the file of the request's body, {error}");
            FetchError::permanent(FetchErrorKind::Protocol, message)
        };
        let (opened, size) = oneshot::channel();
        let (piece, pieces) = mpsc::channel(MAX_QUEUED_CHUNKS);
        let reader = move || match open_segments(segments) {
            Ok((segments, size)) => {
                if opened.send(Ok(size)).is_ok() {
                    let mut segments = segments.into_iter();
                    while segments.next().is_some_and(|segment| segment.send(&piece)) {}
                }
            }
            Err(error) => drop(opened.send(Err(error))),
        };
        blocking::spawn_thread(reader).map_err(|error| failed(error.to_string()))?;
        let left = size.await.unwrap_or_else(|_| Err("its thread ended early".to_owned())).map_err(failed)?;
        Ok(RequestBody::File { pieces, left })
    }
}

/// A piece that can be sent.
enum OpenSegment {
    Bytes(Bytes),
    File(File, u64),
}

impl OpenSegment {
    /// Sends the piece; false if that failed, or if nobody takes it.
    fn send(self, pieces: &mpsc::Sender<io::Result<Bytes>>) -> bool {
        match self {
            OpenSegment::Bytes(bytes) => bytes.is_empty() || pieces.blocking_send(Ok(bytes)).is_ok(),
            OpenSegment::File(file, size) => send_chunks(file, size, pieces),
        }
    }
}

/// Opens all files, and returns the number of bytes of all pieces.
fn open_segments(segments: Vec<BodySegment>) -> Result<(Vec<OpenSegment>, u64), String> {
    let mut total = 0_u64;
    let mut open = Vec::with_capacity(segments.len());
    for segment in segments {
        let (segment, size) = match segment {
            BodySegment::Bytes(bytes) => {
                let size = bytes.len() as u64;
                (OpenSegment::Bytes(bytes), size)
            }
            BodySegment::File { path, shown } => {
                let (file, size) = open_regular_file(&path).map_err(|error| {
                    format!("{shown}: {error}{}", blocking::looked_for(Path::new(&shown), &path))
                })?;
                (OpenSegment::File(file, size), size)
            }
        };
        open.push(segment);
        total = total.saturating_add(size);
    }
    Ok((open, total))
}

/// A regular file and its size.
fn open_regular_file(path: &Path) -> io::Result<(File, u64)> {
    // The type is checked before the file is opened: opening a pipe would wait for its other end.
    let found = fs::metadata(path)?;
    if found.is_dir() {
        return Err(io::Error::other("is a folder"));
    }
    if !found.is_file() {
        return Err(io::Error::other("is not a regular file"));
    }
    Ok((File::open(path)?, found.len()))
}

/// Reads `size` bytes piece by piece, until the receiver is dropped; false if they are not all sent.
fn send_chunks(mut file: File, size: u64, pieces: &mpsc::Sender<io::Result<Bytes>>) -> bool {
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
            return false;
        }
        left -= want as u64;
    }
    true
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
                    .unwrap_or_else(|| Err(io::Error::other("the thread that reads the file ended early")))?;
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
