//! The body of an answer while it arrives: decodes, counts, limits and hashes it, and passes it on to be
//! cut into lines. Keeps it only if a check or a capture needs it, and then at most
//! [`MAX_RETAINED_BODY`] bytes.

use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use hyper::{HeaderMap, Version};
use regex::bytes::Regex;
use sha2::{Digest as _, Sha256};

use scenario_log::event::FetchErrorKind;

use super::charset::TextDecoder;
use super::decode::BodyDecoder;
use super::line_search::LineSearch;
use super::lines::BodyLineWriter;
use crate::io::http::conn::hyper_error::{self, ReceiveStage};
use crate::io::http::error::FetchError;
use crate::io::http::timing::{AttemptPhase, AttemptProgress};

/// The largest body that is kept for checks and captures, in bytes. Parsed as JSON it takes a multiple of
/// that.
const MAX_RETAINED_BODY: u64 = 4 << 20;

/// A complete body.
pub(crate) struct ReceivedBody {
    /// Its length, decoded.
    pub(crate) bytes: u64,
    pub(crate) sha256: [u8; 32],
    /// All of it if it was retained, else empty.
    pub(crate) content: Vec<u8>,
    /// It was not read further than the line that was looked for.
    pub(crate) is_cut: bool,
    /// The line that was looked for has come.
    pub(crate) has_last_line: bool,
}

/// A body that is still to come.
pub(crate) struct IncomingBody {
    incoming: Incoming,
    is_http2: bool,
    /// The request has a body, too: the server may answer before it has read that, and give up the stream.
    may_end_early: bool,
}

impl IncomingBody {
    pub(crate) fn new(incoming: Incoming, version: Version, request_has_body: bool) -> IncomingBody {
        IncomingBody { incoming, is_http2: version == Version::HTTP_2, may_end_early: request_has_body }
    }

    /// The smallest length that it can have.
    pub(crate) fn least_len(&self) -> u64 {
        self.incoming.size_hint().lower()
    }

    /// Whether something is missing after its last frame. hyper takes a stream of HTTP/2 that the server gave
    /// up without an error for one that the server ended.
    fn is_cut(&self) -> bool {
        let is_known_to_be_whole = match self.incoming.size_hint().exact() {
            Some(missing) => missing == 0,
            None => self.may_end_early,
        };
        self.is_http2 && !self.incoming.is_end_stream() && !is_known_to_be_whole
    }
}

/// Receives a body to its end.
pub(crate) async fn receive_body(
    mut from: IncomingBody,
    mut body: BodyReceiver<'_>,
    progress: &AttemptProgress,
) -> Result<ReceivedBody, FetchError> {
    let whole = from.incoming.size_hint().exact().filter(|_| body.decoder.is_none());
    if let Some(whole) = whole.filter(|whole| *whole > body.limit) {
        return Err(too_large_error(body.limit, &format!("{whole} are announced")));
    }
    loop {
        progress.enter(AttemptPhase::Body(body.bytes, whole));
        let Some(frame) = from.incoming.frame().await else { break };
        let frame =
            frame.map_err(|error| hyper_error::from_hyper(&error, ReceiveStage::Body(body.bytes, whole)))?;
        let Ok(data) = frame.into_data() else { continue };
        match body.decoder.take() {
            None => body.append(&data, progress).await?,
            Some(mut decoder) => {
                body.decode(&mut decoder, &data, progress).await?;
                body.decoder = Some(decoder);
            }
        }
        if body.is_cut {
            break;
        }
    }
    if !body.is_cut && from.is_cut() {
        return Err(hyper_error::given_up_stream(ReceiveStage::Body(body.bytes, whole)));
    }
    body.finish().await
}

/// Takes the pieces of a body.
pub(crate) struct BodyReceiver<'a> {
    limit: u64,
    decoder: Option<BodyDecoder>,
    lines: Option<BodyLineWriter<'a>>,
    /// Decodes the text of the lines, if it is not UTF-8.
    charset: Option<TextDecoder>,
    /// The pieces so far, if the whole body is needed.
    retained: Option<Vec<u8>>,
    /// Looks for the line that ends the body.
    search: Option<LineSearch<'a>>,
    /// That line has come.
    is_cut: bool,
    digest: Sha256,
    /// How many bytes there are so far, decoded.
    bytes: u64,
    /// How many bytes arrived, if the body is decoded.
    encoded: u64,
}

impl<'a> BodyReceiver<'a> {
    /// A receiver of at most `limit` bytes, decoded.
    pub(crate) fn new(
        limit: u64,
        decoder: Option<BodyDecoder>,
        lines: Option<BodyLineWriter<'a>>,
    ) -> BodyReceiver<'a> {
        BodyReceiver {
            limit,
            decoder,
            lines,
            charset: None,
            retained: None,
            search: None,
            is_cut: false,
            digest: Sha256::new(),
            bytes: 0,
            encoded: 0,
        }
    }

    /// The same receiver, whose lines are decoded from the charset of these headers.
    pub(crate) fn decoding_lines(self, headers: &HeaderMap) -> BodyReceiver<'a> {
        BodyReceiver { charset: TextDecoder::for_headers(headers), ..self }
    }

    /// The same receiver, for which a line that matches ends the body.
    pub(crate) fn ending_with(self, regex: Option<&'a Regex>) -> BodyReceiver<'a> {
        BodyReceiver { search: regex.map(LineSearch::new), ..self }
    }

    /// The same receiver, which keeps the whole body.
    pub(crate) fn retaining(self) -> BodyReceiver<'a> {
        BodyReceiver { retained: Some(Vec::new()), ..self }
    }

    /// Takes an encoded piece.
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
                let message =
                    format!("the body is not {name} that can be decoded, after {bytes} bytes: {error}");
                FetchError::permanent(FetchErrorKind::Protocol, message)
            })?;
            if piece.is_empty() && data.is_empty() {
                return Ok(());
            }
            if piece.len() as u64 > self.limit.saturating_sub(bytes) {
                let how = format!("{} bytes of {name} had become more", self.encoded);
                return Err(too_large_error(self.limit, &how));
            }
            self.append(piece, progress).await?;
            if self.is_cut {
                return Ok(());
            }
            // A small piece may become a large one: other tasks get their turn in between.
            tokio::task::yield_now().await;
        }
    }

    /// Takes a piece that is not encoded.
    async fn append(&mut self, mut data: &[u8], progress: &AttemptProgress) -> Result<(), FetchError> {
        if let Some(end) = self.search.as_mut().and_then(|search| search.push(data)) {
            data = &data[..end];
            self.is_cut = true;
        }
        self.bytes = self.bytes.saturating_add(data.len() as u64);
        if self.bytes > self.limit {
            return Err(too_large_error(self.limit, &format!("{} had come", self.bytes)));
        }
        self.digest.update(data);
        if let Some(retained) = &mut self.retained {
            if self.bytes > MAX_RETAINED_BODY {
                return Err(not_retained_error());
            }
            retained.extend_from_slice(data);
        }
        if let Some(lines) = &mut self.lines {
            progress.enter(AttemptPhase::Backpressure);
            match &mut self.charset {
                Some(charset) => lines.push(charset.decode(data, false).as_bytes()).await,
                None => lines.push(data).await,
            }
        }
        Ok(())
    }

    /// The body has ended.
    async fn finish(self) -> Result<ReceivedBody, FetchError> {
        let is_cut = self.is_cut;
        let has_last_line = is_cut || self.search.is_some_and(|search| search.matches());
        if let Some(decoder) = self.decoder.filter(|decoder| !decoder.is_complete() && !is_cut) {
            let (name, bytes, encoded) = (decoder.coding_name(), self.bytes, self.encoded);
            let message = format!(
                "the body is cut short: its {name} goes on after the {encoded} bytes that came ({bytes} decoded)"
            );
            return Err(FetchError::permanent(FetchErrorKind::Protocol, message));
        }
        if let Some(mut lines) = self.lines {
            if let Some(mut charset) = self.charset {
                lines.push(charset.decode(b"", true).as_bytes()).await;
            }
            lines.finish().await;
        }
        let content = self.retained.unwrap_or_default();
        let sha256 = self.digest.finalize().into();
        Ok(ReceivedBody { bytes: self.bytes, sha256, content, is_cut, has_last_line })
    }
}

fn too_large_error(limit: u64, how: &str) -> FetchError {
    let message = format!("the body has more than the {limit} bytes that max_body allows: {how}");
    FetchError::permanent(FetchErrorKind::TooLarge, message)
}

fn not_retained_error() -> FetchError {
    let message = format!(
        "the body has more than the {MAX_RETAINED_BODY} bytes that are kept for `check` and `capture`"
    );
    FetchError::permanent(FetchErrorKind::TooLarge, message)
}
