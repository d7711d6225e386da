//! The body of a request, as hyper takes it: nothing, bytes in memory, or a file read as it is sent.
//! Never holds more than one piece of a file.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::fs::File;
use tokio::io::{AsyncRead, ReadBuf};

/// How much of a file is read at a time.
const PIECE: usize = 64 << 10;

/// A request's body.
#[derive(Debug)]
pub(super) enum Upload {
    /// None.
    Nothing,
    /// Bytes in memory, until they are taken.
    Bytes(Bytes),
    /// What is left of a file.
    File {
        /// Read from its start.
        file: File,
        /// Bytes that were announced and not yet sent.
        left: u64,
        /// The next piece.
        piece: Box<[u8]>,
    },
}

impl Upload {
    /// A file's bytes: as many as it has now.
    ///
    /// # Errors
    ///
    /// In words, without the path.
    pub(super) async fn file(path: &Path) -> Result<Upload, String> {
        // Looked at first: opening a pipe would wait for its other end.
        let found = tokio::fs::metadata(path).await.map_err(|error| error.to_string())?;
        if found.is_dir() {
            return Err("is a folder".to_owned());
        }
        if !found.is_file() {
            return Err("is no regular file".to_owned());
        }
        let file = File::open(path).await.map_err(|error| error.to_string())?;
        Ok(Upload::File { file, left: found.len(), piece: vec![0; PIECE].into_boxed_slice() })
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        match this {
            Upload::Nothing => Poll::Ready(None),
            Upload::Bytes(bytes) => {
                let bytes = std::mem::take(bytes);
                *this = Upload::Nothing;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Upload::File { left: 0, .. } => Poll::Ready(None),
            Upload::File { file, left, piece } => {
                let want = usize::try_from(*left).unwrap_or(PIECE).min(PIECE);
                let mut buffer = ReadBuf::new(&mut piece[..want]);
                std::task::ready!(Pin::new(file).poll_read(cx, &mut buffer))?;
                let got = buffer.filled();
                if got.is_empty() {
                    let words = format!("the file became shorter: {left} bytes of it are missing");
                    return Poll::Ready(Some(Err(io::Error::new(io::ErrorKind::UnexpectedEof, words))));
                }
                *left -= got.len() as u64;
                Poll::Ready(Some(Ok(Frame::data(Bytes::copy_from_slice(got)))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Upload::Nothing => true,
            Upload::Bytes(bytes) => bytes.is_empty(),
            Upload::File { left, .. } => *left == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match self {
            Upload::Nothing => 0,
            Upload::Bytes(bytes) => bytes.len() as u64,
            Upload::File { left, .. } => *left,
        })
    }
}
