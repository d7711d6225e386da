//! The body of an answer as it arrives: decoded, counted, limited, hashed, and cut into lines where the job
//! wants them. Never holds more of it than one unfinished line, and of that at most [`LONGEST_LINE`].

use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use sha2::{Digest as _, Sha256};

use crate::io::inbox::Seen;
use scenario_log::event::{FetchFault, Source};

use super::decode::Decoder;
use crate::io::http::Shared;
use crate::io::http::error;
use crate::io::http::error::{Fault, Stage};
use crate::io::http::response::check;
use crate::io::http::timing::{Phase, Progress};

/// The longest line that is told whole, in bytes. A longer one is told in pieces of at most this
/// size, each as a line of its own: memory stays flat whatever a server sends.
pub(crate) const LONGEST_LINE: usize = 1 << 20;

/// What a body came to.
pub(crate) struct Received {
    /// Its size.
    pub(crate) bytes: u64,
    /// Its SHA-256.
    pub(crate) sha256: [u8; 32],
    /// All of it, where it was to be kept.
    pub(crate) kept: Vec<u8>,
}

/// Receives a whole body; `lines` is where its lines go.
pub(crate) async fn receive(
    mut incoming: Incoming,
    mut body: Body<'_>,
    progress: &Progress,
) -> Result<Received, Fault> {
    let whole = incoming.size_hint().exact().filter(|_| body.decoder.is_none());
    if let Some(whole) = whole.filter(|whole| *whole > body.limit) {
        return Err(too_large(body.limit, &format!("{whole} are announced")));
    }
    loop {
        progress.enter(Phase::Body(body.bytes, whole));
        let Some(frame) = incoming.frame().await else { break };
        let frame = frame.map_err(|error| error::of_hyper(&error, Stage::Body(body.bytes, whole)))?;
        let Ok(data) = frame.into_data() else { continue };
        match body.decoder.take() {
            None => body.take(&data, progress).await?,
            Some(mut decoder) => {
                body.decode(&mut decoder, &data, progress).await?;
                body.decoder = Some(decoder);
            }
        }
    }
    body.finish().await
}

/// A body while it comes.
pub(crate) struct Body<'a> {
    limit: u64,
    decoder: Option<Decoder>,
    lines: Option<Lines<'a>>,
    /// What came, where it is to be looked at as a whole.
    kept: Option<Vec<u8>>,
    digest: Sha256,
    /// How many bytes there are, decoded.
    bytes: u64,
    /// How many of them came, while they are decoded.
    encoded: u64,
}

impl<'a> Body<'a> {
    /// None of it, of at most `limit` bytes.
    pub(crate) fn new(limit: u64, decoder: Option<Decoder>, lines: Option<Lines<'a>>) -> Body<'a> {
        Body { limit, decoder, lines, kept: None, digest: Sha256::new(), bytes: 0, encoded: 0 }
    }

    /// The same, to be kept as a whole.
    pub(crate) fn kept(self) -> Body<'a> {
        Body { kept: Some(Vec::new()), ..self }
    }

    /// Takes what came, encoded.
    async fn decode(
        &mut self,
        decoder: &mut Decoder,
        mut data: &[u8],
        progress: &Progress,
    ) -> Result<(), Fault> {
        self.encoded = self.encoded.saturating_add(data.len() as u64);
        loop {
            let (bytes, name) = (self.bytes, decoder.name());
            let piece = decoder.next(&mut data).map_err(|error| {
                let words =
                    format!("the body is no {name} that can be decoded, after {bytes} bytes: {error}");
                Fault::lasting(FetchFault::Protocol, words)
            })?;
            if piece.is_empty() && data.is_empty() {
                return Ok(());
            }
            if piece.len() as u64 > self.limit.saturating_sub(bytes) {
                let how = format!("{} bytes of {name} had become more", self.encoded);
                return Err(too_large(self.limit, &how));
            }
            self.take(piece, progress).await?;
            // A little of it may become much: others have their turn between.
            tokio::task::yield_now().await;
        }
    }

    /// Takes what the body goes on with.
    async fn take(&mut self, data: &[u8], progress: &Progress) -> Result<(), Fault> {
        self.bytes = self.bytes.saturating_add(data.len() as u64);
        if self.bytes > self.limit {
            return Err(too_large(self.limit, &format!("{} had come", self.bytes)));
        }
        self.digest.update(data);
        if let Some(kept) = &mut self.kept {
            if self.bytes > check::LARGEST {
                return Err(not_kept());
            }
            kept.extend_from_slice(data);
        }
        if let Some(lines) = &mut self.lines {
            progress.enter(Phase::Room);
            lines.push(data).await;
        }
        Ok(())
    }

    /// There is no more of it.
    async fn finish(self) -> Result<Received, Fault> {
        if let Some(decoder) = self.decoder.filter(|decoder| !decoder.is_whole()) {
            let (name, bytes, encoded) = (decoder.name(), self.bytes, self.encoded);
            let words = format!(
                "the body is cut short: its {name} goes on behind the {encoded} bytes that came ({bytes} decoded)"
            );
            return Err(Fault::lasting(FetchFault::Protocol, words));
        }
        if let Some(lines) = self.lines {
            lines.finish().await;
        }
        let kept = self.kept.unwrap_or_default();
        Ok(Received { bytes: self.bytes, sha256: self.digest.finalize().into(), kept })
    }
}

/// The failure of a body past its limit.
fn too_large(limit: u64, how: &str) -> Fault {
    let words = format!("the body has more than the {limit} bytes that max_body allows: {how}");
    Fault::lasting(FetchFault::TooLarge, words)
}

/// The failure of a body that is too large to be looked at.
fn not_kept() -> Fault {
    let words = format!(
        "the body has more than the {} bytes that are kept to be looked at by `check` and `capture`",
        check::LARGEST
    );
    Fault::lasting(FetchFault::TooLarge, words)
}

/// Where the lines of a body go.
pub(crate) struct Lines<'a> {
    shared: &'a Shared,
    source: Source,
    tail: Vec<u8>,
}

impl<'a> Lines<'a> {
    /// The lines of this request.
    pub(crate) fn new(shared: &'a Shared, source: Source) -> Lines<'a> {
        Lines { shared, source, tail: shared.inbox.buffer() }
    }

    /// Tells the lines that `data` makes whole, and keeps the rest.
    pub(crate) async fn push(&mut self, data: &[u8]) {
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
    pub(crate) async fn finish(mut self) {
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
