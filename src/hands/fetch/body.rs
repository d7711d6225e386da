//! The body of an answer as it arrives: counted, limited, hashed, and cut into lines where the job
//! wants them. Never holds more of it than one unfinished line, and of that at most [`LONGEST_LINE`].

use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use sha2::{Digest as _, Sha256};

use crate::hands::inbox::Seen;
use crate::words::event::{FetchFault, Source};

use super::Shared;
use super::fault::{self, Fault, Stage};
use super::progress::{Phase, Progress};

/// The longest line that is told whole, in bytes. A longer one is told in pieces of at most this
/// size, each as a line of its own: memory stays flat whatever a server sends.
pub(super) const LONGEST_LINE: usize = 1 << 20;

/// What a body came to.
pub(super) struct Received {
    /// Its size.
    pub(super) bytes: u64,
    /// Its SHA-256.
    pub(super) sha256: [u8; 32],
}

/// Receives a whole body of at most `limit` bytes; `lines` is where its lines go.
pub(super) async fn receive(
    mut incoming: Incoming,
    limit: u64,
    mut lines: Option<Lines<'_>>,
    progress: &Progress,
) -> Result<Received, Fault> {
    let whole = incoming.size_hint().exact();
    if let Some(whole) = whole.filter(|whole| *whole > limit) {
        return Err(too_large(limit, &format!("{whole} are announced")));
    }
    let mut digest = Sha256::new();
    let mut bytes = 0_u64;
    loop {
        progress.enter(Phase::Body(bytes, whole));
        let Some(frame) = incoming.frame().await else { break };
        let frame = frame.map_err(|error| fault::of_hyper(&error, Stage::Body(bytes, whole)))?;
        let Ok(data) = frame.into_data() else { continue };
        bytes = bytes.saturating_add(data.len() as u64);
        if bytes > limit {
            return Err(too_large(limit, &format!("{bytes} had come")));
        }
        digest.update(&data);
        if let Some(lines) = &mut lines {
            progress.enter(Phase::Room);
            lines.push(&data).await;
        }
    }
    if let Some(lines) = lines {
        lines.finish().await;
    }
    Ok(Received { bytes, sha256: digest.finalize().into() })
}

/// The failure of a body past its limit.
fn too_large(limit: u64, how: &str) -> Fault {
    let words = format!("the body has more than the {limit} bytes that max_body allows: {how}");
    Fault::lasting(FetchFault::TooLarge, words)
}

/// Where the lines of a body go.
pub(super) struct Lines<'a> {
    shared: &'a Shared,
    source: Source,
    tail: Vec<u8>,
}

impl<'a> Lines<'a> {
    /// The lines of this request.
    pub(super) fn new(shared: &'a Shared, source: Source) -> Lines<'a> {
        Lines { shared, source, tail: shared.inbox.buffer() }
    }

    /// Tells the lines that `data` makes whole, and keeps the rest.
    async fn push(&mut self, data: &[u8]) {
        let whole = memchr::memrchr(b'\n', data).map_or(0, |newline| newline + 1);
        if whole > 0 {
            self.tail.extend_from_slice(&data[..whole]);
            self.tell().await;
        }
        for piece in data[whole..].chunks(LONGEST_LINE) {
            if self.tail.len() + piece.len() > LONGEST_LINE {
                self.tell().await;
            }
            self.tail.extend_from_slice(piece);
        }
    }

    /// Tells what is left: the last line may have no newline.
    async fn finish(mut self) {
        if !self.tail.is_empty() {
            self.tell().await;
        }
    }

    /// Leaves what is there in the inbox, as soon as that has room.
    async fn tell(&mut self) {
        self.shared.inbox.room().await;
        let mut chunk = std::mem::replace(&mut self.tail, self.shared.inbox.buffer());
        let secrets = &self.shared.context.secrets;
        if !secrets.is_empty() {
            secrets.mask(&mut chunk);
        }
        self.shared.inbox.put(Seen::BodyLines { source: self.source, chunk });
    }
}
