//! Conditions that must hold for any bytes that a server sends. For fuzzers and tests; the program does not use it.

use tokio::io::ReadBuf;

use super::conn::answer_head::{HeadRead, read_head};
use super::conn::answer_reader::AnswerReader;
use super::load::fast_path::{FastPathParse, parse_answer};
use super::receive_counter::ReceiveCounter;

/// The largest body that the fast path is asked to take.
const MAX_BODY: u64 = 1 << 16;

/// Reads bytes as an answer of HTTP/1, whole and in pieces.
///
/// # Panics
///
/// If the lanes of a load and of a plain fetch would not read the same answer, or if it matters in which pieces
/// the bytes arrive.
pub fn check_answer(bytes: &[u8]) {
    let whole = handed_on(bytes, bytes.len().max(1));
    for piece in [1, 2, 7] {
        assert_eq!(handed_on(bytes, piece), whole, "pieces of {piece}");
    }
    if let FastPathParse::Complete(response) = parse_answer(bytes, MAX_BODY) {
        let HeadRead::Complete(head) = read_head(bytes) else { panic!("hyper would not read this head") };
        assert!(!head.is_interim && response.bytes <= MAX_BODY);
        assert!(head.len as u64 + response.bytes <= bytes.len() as u64);
    }
    if let HeadRead::Complete(head) = read_head(bytes) {
        // Hyper reads its part in the same way.
        let rewritten = head.rewritten.unwrap_or_else(|| bytes[..head.len].to_vec());
        let HeadRead::Complete(again) = read_head(&rewritten) else { panic!("the rewritten head is odd") };
        assert_eq!((again.rewritten, again.is_interim), (None, head.is_interim));
    }
}

/// The answer that hyper gets from these bytes, if they arrive in pieces of this length.
fn handed_on(bytes: &[u8], piece_len: usize) -> Vec<u8> {
    let (mut reader, counter) = (AnswerReader::default(), ReceiveCounter::default());
    let mut all = Vec::new();
    let mut space = [0; 64];
    let mut take = |reader: &mut AnswerReader, all: &mut Vec<u8>| {
        let mut buffer = ReadBuf::new(&mut space);
        while reader.take_ready(&mut buffer) {
            all.extend_from_slice(buffer.filled());
            buffer.clear();
        }
    };
    for piece in bytes.chunks(piece_len) {
        match reader.is_in_head() {
            true => reader.push(piece, &counter),
            false => all.extend_from_slice(piece),
        }
        take(&mut reader, &mut all);
    }
    if reader.is_in_head() {
        reader.push(&[], &counter);
    }
    take(&mut reader, &mut all);
    all
}
