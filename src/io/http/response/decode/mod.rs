//! Bodies that are encoded for the way (`Content-Encoding`), as they were before: gzip, deflate, br
//! and zstd, a piece at a time. Holds the decoder's own window and one piece, whatever comes.
//!
//! Only a job with `decode = true` asks for encodings and decodes; for any other an encoded body is
//! what came. Nothing is encoded twice: a server that says so is refused.

use std::fmt;

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use flate2::{Decompress, FlushDecompress, Status};
use hyper::HeaderMap;
use hyper::header::{CONTENT_ENCODING, HeaderValue};
use zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer, get_error_name};

use scenario_log::event::FetchErrorKind;

use crate::io::http::error::FetchError;

/// What is asked for.
pub(crate) const ACCEPT_ENCODING_VALUE: HeaderValue = HeaderValue::from_static("gzip, deflate, br, zstd");

/// How much is decoded at a time.
const CHUNK_LEN: usize = 64 << 10;

/// The largest window of zstd, as a power of two: what RFC 9659 allows on the way.
const MAX_WINDOW_LOG: u32 = 23;

/// The body of an answer on its way back to what it was.
pub(crate) struct BodyDecoder {
    coding: ContentCoding,
    output: Box<[u8]>,
    /// Whether anything came: an empty body is none, whatever its header says.
    has_input: bool,
    /// Whether what came ends where an encoded body can end.
    is_complete: bool,
}

/// What is decoded.
enum ContentCoding {
    /// RFC 1952; one member or several.
    Gzip(Box<Decompress>),
    /// RFC 9110 means zlib by it, and some servers send bare deflate: the first byte tells.
    Deflate(Option<Box<Decompress>>),
    /// RFC 7932.
    Brotli(Box<BrotliDecoder>),
    /// RFC 8878; one frame or several.
    Zstd(DCtx<'static>),
}

type BrotliDecoder = BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>;

/// What one step did.
struct DecodeStep {
    /// So much of the input is done with.
    consumed: usize,
    /// So much of the output is filled.
    produced: usize,
    /// What came ends here, as far as it has come.
    is_end: bool,
}

impl BodyDecoder {
    /// What an answer with these headers needs; `None` if it came as it is.
    ///
    /// # Errors
    ///
    /// If it is encoded in a way that was not asked for.
    pub(crate) fn for_headers(headers: &HeaderMap) -> Result<Option<BodyDecoder>, FetchError> {
        let mut named = headers
            .get_all(CONTENT_ENCODING)
            .iter()
            .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
            .map(|name| String::from_utf8_lossy(name).trim().to_ascii_lowercase())
            .filter(|name| !name.is_empty() && name != "identity");
        let Some(name) = named.next() else { return Ok(None) };
        let refused = |what: &str| {
            let words = format!("the body is encoded as {what}, which was not asked for");
            Err(FetchError::permanent(FetchErrorKind::Protocol, words))
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
        let piece = vec![0; CHUNK_LEN].into_boxed_slice();
        Ok(Some(BodyDecoder { coding, output: piece, has_input: false, is_complete: false }))
    }

    /// The name of the encoding.
    pub(crate) fn coding_name(&self) -> &'static str {
        match self.coding {
            ContentCoding::Gzip(_) => "gzip",
            ContentCoding::Deflate(_) => "deflate",
            ContentCoding::Brotli(_) => "br",
            ContentCoding::Zstd(_) => "zstd",
        }
    }

    /// Takes from the front of `input` what one piece needs, and gives that piece; an empty one, if all
    /// of the input is done with and nothing more can be made of it.
    ///
    /// # Errors
    ///
    /// In words, if this is not what it says it is.
    pub(crate) fn next_chunk(&mut self, input: &mut &[u8]) -> Result<&[u8], String> {
        if input.is_empty() && !self.has_input {
            return Ok(&[]);
        }
        self.has_input = true;
        let step = self.coding.step(input, &mut self.output)?;
        *input = &input[step.consumed..];
        if step.consumed > 0 || step.produced > 0 {
            self.is_complete = step.is_end;
        } else if !input.is_empty() {
            return Err("nothing follows from what came".to_owned());
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
        f.debug_struct("Decoder").field("coding", &self.coding_name()).finish_non_exhaustive()
    }
}

impl ContentCoding {
    /// One step, as far as input and room go.
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<DecodeStep, String> {
        match self {
            ContentCoding::Gzip(gzip) => {
                let step = inflate_step(gzip, input, output)?;
                if step.is_end {
                    // What may follow is another member.
                    *gzip = self::new_gzip();
                }
                Ok(step)
            }
            ContentCoding::Deflate(deflate) => {
                // The compression method of zlib is 8; bare deflate does not begin so (RFC 1950).
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

fn inflate_step(state: &mut Decompress, input: &[u8], output: &mut [u8]) -> Result<DecodeStep, String> {
    let (before_in, before_out) = (state.total_in(), state.total_out());
    let status = state
        .decompress(input, output, FlushDecompress::None)
        .map_err(|error| error.to_string().replace("deflate decompression error: ", ""))?;
    let since = |now: u64, before: u64| usize::try_from(now - before).unwrap_or_default();
    Ok(DecodeStep {
        consumed: since(state.total_in(), before_in),
        produced: since(state.total_out(), before_out),
        is_end: status == Status::StreamEnd,
    })
}

fn brotli_step(state: &mut BrotliDecoder, input: &[u8], output: &mut [u8]) -> Result<DecodeStep, String> {
    let (mut left, mut taken) = (input.len(), 0);
    let (mut room, mut made, mut total) = (output.len(), 0, 0);
    let result =
        BrotliDecompressStream(&mut left, &mut taken, input, &mut room, &mut made, output, &mut total, state);
    match result {
        BrotliResult::ResultFailure => Err(format!("{:?}", state.error_code)),
        BrotliResult::ResultSuccess => Ok(DecodeStep { consumed: taken, produced: made, is_end: true }),
        BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => {
            Ok(DecodeStep { consumed: taken, produced: made, is_end: false })
        }
    }
}

fn zstd_step(context: &mut DCtx<'_>, input: &[u8], output: &mut [u8]) -> Result<DecodeStep, String> {
    let mut from = InBuffer::around(input);
    let mut to = OutBuffer::around(output);
    let left =
        context.decompress_stream(&mut to, &mut from).map_err(|code| get_error_name(code).to_owned())?;
    Ok(DecodeStep { consumed: from.pos(), produced: to.pos(), is_end: left == 0 })
}

#[cfg(test)]
mod tests;
