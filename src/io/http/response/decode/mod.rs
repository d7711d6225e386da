//! Decodes bodies (`Content-Encoding`: gzip, deflate, br and zstd), a piece at a time. Holds the decoder's
//! own window and one piece, whatever arrives.
//!
//! Only a job with `decode = true` asks for encodings and decodes; for any other job the body is the
//! encoded bytes. A body that was encoded twice is refused.

use std::fmt;

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use flate2::{Decompress, FlushDecompress, Status};
use hyper::HeaderMap;
use hyper::header::CONTENT_ENCODING;
use zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer, get_error_name};

use scenario_log::event::FetchErrorKind;

use crate::io::http::error::FetchError;

/// How many decoded bytes are made at a time.
const CHUNK_LEN: usize = 64 << 10;

/// The largest window of zstd, as a power of two: the limit that RFC 9659 sets for HTTP.
const MAX_WINDOW_LOG: u32 = 23;

/// Why a body cannot be decoded.
#[derive(Debug)]
pub(crate) struct BodyDecodeError(String);

impl fmt::Display for BodyDecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BodyDecodeError {}

/// Decodes one body.
pub(crate) struct BodyDecoder {
    coding: ContentCoding,
    output: Box<[u8]>,
    /// Whether any byte arrived: an empty body is not decoded, whatever its header says.
    has_input: bool,
    /// Whether the bytes so far are a complete encoded body.
    is_complete: bool,
}

/// The encoding, and the state of its decoder.
enum ContentCoding {
    /// RFC 1952; one member or several.
    Gzip(Box<Decompress>),
    /// RFC 9110 means zlib by it, but some servers send bare deflate: the first byte shows which it is.
    Deflate(Option<Box<Decompress>>),
    /// RFC 7932.
    Brotli(Box<BrotliDecoder>),
    /// RFC 8878; one frame or several.
    Zstd(DCtx<'static>),
}

type BrotliDecoder = BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>;

/// The result of one step.
struct DecodeStep {
    /// How many bytes of the input were used.
    consumed: usize,
    /// How many bytes of the output were filled.
    produced: usize,
    /// The bytes so far are a complete encoded body.
    is_end: bool,
}

impl BodyDecoder {
    /// The decoder for an answer with these headers; `None` if its body is not encoded. Fails for encodings
    /// that were not asked for.
    pub(crate) fn for_headers(headers: &HeaderMap) -> Result<Option<BodyDecoder>, FetchError> {
        let mut named = headers
            .get_all(CONTENT_ENCODING)
            .iter()
            .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
            .map(|name| String::from_utf8_lossy(name).trim().to_ascii_lowercase())
            .filter(|name| !name.is_empty() && name != "identity" && name != "none");
        let Some(name) = named.next() else { return Ok(None) };
        let refused = |what: &str| {
            let message = format!("the body is encoded as {what}, which was not asked for");
            Err(FetchError::permanent(FetchErrorKind::Protocol, message))
        };
        if let Some(second) = named.next() {
            return refused(&format!("{name} and then {second}"));
        }
        let coding = match &*name {
            "gzip" | "x-gzip" => ContentCoding::Gzip(new_gzip()),
            "deflate" => ContentCoding::Deflate(None),
            "br" => ContentCoding::Brotli(Box::new(new_brotli())),
            "zstd" => ContentCoding::Zstd(new_zstd()?),
            other => return refused(other),
        };
        let output = vec![0; CHUNK_LEN].into_boxed_slice();
        Ok(Some(BodyDecoder { coding, output, has_input: false, is_complete: false }))
    }

    /// The name of the encoding, for messages.
    pub(crate) fn coding_name(&self) -> &'static str {
        match self.coding {
            ContentCoding::Gzip(_) => "gzip",
            ContentCoding::Deflate(_) => "deflate",
            ContentCoding::Brotli(_) => "br",
            ContentCoding::Zstd(_) => "zstd",
        }
    }

    /// Removes from the front of `input` the bytes of one piece, and returns that piece, decoded. An empty
    /// piece means that all of the input is used up.
    pub(crate) fn next_chunk(&mut self, input: &mut &[u8]) -> Result<&[u8], BodyDecodeError> {
        if input.is_empty() && !self.has_input {
            return Ok(&[]);
        }
        self.has_input = true;
        let is_padding = self.is_complete && input.iter().all(|byte| *byte == 0);
        let step = self.coding.step(input, &mut self.output, is_padding)?;
        *input = &input[step.consumed..];
        if step.consumed > 0 || step.produced > 0 {
            self.is_complete = step.is_end;
        } else if !input.is_empty() {
            return Err(BodyDecodeError("the decoder cannot go on".to_owned()));
        }
        Ok(&self.output[..step.produced])
    }

    /// Whether the body can end here.
    pub(crate) fn is_complete(&self) -> bool {
        self.is_complete || !self.has_input
    }
}

impl fmt::Debug for BodyDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyDecoder").field("coding", &self.coding_name()).finish_non_exhaustive()
    }
}

impl ContentCoding {
    /// Decodes until the input is used up or the output is full.
    /// `is_padding`: the bytes are zeros after a complete body.
    fn step(
        &mut self,
        input: &[u8],
        output: &mut [u8],
        is_padding: bool,
    ) -> Result<DecodeStep, BodyDecodeError> {
        match self {
            // Some servers pad the last member with zeros, as tapes were.
            ContentCoding::Gzip(gzip) if gzip.total_in() == 0 && is_padding => {
                Ok(DecodeStep { consumed: input.len(), produced: 0, is_end: true })
            }
            ContentCoding::Gzip(gzip) => {
                let step = inflate_step(gzip, input, output)?;
                if step.is_end {
                    // Another member may follow.
                    *gzip = new_gzip();
                }
                Ok(step)
            }
            ContentCoding::Deflate(deflate) => {
                // The compression method of zlib is 8; bare deflate does not begin that way (RFC 1950).
                let is_zlib = input.first().is_none_or(|first| first & 0x0f == 8);
                let fresh = || Box::new(Decompress::new_with_window_bits(is_zlib, 15));
                inflate_step(deflate.get_or_insert_with(fresh), input, output)
            }
            ContentCoding::Brotli(state) => brotli_step(state, input, output),
            ContentCoding::Zstd(context) => zstd_step(context, input, output),
        }
    }
}

fn new_gzip() -> Box<Decompress> {
    Box::new(Decompress::new_gzip(15))
}

fn new_brotli() -> BrotliDecoder {
    let alloc = StandardAlloc::default;
    BrotliState::new_strict(alloc(), alloc(), alloc())
}

fn new_zstd() -> Result<DCtx<'static>, FetchError> {
    let mut context = DCtx::create();
    context.set_parameter(DParameter::WindowLogMax(MAX_WINDOW_LOG)).map_err(|code| {
        FetchError::permanent(
            FetchErrorKind::Protocol,
            format!("zstd cannot be decoded: {}", get_error_name(code)),
        )
    })?;
    Ok(context)
}

fn inflate_step(
    state: &mut Decompress,
    input: &[u8],
    output: &mut [u8],
) -> Result<DecodeStep, BodyDecodeError> {
    let (before_in, before_out) = (state.total_in(), state.total_out());
    let status = state
        .decompress(input, output, FlushDecompress::None)
        .map_err(|error| BodyDecodeError(error.to_string().replace("deflate decompression error: ", "")))?;
    let since = |now: u64, before: u64| usize::try_from(now - before).unwrap_or_default();
    Ok(DecodeStep {
        consumed: since(state.total_in(), before_in),
        produced: since(state.total_out(), before_out),
        is_end: status == Status::StreamEnd,
    })
}

fn brotli_step(
    state: &mut BrotliDecoder,
    input: &[u8],
    output: &mut [u8],
) -> Result<DecodeStep, BodyDecodeError> {
    let (mut left, mut taken) = (input.len(), 0);
    let (mut room, mut made, mut total) = (output.len(), 0, 0);
    let result =
        BrotliDecompressStream(&mut left, &mut taken, input, &mut room, &mut made, output, &mut total, state);
    match result {
        BrotliResult::ResultFailure => Err(BodyDecodeError(format!("{:?}", state.error_code))),
        BrotliResult::ResultSuccess => Ok(DecodeStep { consumed: taken, produced: made, is_end: true }),
        BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => {
            Ok(DecodeStep { consumed: taken, produced: made, is_end: false })
        }
    }
}

fn zstd_step(context: &mut DCtx<'_>, input: &[u8], output: &mut [u8]) -> Result<DecodeStep, BodyDecodeError> {
    let mut from = InBuffer::around(input);
    let mut to = OutBuffer::around(output);
    let left = context
        .decompress_stream(&mut to, &mut from)
        .map_err(|code| BodyDecodeError(get_error_name(code).to_owned()))?;
    Ok(DecodeStep { consumed: from.pos(), produced: to.pos(), is_end: left == 0 })
}

#[cfg(test)]
mod tests;
