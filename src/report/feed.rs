//! Feeds a log to everything that is made of it: read once, line by line, in memory that does not grow
//! with the log. Each event comes with the [origin](crate::report::origins) of its source.

use std::error::Error;
use std::fmt;
use std::io::{self, Read};

use crate::report::origins::{SourceOrigin, SourceTracker};
use scenario_log::decode::LogRecord;
use scenario_log::event::{Event, Source};
use scenario_log::reader::{LogLine, LogReadError, LogReader};
use scenario_log::time::Moment;

/// One event, with its place in the log.
#[derive(Clone, Copy, Debug)]
pub struct LogEvent<'a, 'e> {
    /// The line of the log, counted from 1.
    pub line: u64,
    /// When it happened.
    pub t: Moment,
    /// The event; none if this release does not know its kind.
    pub event: Option<&'a Event<'e>>,
    /// The origin of the event's source, from its start to its end; none if it has no source, or one
    /// that never started.
    pub origin: Option<&'a SourceOrigin>,
}

/// Makes something of a log.
pub trait EventConsumer {
    /// Takes an event. `bytes` is its whole line without the newline.
    ///
    /// # Errors
    /// When the result cannot be written.
    fn consume(&mut self, logged: &LogEvent<'_, '_>, bytes: &[u8]) -> io::Result<()>;

    /// Takes a source that has not ended at the end of the log. Sources come in their order.
    ///
    /// # Errors
    /// When the result cannot be written.
    fn consume_unended(&mut self, _source: Source, _origin: &SourceOrigin) -> io::Result<()> {
        Ok(())
    }
}

/// Why a log was not fed to its end.
#[derive(Debug)]
pub enum FeedError {
    /// It cannot be read.
    Read(LogReadError),
    /// The result of one of the consumers cannot be written.
    Write(io::Error),
}

impl From<LogReadError> for FeedError {
    fn from(unreadable: LogReadError) -> FeedError {
        FeedError::Read(unreadable)
    }
}

impl fmt::Display for FeedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FeedError::Read(unreadable) => unreadable.fmt(f),
            FeedError::Write(error) => error.fmt(f),
        }
    }
}

impl Error for FeedError {}

/// Feeds a log to its end, or to where it was cut short.
///
/// # Errors
/// If it cannot be read, or a result cannot be written.
pub fn feed<R: Read>(
    reader: &mut LogReader<R>,
    consumers: &mut [&mut dyn EventConsumer],
) -> Result<(), FeedError> {
    let mut sources = SourceTracker::default();
    while let Some(line) = reader.peek()? {
        feed_line(line, &mut sources, consumers)?;
        reader.advance();
    }
    for (source, origin) in sources.into_running() {
        for consumer in consumers.iter_mut() {
            consumer.consume_unended(source, &origin).map_err(FeedError::Write)?;
        }
    }
    Ok(())
}

fn feed_line(
    line: LogLine<'_>,
    sources: &mut SourceTracker,
    consumers: &mut [&mut dyn EventConsumer],
) -> Result<(), FeedError> {
    let damaged = |fault| LogReadError::damaged(line.number, fault);
    let record = LogRecord::decode(line.bytes).map_err(damaged)?;
    let event = record.event().map_err(damaged)?;
    with_origin(sources, (line.number, line.t), event.as_ref(), |logged| {
        consumers.iter_mut().try_for_each(|consumer| consumer.consume(logged, line.bytes))
    })
    .map_err(FeedError::Write)
}

/// Hands the next event of a log or a run to `consume`, with its line, its moment and the origin of its
/// source. All events must pass here, in their order.
pub fn with_origin<T>(
    sources: &mut SourceTracker,
    (line, t): (u64, Moment),
    event: Option<&Event<'_>>,
    consume: impl FnOnce(&LogEvent<'_, '_>) -> T,
) -> T {
    let Some(event) = event else { return consume(&LogEvent { line, t, event: None, origin: None }) };
    sources.before_event((line, t), event);
    let origin = event.source().and_then(|source| sources.origin(source));
    let consumed = consume(&LogEvent { line, t, event: Some(event), origin });
    sources.after_event(event);
    consumed
}

#[cfg(test)]
mod tests {
    use super::*;
    use scenario_log::event::{EntryName, SpawnExit};

    #[test]
    fn an_origin_lasts_from_the_start_to_the_end() {
        let mut sources = SourceTracker::default();
        let mut at = |n: u64, event: &Event<'_>| {
            with_origin(&mut sources, (n, Moment(n)), Some(event), |logged| {
                logged.origin.map(|origin| {
                    let group = &origin.group;
                    (group.name.clone(), group.entry.clone(), origin.nth, origin.failure.clone())
                })
            })
        };
        let (due, entry) = (Moment(0), Some(EntryName::Number(2)));
        for nth in 1..=1_000u32 {
            let source = Source::Spawn(nth);
            let start = Event::SpawnStarted { due, source, preset: "p", entry, pid: None };
            let known = |failure: Option<&str>| {
                Some(("p".to_owned(), Some("#2".to_owned()), u64::from(nth), failure.map(str::to_owned)))
            };
            assert_eq!(at(1, &start), known(None));
            let preset = Some("p");
            let failed = Event::SpawnFailed {
                source,
                preset,
                entry,
                error: "never",
                running: 1,
                last_try: None,
                again: None,
            };
            assert_eq!(at(2, &failed), known(None));
            let exit = SpawnExit::Code(0);
            let end = Event::SpawnExited {
                source,
                exit,
                ok: true,
                running: 0,
                held: false,
                killed: false,
                skipped: 0,
                again: false,
                reason: None,
                restarts_in: None,
                usage: Default::default(),
            };
            assert_eq!(at(3, &end), known(Some("never")));
            assert_eq!(at(4, &end), None, "it has ended");
        }
        assert!(sources.into_running().is_empty());
    }
}
