//! An event of the stream, encoded once for all pages: as it is, and compressed.
//!
//! # How it works
//!
//! A compressed stream is one stream of gzip (RFC 1952). Its data are blocks of DEFLATE that refer to
//! nothing before their event, so that the blocks of an event are the same for all pages, and can be
//! compressed once. At the end of a stream are the checksum and the size of what it held.

use std::io::Write;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use flate2::{Compress, Compression, Crc, FlushCompress, Status};

/// The head of a stream of gzip: no name, no time, an unknown system.
pub(super) const GZIP_HEAD: &[u8] = &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// The last block of a stream: empty.
const LAST_BLOCK: &[u8] = &[3, 0];

/// One event of the stream. Its clones are the same bytes.
#[derive(Clone, Debug, Default)]
pub(super) struct StreamEvent(Arc<EventBytes>);

#[derive(Debug, Default)]
struct EventBytes {
    plain: Bytes,
    compressed: OnceLock<CompressedBytes>,
}

#[derive(Debug)]
struct CompressedBytes {
    blocks: Bytes,
    /// The checksum and the size of the event as it is.
    crc: Crc,
}

impl StreamEvent {
    /// An event with this data, which is JSON of one line.
    pub(super) fn new(name: &str, data: &str) -> StreamEvent {
        debug_assert!(!data.contains('\n'), "JSON of one line");
        StreamEvent::from_plain(Bytes::from(format!("event: {name}\ndata: {data}\n\n")))
    }

    /// An event, or a comment, that is encoded already.
    pub(super) fn from_plain(plain: Bytes) -> StreamEvent {
        StreamEvent(Arc::new(EventBytes { plain, compressed: OnceLock::new() }))
    }

    pub(super) fn plain(&self) -> &Bytes {
        &self.0.plain
    }

    /// The blocks of the event in a compressed stream.
    pub(super) fn blocks(&self) -> &Bytes {
        &self.compressed().blocks
    }

    /// The compressed event. It is made when it is first asked for.
    fn compressed(&self) -> &CompressedBytes {
        self.0.compressed.get_or_init(|| {
            let mut crc = Crc::new();
            crc.update(&self.0.plain);
            CompressedBytes { blocks: compress(&self.0.plain).into(), crc }
        })
    }
}

/// The blocks of DEFLATE for this text. They end at a byte, and are not the last ones of their stream.
fn compress(text: &[u8]) -> Vec<u8> {
    let mut compress = Compress::new(Compression::fast(), false);
    let mut out = Vec::with_capacity(text.len() / 4 + 64);
    loop {
        let read = usize::try_from(compress.total_in()).unwrap_or(usize::MAX).min(text.len());
        let status = compress.compress_vec(&text[read..], &mut out, FlushCompress::Full);
        let has_room = out.len() < out.capacity();
        match status {
            Ok(Status::Ok | Status::BufError) if has_room => return out,
            // All of it is written once some room is left.
            Ok(_) => out.reserve(out.capacity().max(64)),
            // The state of a compression that has just begun is sound.
            Err(_) => return stored(text),
        }
    }
}

/// The text in blocks that are not compressed.
fn stored(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for part in text.chunks(usize::from(u16::MAX)) {
        let size = u16::try_from(part.len()).unwrap_or(u16::MAX);
        out.push(0);
        out.extend(size.to_le_bytes());
        out.extend((!size).to_le_bytes());
        out.extend(part);
    }
    out
}

/// The checksum and the size of a compressed stream so far.
#[derive(Debug, Default)]
pub(super) struct StreamSum(Crc);

impl StreamSum {
    /// Adds an event.
    pub(super) fn add(&mut self, event: &StreamEvent) {
        self.0.combine(&event.compressed().crc);
    }

    /// The end of the stream.
    pub(super) fn end(&self) -> Bytes {
        let mut end = LAST_BLOCK.to_vec();
        let numbers = [self.0.sum(), self.0.amount()];
        let written = numbers.iter().try_for_each(|number| end.write_all(&number.to_le_bytes()));
        debug_assert!(written.is_ok(), "writing to memory cannot fail");
        Bytes::from(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn a_compressed_stream_is_one_of_gzip() {
        let large = format!("{:?}", (0..60_000).collect::<Vec<u32>>());
        let events = [("state", &*large), ("change", "{}"), ("world", ""), ("change", &large[..1_000])];
        let (mut stream, mut plain, mut sum) = (GZIP_HEAD.to_vec(), String::new(), StreamSum::default());
        for (name, data) in events {
            let event = StreamEvent::new(name, data);
            plain.push_str(std::str::from_utf8(event.plain()).unwrap());
            stream.extend_from_slice(event.blocks());
            sum.add(&event);
            // The part that has come can be read before the stream has ended.
            let mut so_far = vec![0; plain.len()];
            flate2::read::GzDecoder::new(&stream[..]).read_exact(&mut so_far).unwrap();
            assert_eq!(so_far, plain.as_bytes());
        }
        assert!(stream.len() < plain.len() * 2 / 3, "{} of {}", stream.len(), plain.len());
        stream.extend_from_slice(&sum.end());
        let mut read = String::new();
        flate2::read::GzDecoder::new(&stream[..]).read_to_string(&mut read).unwrap();
        assert_eq!(read, plain);
    }

    #[test]
    fn blocks_that_are_stored_are_read_too() {
        let text = vec![7; 200_000];
        let mut stream = stored(&text);
        stream.extend_from_slice(LAST_BLOCK);
        let mut read = Vec::new();
        flate2::read::DeflateDecoder::new(&stream[..]).read_to_end(&mut read).unwrap();
        assert!(read == text);
    }
}
