//! Cuts a body into lines and pushes them into the inbox. Holds at most one unfinished line, and of that
//! at most [`MAX_LINE_LEN`] bytes.

use scenario_log::event::Source;

use crate::io::http::FetchContext;
use scenario_core::engine::input::Input;

/// The longest line that stays whole, in bytes. A longer one becomes several lines of at most this length:
/// the memory stays bounded whatever a server sends.
const MAX_LINE_LEN: usize = 1 << 20;

/// Writes the lines of one body into the inbox.
pub(crate) struct BodyLineWriter<'a> {
    context: &'a FetchContext,
    source: Source,
    tail: Vec<u8>,
}

impl<'a> BodyLineWriter<'a> {
    pub(crate) fn new(context: &'a FetchContext, source: Source) -> BodyLineWriter<'a> {
        BodyLineWriter { context, source, tail: context.inbox.take_buffer() }
    }

    /// Emits the lines that `data` completes, and keeps the rest.
    pub(crate) async fn push(&mut self, data: &[u8]) {
        let complete = memchr::memrchr(b'\n', data).map_or(0, |newline| newline + 1);
        if complete > 0 {
            self.tail.extend_from_slice(&data[..complete]);
            self.emit().await;
        }
        for piece in data[complete..].chunks(MAX_LINE_LEN) {
            if self.tail.len() + piece.len() > MAX_LINE_LEN {
                self.emit().await;
            }
            self.tail.extend_from_slice(piece);
        }
    }

    /// Emits the rest: the last line may have no newline.
    pub(crate) async fn finish(mut self) {
        if !self.tail.is_empty() {
            self.emit().await;
        }
    }

    /// Waits until the inbox has room, and pushes what is there.
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
