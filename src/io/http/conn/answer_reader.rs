//! The heads of the answers of one connection, on their way to hyper: each is kept until it is whole, and
//! then handed on as hyper takes it. Reads nothing itself.

use tokio::io::ReadBuf;

use super::answer_head::{AnswerHead, HeadRead, MAX_HEAD_LEN, read_head};
use crate::io::http::receive_counter::ReceiveCounter;

/// The bytes of answers that were received and are not handed on yet.
#[derive(Debug, Default)]
pub(crate) struct AnswerReader {
    /// Which answer of the connection is read.
    answer: u64,
    /// The head is over, so that everything is handed on as it comes.
    is_past_head: bool,
    /// The part of a head that arrived.
    head: Vec<u8>,
    /// The bytes to hand on, of which the first `handed_on` are.
    ready: Vec<u8>,
    handed_on: usize,
}

impl AnswerReader {
    /// Begins with the head of the next answer, if the one before it has been read to its end.
    pub(crate) fn begin(&mut self, counter: &ReceiveCounter) {
        if self.answer != counter.answer() {
            self.answer = counter.answer();
            self.is_past_head = false;
        }
    }

    /// Whether what arrives next belongs to a head.
    pub(crate) fn is_in_head(&self) -> bool {
        !self.is_past_head
    }

    /// Hands on what is ready; false if nothing is.
    pub(crate) fn take_ready(&mut self, buffer: &mut ReadBuf<'_>) -> bool {
        let left = &self.ready[self.handed_on..];
        if left.is_empty() {
            return false;
        }
        let piece = &left[..left.len().min(buffer.remaining())];
        buffer.put_slice(piece);
        self.handed_on += piece.len();
        if self.handed_on == self.ready.len() {
            self.ready.clear();
            self.handed_on = 0;
        }
        true
    }

    /// Takes what arrived within a head; nothing if the connection was closed.
    pub(crate) fn push(&mut self, bytes: &[u8], counter: &ReceiveCounter) {
        if bytes.is_empty() {
            return self.pass_on();
        }
        // Servers may send empty lines before an answer (RFC 9112, section 2.2).
        let begin = if self.head.is_empty() { blank_len(bytes) } else { 0 };
        let before = self.head.len();
        self.head.extend_from_slice(&bytes[begin..]);
        // A long head is read again only when it may be whole.
        let may_be_whole = before < 8 || has_empty_line(&self.head[before - 2..]);
        while may_be_whole || self.head.len() > MAX_HEAD_LEN {
            match read_head(&self.head) {
                HeadRead::Partial => return,
                HeadRead::Complete(AnswerHead { len, rewritten, is_interim }) => {
                    match rewritten {
                        Some(rewritten) => self.ready.extend_from_slice(&rewritten),
                        None => self.ready.extend_from_slice(&self.head[..len]),
                    }
                    self.head.drain(..len);
                    if !is_interim {
                        return self.pass_on();
                    }
                    self.head.drain(..blank_len(&self.head));
                    if self.head.is_empty() {
                        return;
                    }
                }
                HeadRead::Refused(error) => {
                    if let Some(error) = error {
                        counter.set_head_error(error.to_string());
                    }
                    return self.pass_on();
                }
            }
        }
    }

    /// Hands on the rest as it is.
    fn pass_on(&mut self) {
        self.is_past_head = true;
        self.ready.append(&mut self.head);
    }
}

/// The number of bytes of empty lines that these bytes begin with.
fn blank_len(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count()
}

/// Whether a line in these bytes is empty, other than the first one.
fn has_empty_line(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|two| two == b"\n\n") || bytes.windows(3).any(|three| three == b"\n\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The answer that hyper gets from these pieces.
    fn handed_on(pieces: &[&[u8]]) -> String {
        let (mut reader, counter) = (AnswerReader::default(), ReceiveCounter::default());
        let mut all = Vec::new();
        for piece in pieces {
            match reader.is_in_head() {
                true => reader.push(piece, &counter),
                false => all.extend_from_slice(piece),
            }
            let mut space = [0; 7];
            let mut buffer = ReadBuf::new(&mut space);
            while reader.take_ready(&mut buffer) {
                all.extend_from_slice(buffer.filled());
                buffer.clear();
            }
        }
        String::from_utf8(all).unwrap()
    }

    #[test]
    fn heads_are_handed_on_whole_and_bodies_as_they_come() {
        let whole = b"HTTP/1.1 103 Early\r\nA : b\r\n\r\nHTTP/1.1 200 OK\r\nC: d\r\n\r\nA : b\r\n\r\n";
        let wanted = "HTTP/1.1 103 \r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nC: d\r\n\r\nA : b\r\n\r\n";
        assert_eq!(handed_on(&[whole]), wanted);
        let bytes: Vec<&[u8]> = whole.chunks(1).collect();
        assert_eq!(handed_on(&bytes), wanted);
        assert_eq!(handed_on(&[b"HTTP/1.1 200 OK\r\nA", b""]), "HTTP/1.1 200 OK\r\nA");
        assert_eq!(handed_on(&[b"220 mail"]), "220 mail");
    }

    #[test]
    fn a_refused_line_is_kept_for_the_message() {
        let (mut reader, counter) = (AnswerReader::default(), ReceiveCounter::default());
        reader.push(b"HTTP/1.1 200 OK\r\nstray\r\n\r\n", &counter);
        assert!(counter.head_error().unwrap().contains("stray"));
        counter.reset();
        reader.begin(&counter);
        assert_eq!((counter.head_error(), reader.is_in_head()), (None, true));
    }
}
