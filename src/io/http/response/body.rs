//! The body of an answer as it arrives: decoded, counted, limited, hashed, and cut into lines where the job
//! wants them. Never holds more of it than one unfinished line, and of that at most [`LONGEST_LINE`].

use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use sha2::{Digest as _, Sha256};

use crate::io::inbox::Input;
use scenario_log::event::{FetchErrorKind, Source};

use super::decode::BodyDecoder;
use crate::io::http::FetchContext;
use crate::io::http::error;
use crate::io::http::error::{FetchError, ReceiveStage};
use crate::io::http::response::check;
use crate::io::http::timing::{AttemptPhase, AttemptProgress};

/// The longest line that is told whole, in bytes. A longer one is told in pieces of at most this
/// size, each as a line of its own: memory stays flat whatever a server sends.
pub(crate) const MAX_LINE_LEN: usize = 1 << 20;

/// What a body came to.
pub(crate) struct ReceivedBody {
    /// Its size.
    pub(crate) bytes: u64,
    /// Its SHA-256.
    pub(crate) sha256: [u8; 32],
    /// All of it, where it was to be kept.
    pub(crate) content: Vec<u8>,
}

/// Receives a whole body; `lines` is where its lines go.
pub(crate) async fn receive_body(
    mut incoming: Incoming,
    mut body: BodyReceiver<'_>,
    progress: &AttemptProgress,
) -> Result<ReceivedBody, FetchError> {
    let whole = incoming.size_hint().exact().filter(|_| body.decoder.is_none());
    if let Some(whole) = whole.filter(|whole| *whole > body.limit) {
        return Err(too_large_error(body.limit, &format!("{whole} are announced")));
    }
    loop {
        progress.enter(AttemptPhase::Body(body.bytes, whole));
        let Some(frame) = incoming.frame().await else { break };
        let frame =
            frame.map_err(|error| error::from_hyper(&error, ReceiveStage::Body(body.bytes, whole)))?;
        let Ok(data) = frame.into_data() else { continue };
        match body.decoder.take() {
            None => body.append(&data, progress).await?,
            Some(mut decoder) => {
                body.decode(&mut decoder, &data, progress).await?;
                body.decoder = Some(decoder);
            }
        }
    }
    body.finish().await
}

/// A body while it comes.
pub(crate) struct BodyReceiver<'a> {
    limit: u64,
    decoder: Option<BodyDecoder>,
    lines: Option<BodyLineWriter<'a>>,
    /// What came, where it is to be looked at as a whole.
    retained: Option<Vec<u8>>,
    digest: Sha256,
    /// How many bytes there are, decoded.
    bytes: u64,
    /// How many of them came, while they are decoded.
    encoded: u64,
}

impl<'a> BodyReceiver<'a> {
    /// None of it, of at most `limit` bytes.
    pub(crate) fn new(
        limit: u64,
        decoder: Option<BodyDecoder>,
        lines: Option<BodyLineWriter<'a>>,
    ) -> BodyReceiver<'a> {
        BodyReceiver { limit, decoder, lines, retained: None, digest: Sha256::new(), bytes: 0, encoded: 0 }
    }

    /// The same, to be kept as a whole.
    pub(crate) fn retaining(self) -> BodyReceiver<'a> {
        BodyReceiver { retained: Some(Vec::new()), ..self }
    }

    /// Takes what came, encoded.
    async fn decode(
        &mut self,
        decoder: &mut BodyDecoder,
        mut data: &[u8],
        progress: &AttemptProgress,
    ) -> Result<(), FetchError> {
        self.encoded = self.encoded.saturating_add(data.len() as u64);
        loop {
            let (bytes, name) = (self.bytes, decoder.coding_name());
            let piece = decoder.next_chunk(&mut data).map_err(|error| {
                let words =
                    format!("the body is no {name} that can be decoded, after {bytes} bytes: {error}");
                FetchError::permanent(FetchErrorKind::Protocol, words)
            })?;
            if piece.is_empty() && data.is_empty() {
                return Ok(());
            }
            if piece.len() as u64 > self.limit.saturating_sub(bytes) {
                let how = format!("{} bytes of {name} had become more", self.encoded);
                return Err(too_large_error(self.limit, &how));
            }
            self.append(piece, progress).await?;
            // A little of it may become much: others have their turn between.
            tokio::task::yield_now().await;
        }
    }

    /// Takes what the body goes on with.
    async fn append(&mut self, data: &[u8], progress: &AttemptProgress) -> Result<(), FetchError> {
        self.bytes = self.bytes.saturating_add(data.len() as u64);
        if self.bytes > self.limit {
            return Err(too_large_error(self.limit, &format!("{} had come", self.bytes)));
        }
        self.digest.update(data);
        if let Some(kept) = &mut self.retained {
            if self.bytes > check::MAX_RETAINED_BODY {
                return Err(not_retained_error());
            }
            kept.extend_from_slice(data);
        }
        if let Some(lines) = &mut self.lines {
            progress.enter(AttemptPhase::Backpressure);
            lines.push(data).await;
        }
        Ok(())
    }

    /// There is no more of it.
    async fn finish(self) -> Result<ReceivedBody, FetchError> {
        if let Some(decoder) = self.decoder.filter(|decoder| !decoder.is_complete()) {
            let (name, bytes, encoded) = (decoder.coding_name(), self.bytes, self.encoded);
            let words = format!(
                "the body is cut short: its {name} goes on behind the {encoded} bytes that came ({bytes} decoded)"
            );
            return Err(FetchError::permanent(FetchErrorKind::Protocol, words));
        }
        if let Some(lines) = self.lines {
            lines.finish().await;
        }
        let kept = self.retained.unwrap_or_default();
        Ok(ReceivedBody { bytes: self.bytes, sha256: self.digest.finalize().into(), content: kept })
    }
}

/// The failure of a body past its limit.
fn too_large_error(limit: u64, how: &str) -> FetchError {
    let words = format!("the body has more than the {limit} bytes that max_body allows: {how}");
    FetchError::permanent(FetchErrorKind::TooLarge, words)
}

/// The failure of a body that is too large to be looked at.
fn not_retained_error() -> FetchError {
    let words = format!(
        "the body has more than the {} bytes that are kept to be looked at by `check` and `capture`",
        check::MAX_RETAINED_BODY
    );
    FetchError::permanent(FetchErrorKind::TooLarge, words)
}

/// Where the lines of a body go.
pub(crate) struct BodyLineWriter<'a> {
    context: &'a FetchContext,
    source: Source,
    tail: Vec<u8>,
}

impl<'a> BodyLineWriter<'a> {
    /// The lines of this request.
    pub(crate) fn new(shared: &'a FetchContext, source: Source) -> BodyLineWriter<'a> {
        BodyLineWriter { context: shared, source, tail: shared.inbox.take_buffer() }
    }

    /// Tells the lines that `data` makes whole, and keeps the rest.
    pub(crate) async fn push(&mut self, data: &[u8]) {
        let whole = memchr::memrchr(b'\n', data).map_or(0, |newline| newline + 1);
        if whole > 0 {
            self.tail.extend_from_slice(&data[..whole]);
            self.emit().await;
        }
        for piece in data[whole..].chunks(MAX_LINE_LEN) {
            if self.tail.len() + piece.len() > MAX_LINE_LEN {
                self.emit().await;
            }
            self.tail.extend_from_slice(piece);
        }
    }

    /// Tells what is left: the last line may have no newline.
    pub(crate) async fn finish(mut self) {
        if !self.tail.is_empty() {
            self.emit().await;
        }
    }

    /// Leaves what is there in the inbox, as soon as that has room.
    async fn emit(&mut self) {
        self.context.inbox.wait_for_room().await;
        let mut chunk = std::mem::replace(&mut self.tail, self.context.inbox.take_buffer());
        let secrets = &self.context.run_context.secrets;
        if !secrets.is_empty() {
            secrets.mask(&mut chunk);
        }
        self.context.inbox.push(Input::ResponseLines { source: self.source, chunk });
    }
}
