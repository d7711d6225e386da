//! A log, told to whoever makes something of it: read once, line by line, in memory that does not
//! grow.

use std::io::{self, Read};

use scenario_log::decode::LogRecord;
use scenario_log::event::Event;
use scenario_log::reader::{LogLine, LogReadError, LogReader};
use scenario_log::time::Moment;

/// One event, with where it stands.
#[derive(Clone, Copy, Debug)]
pub struct LogEvent<'a, 'e> {
    /// The line of the log, from 1.
    pub line: u64,
    /// When it happened.
    pub t: Moment,
    /// The event; none if it is of a kind that is not known.
    pub event: Option<&'a Event<'e>>,
}

/// Who makes something of a log.
pub trait EventConsumer {
    /// Is told an event. `bytes` is its whole line without the newline.
    ///
    /// # Errors
    /// When what is made cannot be written.
    fn consume(&mut self, told: &LogEvent<'_, '_>, bytes: &[u8]) -> io::Result<()>;
}

/// Why a log was not told to its end.
#[derive(Debug)]
pub enum FeedError {
    /// It cannot be read.
    Read(LogReadError),
    /// What one of the listeners makes cannot be written.
    Write(io::Error),
}

impl From<LogReadError> for FeedError {
    fn from(unreadable: LogReadError) -> FeedError {
        FeedError::Read(unreadable)
    }
}

/// Tells a log to its end, or to where it was cut short.
///
/// # Errors
/// If it cannot be read, or what is made of it cannot be written.
pub fn feed<R: Read>(
    reader: &mut LogReader<R>,
    listeners: &mut [&mut dyn EventConsumer],
) -> Result<(), FeedError> {
    while let Some(line) = reader.peek()? {
        feed_line(line, listeners)?;
        reader.advance();
    }
    Ok(())
}

fn feed_line(line: LogLine<'_>, listeners: &mut [&mut dyn EventConsumer]) -> Result<(), FeedError> {
    let damaged = |fault| LogReadError::damaged(line.number, fault);
    let record = LogRecord::decode(line.bytes).map_err(damaged)?;
    let event = record.event().map_err(damaged)?;
    let told = LogEvent { line: line.number, t: line.t, event: event.as_ref() };
    for listener in listeners.iter_mut() {
        listener.consume(&told, line.bytes).map_err(FeedError::Write)?;
    }
    Ok(())
}
