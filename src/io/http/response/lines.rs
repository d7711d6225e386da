//! Cuts a body into lines and pushes them into the inbox. Holds at most one unfinished line, and of that
//! at most [`MAX_LINE_LEN`] bytes.

use scenario_log::event::Source;
use scenario_log::secrets::part_redactor::PartRedactor;

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
    /// Redacts a line that is cut.
    redactor: PartRedactor,
}

impl<'a> BodyLineWriter<'a> {
    pub(crate) fn new(context: &'a FetchContext, source: Source) -> BodyLineWriter<'a> {
        BodyLineWriter {
            context,
            source,
            tail: context.inbox.take_buffer(),
            redactor: PartRedactor::default(),
        }
    }

    /// Emits the lines that `data` completes, and keeps the rest.
    pub(crate) async fn push(&mut self, data: &[u8]) {
        let complete = memchr::memrchr(b'\n', data).map_or(0, |newline| newline + 1);
        if complete > 0 {
            self.tail.extend_from_slice(&data[..complete]);
            self.emit(false).await;
        }
        for piece in data[complete..].chunks(MAX_LINE_LEN) {
            if self.tail.len() + piece.len() > MAX_LINE_LEN {
                self.emit(true).await;
            }
            self.tail.extend_from_slice(piece);
        }
    }

    /// Emits the rest: the last line may have no newline.
    pub(crate) async fn finish(mut self) {
        if !self.tail.is_empty() || self.redactor.held_len() > 0 {
            self.emit(false).await;
        }
    }

    /// Waits until the inbox has room, and pushes what is there. If the last line `goes_on`, a secret may,
    /// too.
    async fn emit(&mut self, goes_on: bool) {
        self.context.inbox.wait_for_room().await;
        let mut chunk = std::mem::replace(&mut self.tail, self.context.inbox.take_buffer());
        self.redactor.redact(&self.context.run_context.secrets, &mut chunk, goes_on);
        self.context.inbox.push(Input::ResponseLines { source: self.source, chunk });
    }
}
